"""Every definition is one that can be kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from canarylab.playground.apiserver.custom.kinds import SHAPES
from canarylab.playground.apiserver.custom.shape import Shape
from canarylab.playground.apiserver.rules.custom_defaults import filled
from canarylab.playground.apiserver.validation import forms
from canarylab.playground.kube.kinds import KINDS

LIMITS = {
    "enum", "format", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength",
    "minimum", "pattern",
}  # fmt: skip


def within(shape: Shape, path: str) -> Iterator[tuple[str, Shape]]:
    """The shape and all below it, by their paths."""
    yield path, shape
    for name, inner in shape.fields.items():
        yield from within(inner, f"{path}.{name}")
    inside = shape.values or shape.items
    if inside is not None:
        yield from within(inside, f"{path}[]")


EVERYWHERE = {path: shape for kind, root in SHAPES.items() for path, shape in within(root, kind)}
DEFAULTS = {path: shape for path, shape in EVERYWHERE.items() if shape.default is not None}


def test_every_custom_kind_has_a_definition() -> None:
    assert SHAPES.keys() == {name for name, kind in KINDS.items() if kind.is_custom}


def test_every_field_is_described() -> None:
    assert [path for path, shape in EVERYWHERE.items() if not shape.meaning.endswith(".")] == []


def test_every_limit_is_one_that_is_checked() -> None:
    assert [path for path, shape in EVERYWHERE.items() if shape.limits.keys() - LIMITS] == []


def test_only_lists_tell_items_apart() -> None:
    assert {shape.type for shape in EVERYWHERE.values() if shape.keys is not None} == {"array"}


def test_items_are_told_apart_by_fields_they_have() -> None:
    strange = [
        path
        for path, shape in EVERYWHERE.items()
        if shape.items is not None and set(shape.keys or ()) - set(shape.items.fields)
    ]
    assert strange == []


@pytest.mark.parametrize("path", DEFAULTS)
def test_a_default_has_the_form_it_is_a_default_for(path: str) -> None:
    shape = DEFAULTS[path]
    assert list(forms.problems(shape, filled(shape, shape.default))) == []
