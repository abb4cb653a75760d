"""Single values, as they are kept."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.documents.scalars import (
    WrongTypeError,
    json_type,
    read_scalar,
    zero_value,
)

INT32 = {"type": "integer", "format": "int32"}
INT64 = {"type": "integer", "format": "int64"}
TIME = {"type": "string", "format": "date-time"}


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ({"type": "string"}, 1),
        ({"type": "string"}, True),
        ({"type": "boolean"}, "yes"),
        ({"type": "boolean"}, 1),
        (INT32, "3"),
        (INT32, 1.5),
        (INT32, True),
        (INT32, 2**31),
        (INT64, 2**63),
    ],
)
def test_a_value_of_another_type_does_not_fit(shape: dict[str, Any], value: Any) -> None:
    with pytest.raises(WrongTypeError):
        read_scalar(shape, value)


@pytest.mark.parametrize("number", [0, -1, 2**31 - 1, -(2**31)])
def test_a_number_that_fits_is_kept(number: int) -> None:
    assert read_scalar(INT32, number) == number


def test_a_long_number_may_be_longer() -> None:
    assert read_scalar(INT64, 2**40) == 2**40


@pytest.mark.parametrize("value", [3333, "http", "25%"])
def test_a_port_or_a_share_is_a_number_or_a_word(value: int | str) -> None:
    assert read_scalar({"format": "int-or-string"}, value) == value


@pytest.mark.parametrize(
    ("shape", "value", "problem"),
    [
        (
            {"format": "int-or-string"},
            True,
            "json: cannot unmarshal bool into Go value of type int32",
        ),
        (
            {"format": "int-or-string"},
            1.5,
            "json: cannot unmarshal number 1.5 into Go value of type int32",
        ),
        (
            {"format": "quantity"},
            "much",
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            TIME,
            "noon",
            'parsing time "noon" as "2006-01-02T15:04:05Z07:00": cannot parse "noon" as "2006"',
        ),
        (TIME, 12, "json: cannot unmarshal number into Go value of type string"),
        ({"type": "string", "format": "byte"}, "?", "illegal base64 data at input byte 0"),
    ],
)
def test_what_cannot_be_read_is_said_as_go_says_it(
    shape: dict[str, Any], value: Any, problem: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_scalar(shape, value)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-11-22T21:42:09Z", "2026-11-22T21:42:09Z"),
        ("2026-11-22T22:42:09+01:00", "2026-11-22T21:42:09Z"),
        ("2026-11-22T21:42:09.000001Z", "2026-11-22T21:42:09.000001Z"),
    ],
)
def test_times_are_kept_in_utc(given: str, kept: str) -> None:
    assert read_scalar(TIME, given) == kept


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        ({}, "object"),
        ([], "array"),
        ("", "string"),
        (False, "bool"),
        (1, "number"),
        (0.5, "number 0.5"),
    ],
)
def test_types_have_the_names_of_go(value: Any, name: str) -> None:
    assert json_type(value) == name


@pytest.mark.parametrize(
    ("shape", "nothing"),
    [
        ({"type": "string"}, ""),
        (INT32, 0),
        ({"type": "boolean"}, False),
        ({"format": "quantity"}, "0"),
        ({"format": "int-or-string"}, 0),
        (TIME, None),
        ({"type": "array", "items": {"type": "string"}}, None),
    ],
)
def test_most_types_have_a_value_for_nothing(shape: dict[str, Any], nothing: Any) -> None:
    assert zero_value(shape) == nothing
