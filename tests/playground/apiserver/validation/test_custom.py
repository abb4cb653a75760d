"""What is asked of an object of a custom kind, and in which order."""

from __future__ import annotations

from tests.playground.apiserver.specimens import causes, gateway, http_route, listener, rule, said

NOT_CHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was "
    "invalid; correct the existing errors to complete validation"
)


def test_rules_are_not_asked_of_what_has_no_form() -> None:
    broken = gateway(listener("a"), listener("b"))
    del broken["spec"]["gatewayClassName"]
    assert said(broken) == ["spec.gatewayClassName: Required value", NOT_CHECKED]


def test_rules_are_asked_beside_a_number_out_of_bounds() -> None:
    assert [cause.field for cause in causes(gateway(listener("a", 0), listener("b", 0)))] == [
        "spec.listeners[0].port",
        "spec.listeners[1].port",
        "spec.listeners",
    ]


def test_a_value_of_another_type_has_a_reason_of_its_own() -> None:
    first, _ = causes(http_route(rule(matches="all")))
    assert first.reason == "FieldValueTypeInvalid"


def test_the_name_is_looked_at_as_well() -> None:
    assert said({**gateway(), "metadata": {}}) == [
        "metadata.name: Required value: name or generateName is required",
        NOT_CHECKED,
    ]
