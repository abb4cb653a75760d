"""Pruning, defaults and validation by structural schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS, structural
from canarylab.playground.apiserver.schema.structural import (
    Schema,
    array,
    integer,
    string,
    structure,
    with_defaults,
)
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import (
    causes,
    errors_of,
    gateway,
    http_route,
    listener,
    rule,
)

NAME = string("A name.", minLength=2, maxLength=4, pattern="^[a-z]+$")
COUNT = integer("A count.", minimum=0, maximum=9)
NAMES = array("Names.", NAME)
UNIQUE_NAMES = array("Names.", NAME, keys=[])
NAMED = array("Entries.", structure("An entry.", {"name": NAME, "count": COUNT}), keys=["name"])
LABELS: Schema = {"type": "object", "additionalProperties": NAME}
ONE_OF_TWO = string("One of two.", enum=["a", "b"])
TIME = string("A time.", format="date-time")

COLOUR = structure("A colour.", {"name": string("Its name.", default="blue")})
WITH_DEFAULTS = structure(
    "An object.",
    {
        "plain": COLOUR,
        "given": {**COLOUR, "default": {}},
        "many": array("Colours.", COLOUR),
        "named": {"type": "object", "additionalProperties": COLOUR},
    },
)
NOT_CHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was "
    "invalid; correct the existing errors to complete validation"
)


def errors(schema: Schema, value: Any) -> list[str]:
    """The errors of a field called `spec`."""
    root = structure("An object.", {"spec": schema})
    found = [
        *structural.type_errors(root, {"spec": value}),
        *structural.duplicate_errors(root, {"spec": value}),
    ]
    return [f"{cause.field}: {cause.message}" for cause in found]


def fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """A schema and all in it, by their paths."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from fields(field, f"{path}.{name}")
    for inner in ("additionalProperties", "items"):
        if inner in schema:
            yield from fields(schema[inner], f"{path}[]")


ALL_FIELDS = {
    path: field for kind, root in STRUCTURAL_SCHEMAS.items() for path, field in fields(root, kind)
}
DEFAULTS = {path: field for path, field in ALL_FIELDS.items() if "default" in field}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (NAME, "abcd"),
        (COUNT, 0),
        (COUNT, 9),
        (COUNT, 3.0),
        ({"type": "boolean"}, False),
        (ONE_OF_TWO, "b"),
        (UNIQUE_NAMES, ["ab", "cd"]),
        (NAMES, ["ab", "ab"]),
        (NAMED, [{"name": "ab"}, {"name": "cd"}]),
        (LABELS, {"anything": "ab"}),
        (TIME, "2026-11-22T21:45:20Z"),
    ],
)
def test_a_value_that_fits_its_schema_has_no_errors(schema: Schema, value: Any) -> None:
    assert errors(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "value", "error"),
    [
        (NAME, "a", 'Invalid value: "a": spec in body should be at least 2 chars long'),
        (NAME, "abcde", "Too long: may not be more than 4 bytes"),
        (NAME, "AB", "Invalid value: \"AB\": spec in body should match '^[a-z]+$'"),
        (COUNT, -1, "Invalid value: -1: spec in body should be greater than or equal to 0"),
        (COUNT, 10, "Invalid value: 10: spec in body should be less than or equal to 9"),
        (ONE_OF_TWO, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        (
            {**NAMES, "minItems": 1},
            [],
            "Invalid value: 0: spec in body should have at least 1 items",
        ),
        ({**NAMES, "maxItems": 1}, ["ab", "cd"], "Too many: 2: must have at most 1 item"),
        ({**LABELS, "maxProperties": 0}, {"a": "ab"}, "Too many: 1: must have at most 0 items"),
        (TIME, "soon", 'Invalid value: "soon": spec in body must be of type date-time: "soon"'),
    ],
)
def test_limits_are_checked_in_the_words_of_openapi(schema: Schema, value: Any, error: str) -> None:
    assert errors(schema, value) == [f"spec: {error}"]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1, "integer"),
        (1.5, "number"),
        (True, "boolean"),
        ([], "array"),
        ({}, "object"),
        (None, "null"),
    ],
)
def test_a_value_of_another_type_is_an_error(value: Any, found: str) -> None:
    assert errors(NAME, value) == [
        f'spec: Invalid value: "{found}": spec in body must be of type string: "{found}"'
    ]


def test_a_required_field_must_be_there() -> None:
    schema = structure("An object.", {"name": NAME}, required=["name"])
    assert errors(schema, {}) == ["spec.name: Required value"]


def test_an_error_has_the_path_of_its_field() -> None:
    assert errors(array("Maps.", LABELS), [{}, {"a": "AB"}]) == [
        "spec[1].a: Invalid value: \"AB\": spec[1].a in body should match '^[a-z]+$'"
    ]


def test_items_of_a_map_have_different_keys() -> None:
    twice = [{"name": "ab", "count": 1}, {"name": "cd"}, {"name": "ab", "count": 2}]
    assert errors(NAMED, twice) == ['spec[2]: Duplicate value: {"name":"ab"}']


def test_items_of_a_set_are_different() -> None:
    assert errors(UNIQUE_NAMES, ["ab", "ab"]) == ['spec[1]: Duplicate value: "ab"']


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ({}, {"given": {"name": "blue"}}),
        ({"plain": {}}, {"plain": {"name": "blue"}, "given": {"name": "blue"}}),
        ({"given": {"name": "red"}}, {"given": {"name": "red"}}),
        ({"many": [{}], "given": {}}, {"many": [{"name": "blue"}], "given": {"name": "blue"}}),
        (
            {"named": {"a": {}}, "given": {}},
            {"named": {"a": {"name": "blue"}}, "given": {"name": "blue"}},
        ),
    ],
)
def test_a_default_is_filled_in_where_the_parent_is_there(value: Any, after: Any) -> None:
    assert with_defaults(WITH_DEFAULTS, value) == after


@pytest.mark.parametrize(
    "odd", [None, 1, "a", [1], {"given": 1}, {"given": 1, "many": {}, "else": 2}]
)
def test_a_value_of_another_type_gets_no_defaults(odd: Any) -> None:
    assert with_defaults(WITH_DEFAULTS, odd) == odd


def test_filling_in_defaults_leaves_the_given_value_alone() -> None:
    value: dict[str, Any] = {"many": [{}]}
    with_defaults(WITH_DEFAULTS, value)
    assert value == {"many": [{}]}


def test_filling_in_defaults_twice_changes_nothing() -> None:
    once = with_defaults(WITH_DEFAULTS, {})
    assert with_defaults(WITH_DEFAULTS, once) == once


def test_every_custom_kind_has_a_schema() -> None:
    assert STRUCTURAL_SCHEMAS.keys() == {name for name, kind in KINDS.items() if kind.is_custom}


@pytest.mark.parametrize("path", DEFAULTS)
def test_every_default_fits_its_own_schema(path: str) -> None:
    schema = DEFAULTS[path]
    assert list(structural.type_errors(schema, with_defaults(schema, schema["default"]))) == []


def test_rules_are_not_checked_for_values_with_type_errors() -> None:
    broken = gateway(listener("a"), listener("b"))
    del broken["spec"]["gatewayClassName"]
    assert errors_of(broken) == ["spec.gatewayClassName: Required value", NOT_CHECKED]


def test_rules_are_checked_for_numbers_out_of_bounds() -> None:
    assert [cause.field for cause in causes(gateway(listener("a", 0), listener("b", 0)))] == [
        "spec.listeners[0].port",
        "spec.listeners[1].port",
        "spec.listeners",
    ]


def test_a_type_error_has_a_reason_of_its_own() -> None:
    first, _ = causes(http_route(rule(matches="all")))
    assert first.reason == "FieldValueTypeInvalid"


def test_the_metadata_of_custom_kinds_is_validated() -> None:
    assert errors_of({**gateway(), "metadata": {}}) == [
        "metadata.name: Required value: name or generateName is required",
        NOT_CHECKED,
    ]


def test_rules_are_not_published() -> None:
    listeners = structural.published(STRUCTURAL_SCHEMAS["Gateway"])["properties"]["spec"][
        "properties"
    ]["listeners"]
    assert listeners["x-kubernetes-list-map-keys"] == ["name"]
    assert structural.VALIDATIONS not in listeners


def test_items_of_a_set_are_compared_by_their_content() -> None:
    schema = structural.array("", structural.structure("", {}), keys=[])
    items = [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2}]
    assert [cause.field for cause in structural.duplicate_errors(schema, items)] == ["[1]"]
