"""GatewayClasses and Gateways that are valid, and those that are not."""

from __future__ import annotations

import pytest

from canarylab.kube_objects import Object
from tests.playground.apiserver.documents import (
    complete,
    errors_of,
    gateway,
    gateway_class,
    listener,
)

SECRET = {"certificateRefs": [{"name": "certificate"}]}
HOST = r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


@pytest.mark.parametrize(
    "document",
    [
        gateway(),
        gateway(listener("a", hostname="a.example"), listener("b", hostname="*.b.example")),
        gateway(listener("a", 80), listener("b", 81)),
        gateway(listener(protocol="HTTPS", port=443, tls=SECRET)),
        gateway(listener(protocol="TLS", port=443, tls={"mode": "Passthrough"})),
        gateway(listener(protocol="example.com/other")),
        gateway(listener(allowedRoutes={"kinds": [{"kind": "HTTPRoute"}]})),
        gateway(addresses=[{"value": "127.0.0.1"}, {"type": "Hostname", "value": "a.example"}]),
        gateway(infrastructure={"labels": {"a.example/team": "lab"}, "annotations": {"a": "b"}}),
        gateway(allowedListeners={"namespaces": {"from": "Same"}}),
    ],
)
def test_a_valid_gateway_is_accepted(document: Object) -> None:
    assert errors_of(document) == []


def test_routes_of_the_same_namespace_are_allowed_by_default() -> None:
    [one] = complete(gateway())["spec"]["listeners"]
    assert one["allowedRoutes"] == {"namespaces": {"from": "Same"}}


def test_a_new_gateway_is_pending() -> None:
    conditions = complete(gateway())["status"]["conditions"]
    assert [(one["type"], one["status"], one["message"]) for one in conditions] == [
        ("Accepted", "Unknown", "Waiting for controller"),
        ("Programmed", "Unknown", "Waiting for controller"),
    ]


@pytest.mark.parametrize(
    ("listeners", "problem"),
    [
        ([listener(tls=SECRET)], "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"),
        (
            [listener(protocol="https", tls={"mode": "Passthrough"})],
            "tls mode must be Terminate for protocol HTTPS",
        ),
        ([listener(protocol="TLS")], "tls mode must be set for protocol TLS"),
        (
            [listener(protocol="TCP", hostname="a.example")],
            "hostname must not be specified for protocols ['TCP', 'UDP']",
        ),
        (
            [listener("a"), listener("b")],
            "Combination of port, protocol and hostname must be unique for each listener",
        ),
    ],
)
def test_invalid_listeners_are_refused(listeners: list[Object], problem: str) -> None:
    assert errors_of(gateway(*listeners)) == [f"spec.listeners: Invalid value: {problem}"]


def test_a_listener_that_terminates_tls_needs_a_certificate() -> None:
    assert errors_of(gateway(listener(protocol="HTTPS", tls={}))) == [
        "spec.listeners[0].tls: Invalid value: "
        "certificateRefs or options must be specified when mode is Terminate"
    ]


@pytest.mark.parametrize("kind", ["IPAddress", "Hostname"])
def test_addresses_are_unique(kind: str) -> None:
    address = {"type": kind, "value": "a.example"}
    assert errors_of(gateway(addresses=[address, address])) == [
        f"spec.addresses: Invalid value: {kind} values must be unique"
    ]


def test_an_address_of_type_hostname_is_a_hostname() -> None:
    assert errors_of(gateway(addresses=[{"type": "Hostname", "value": "a_b"}])) == [
        "spec.addresses[0]: Invalid value: Hostname value must be empty or contain only valid "
        f"characters (matching {HOST})"
    ]


@pytest.mark.parametrize(("field", "what"), [("labels", "Label"), ("annotations", "Annotation")])
def test_labels_and_annotations_of_the_infrastructure_have_qualified_keys(
    field: str, what: str
) -> None:
    assert errors_of(gateway(infrastructure={field: {"-team": "lab"}})) == [
        f"spec.infrastructure.{field}: Invalid value: {what} keys must be in the form of an "
        "optional DNS subdomain prefix followed by a required name segment of up to 63 characters."
    ]


def test_tls_settings_are_for_different_ports() -> None:
    ports = [{"port": 443, "tls": {}}, {"port": 443, "tls": {}}]
    assert errors_of(gateway(tls={"frontend": {"default": {}, "perPort": ports}})) == [
        'spec.tls.frontend.perPort[1]: Duplicate value: {"port":443}',
        "spec.tls.frontend.perPort: Invalid value: "
        "Port for TLS configuration must be unique within the Gateway",
    ]


REFERENCE = {"group": "example.com", "kind": "Settings", "name": "canarylab"}


@pytest.mark.parametrize(
    "spec",
    [{}, {"description": "for the lab"}, {"parametersRef": {**REFERENCE, "namespace": "lab"}}],
)
def test_a_valid_gateway_class_is_accepted(spec: dict[str, object]) -> None:
    assert errors_of(gateway_class(**spec)) == []


def test_a_new_gateway_class_is_pending() -> None:
    [condition] = complete(gateway_class())["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Accepted", "Unknown")


def test_a_controller_name_is_a_domain_and_a_path() -> None:
    [sentence] = errors_of({**gateway_class(), "spec": {"controllerName": "canarylab"}})
    assert sentence.startswith(
        'spec.controllerName: Invalid value: "canarylab": spec.controllerName in body should match'
    )


def test_the_controller_name_is_immutable() -> None:
    after = {**gateway_class(), "spec": {"controllerName": "example.com/other"}}
    assert errors_of(after, gateway_class()) == [
        'spec.controllerName: Invalid value: "example.com/other": Value is immutable'
    ]


def test_a_description_has_at_most_64_characters() -> None:
    assert errors_of(gateway_class(description="x" * 65))[0] == (
        "spec.description: Too long: may not be more than 64 bytes"
    )


def test_a_parameters_reference_needs_group_and_kind() -> None:
    assert errors_of(gateway_class(parametersRef={"name": "canarylab"}))[:2] == [
        "spec.parametersRef.group: Required value",
        "spec.parametersRef.kind: Required value",
    ]
