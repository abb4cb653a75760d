"""GatewayClasses that a cluster takes, and those it does not."""

from __future__ import annotations

import pytest

from tests.playground.apiserver.specimens import complete, gateway_class, said

REFERENCE = {"group": "example.com", "kind": "Settings", "name": "canarylab"}


@pytest.mark.parametrize(
    "spec",
    [{}, {"description": "for the lab"}, {"parametersRef": {**REFERENCE, "namespace": "lab"}}],
)
def test_a_class_in_order(spec: dict[str, object]) -> None:
    assert said(gateway_class(**spec)) == []


def test_a_class_waits_for_its_controller() -> None:
    [condition] = complete(gateway_class())["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Accepted", "Unknown")


def test_the_controller_is_a_domain_and_a_path() -> None:
    [sentence] = said({**gateway_class(), "spec": {"controllerName": "canarylab"}})
    assert sentence.startswith(
        'spec.controllerName: Invalid value: "canarylab": spec.controllerName in body should match'
    )


def test_the_controller_stays() -> None:
    after = {**gateway_class(), "spec": {"controllerName": "example.com/other"}}
    assert said(after, gateway_class()) == [
        'spec.controllerName: Invalid value: "example.com/other": Value is immutable'
    ]


def test_a_description_is_short() -> None:
    assert said(gateway_class(description="x" * 65))[0] == (
        "spec.description: Too long: may not be more than 64 bytes"
    )


def test_a_reference_names_its_kind() -> None:
    assert said(gateway_class(parametersRef={"name": "canarylab"}))[:2] == [
        "spec.parametersRef.group: Required value",
        "spec.parametersRef.kind: Required value",
    ]
