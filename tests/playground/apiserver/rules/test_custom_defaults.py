"""What custom kinds get that nobody wrote down."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.custom.shape import Shape, listing, mapping, structure, text
from canarylab.playground.apiserver.rules.custom_defaults import filled

COLOUR = structure("A colour.", name=text("Its name.").or_else("blue"))
WHOLE = structure(
    "A thing.",
    plain=COLOUR,
    given=COLOUR.or_else({}),
    many=listing("Colours.", COLOUR),
    named=mapping("Colours.", COLOUR),
)


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
def test_a_default_is_for_a_field_whose_parent_is_there(value: Any, after: Any) -> None:
    assert filled(WHOLE, value) == after


@pytest.mark.parametrize(
    "odd", [None, 1, "a", [1], {"given": 1}, {"given": 1, "many": {}, "else": 2}]
)
def test_what_has_another_form_is_left_alone(odd: Any) -> None:
    assert filled(WHOLE, odd) == odd


def test_what_was_given_is_not_changed() -> None:
    value: dict[str, Any] = {"many": [{}]}
    filled(WHOLE, value)
    assert value == {"many": [{}]}


def test_a_second_time_changes_nothing() -> None:
    shape: Shape = WHOLE
    once = filled(shape, {})
    assert filled(shape, once) == once
