"""What OpenAPI's validator says of a value."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.custom.shape import (
    Shape,
    flag,
    listing,
    mapping,
    number,
    structure,
    text,
    word,
)
from canarylab.playground.apiserver.validation import forms

NAME = text("A name.", minLength=2, maxLength=4, pattern="^[a-z]+$")
COUNT = number("A count.", minimum=0, maximum=9)
NAMED = listing("Things.", structure("A thing.", name=NAME, count=COUNT), by=("name",))


def said(shape: Shape, value: Any) -> list[str]:
    """Of a field called `spec`."""
    root = structure("A thing.", spec=shape)
    found = [*forms.problems(root, {"spec": value}), *forms.twins(root, {"spec": value})]
    return [f"{cause.field}: {cause.message}" for cause in found]


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (NAME, "abcd"),
        (COUNT, 0),
        (COUNT, 9),
        (COUNT, 3.0),
        (flag("Is it?"), False),
        (word("One of two.", "a", "b"), "b"),
        (listing("Names.", NAME, by=()), ["ab", "cd"]),
        (listing("Names.", NAME), ["ab", "ab"]),
        (NAMED, [{"name": "ab"}, {"name": "cd"}]),
        (mapping("Names.", NAME), {"anything": "ab"}),
        (text("A moment.", format="date-time"), "2026-11-22T21:45:20Z"),
    ],
)
def test_what_has_the_form(shape: Shape, value: Any) -> None:
    assert said(shape, value) == []


@pytest.mark.parametrize(
    ("shape", "value", "problem"),
    [
        (NAME, "a", 'Invalid value: "a": spec in body should be at least 2 chars long'),
        (NAME, "abcde", "Too long: may not be more than 4 bytes"),
        (NAME, "AB", "Invalid value: \"AB\": spec in body should match '^[a-z]+$'"),
        (COUNT, -1, "Invalid value: -1: spec in body should be greater than or equal to 0"),
        (COUNT, 10, "Invalid value: 10: spec in body should be less than or equal to 9"),
        (
            word("One of two.", "a", "b"),
            "c",
            'Unsupported value: "c": supported values: "a", "b"',
        ),
        (
            listing("Names.", NAME, minItems=1),
            [],
            "Invalid value: 0: spec in body should have at least 1 items",
        ),
        (
            listing("Names.", NAME, maxItems=1),
            ["ab", "cd"],
            "Too many: 2: must have at most 1 item",
        ),
        (
            mapping("Names.", NAME, maxProperties=0),
            {"a": "ab"},
            "Too many: 1: must have at most 0 items",
        ),
        (
            text("A moment.", format="date-time"),
            "soon",
            'Invalid value: "soon": spec in body must be of type date-time: "soon"',
        ),
    ],
)
def test_what_has_another_form(shape: Shape, value: Any, problem: str) -> None:
    assert said(shape, value) == [f"spec: {problem}"]


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
def test_what_is_of_another_type(value: Any, found: str) -> None:
    assert said(NAME, value) == [
        f'spec: Invalid value: "{found}": spec in body must be of type string: "{found}"'
    ]


def test_what_is_missing() -> None:
    assert said(structure("A thing.", {"name": NAME}), {}) == ["spec.name: Required value"]


def test_a_problem_is_found_wherever_it_is() -> None:
    assert said(listing("Maps.", mapping("Names.", NAME)), [{}, {"a": "AB"}]) == [
        "spec[1].a: Invalid value: \"AB\": spec[1].a in body should match '^[a-z]+$'"
    ]


def test_items_are_told_apart_by_their_keys() -> None:
    twice = [{"name": "ab", "count": 1}, {"name": "cd"}, {"name": "ab", "count": 2}]
    assert said(NAMED, twice) == ['spec[2]: Duplicate value: {"name":"ab"}']


def test_plain_values_are_told_apart_by_themselves() -> None:
    assert said(listing("Names.", NAME, by=()), ["ab", "ab"]) == ['spec[1]: Duplicate value: "ab"']
