"""The words of field errors."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    check_not_negative,
    check_one_of,
    check_unchanged,
    duplicate,
    forbidden,
    invalid,
    invalid_for_each,
    required,
    too_long,
    unsupported,
)

MUST_NOT = "must not"


@pytest.mark.parametrize(
    ("cause", "reason", "message"),
    [
        (required("a"), "FieldValueRequired", "Required value"),
        (required("a", "say it"), "FieldValueRequired", "Required value: say it"),
        (invalid("a", 1, MUST_NOT), "FieldValueInvalid", "Invalid value: 1: must not"),
        (duplicate("a", "b"), "FieldValueDuplicate", 'Duplicate value: "b"'),
        (forbidden("a", MUST_NOT), "FieldValueForbidden", "Forbidden: must not"),
        (too_long("a", 3), "FieldValueTooLong", "Too long: may not be more than 3 bytes"),
        (
            unsupported("a", "b", ["c", "d"]),
            "FieldValueNotSupported",
            'Unsupported value: "b": supported values: "c", "d"',
        ),
    ],
)
def test_each_field_error_has_reason_and_message(cause: Cause, reason: str, message: str) -> None:
    assert cause == Cause(reason, "a", message)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-1, "-1"),
        (None, "null"),
        (True, "true"),
        ("v 2.0", '"v 2.0"'),
        ('a "b"', r'"a \"b\""'),
        ("é<", '"é<"'),
        ({"app": "a", "env": "b"}, '{"app":"a","env":"b"}'),
        ({"a": "<b>"}, r'{"a":"\u003cb\u003e"}'),
        (["10.0.0.1"], '["10.0.0.1"]'),
    ],
)
def test_values_are_shown_as_in_go(value: Any, shown: str) -> None:
    assert invalid("a", value, MUST_NOT).message == f"Invalid value: {shown}: must not"


def test_each_problem_is_an_error() -> None:
    assert [cause.message for cause in invalid_for_each("a", 1, ["x", "y"])] == [
        "Invalid value: 1: x",
        "Invalid value: 1: y",
    ]


@pytest.mark.parametrize("number", [None, 0, 1])
def test_zero_and_more_are_not_negative(number: int | None) -> None:
    assert check_not_negative("a", number) == []


def test_a_negative_number_is_an_error() -> None:
    [cause] = check_not_negative("a", -1)
    assert cause.message == "Invalid value: -1: must be greater than or equal to 0"


@pytest.mark.parametrize(
    ("word", "reasons"),
    [("b", []), ("", ["FieldValueRequired"]), ("c", ["FieldValueNotSupported"])],
)
def test_a_value_must_be_supported(word: str, reasons: list[str]) -> None:
    assert [cause.reason for cause in check_one_of("a", word, ["b"])] == reasons


def test_an_immutable_field_cannot_change() -> None:
    assert check_unchanged("a", {"b": 1}, {"b": 1}) == []
    [cause] = check_unchanged("a", {"b": 1}, {"b": 2})
    assert cause.message == 'Invalid value: {"b":1}: field is immutable'
