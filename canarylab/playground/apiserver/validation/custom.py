"""Does an object of a custom kind keep what its definition asks?

First its form is looked at. The rules, which speak of several fields at once, can be asked only of
a form they were written for: what has another one is sent back before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from canarylab.errors import Cause
from canarylab.playground.apiserver.custom.kinds import SHAPES
from canarylab.playground.apiserver.custom.shape import Shape
from canarylab.playground.apiserver.validation import forms, metadata, names
from canarylab.playground.apiserver.validation.causes import invalid
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS

_HEAD = frozenset({"apiVersion", "kind", "metadata"})
_BLOCKING = frozenset(
    {
        "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)  # fmt: skip
_NOT_CHECKED = invalid(
    "<nil>",
    None,
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)


def of_custom(obj: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with it, or with a change of it."""
    kind = KINDS[obj["kind"]]
    shape, body = SHAPES[kind.kind], _body(obj)
    found = [
        *metadata.of_object(obj["metadata"], names.subdomain, namespaced=kind.namespaced),
        *forms.problems(shape, body),
        *forms.twins(shape, body),
    ]
    yield from found
    if any(cause.reason in _BLOCKING for cause in found):
        yield _NOT_CHECKED
    else:
        yield from _broken_rules(shape, body, None if old is None else _body(old))


def _body(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name not in _HEAD}


def _broken_rules(shape: Shape, value: Any, old: Any, path: str = "") -> Iterator[Cause]:
    """Those of the value itself, then those within it."""
    for rule in shape.rules:
        if not rule.holds(value):
            yield Cause("FieldValueInvalid", path, f"Invalid value: {rule.message}")
    if shape.is_fixed and old not in (None, value):
        yield invalid(path, value, "Value is immutable")
    if isinstance(value, dict):
        yield from _within(shape, value, old, path)
    elif isinstance(value, list) and shape.items is not None:
        for index, item in enumerate(value):
            yield from _broken_rules(shape.items, item, None, f"{path}[{index}]")


def _within(shape: Shape, value: Object, old: Any, path: str) -> Iterator[Cause]:
    before = old if isinstance(old, dict) else {}
    for name, part in value.items():
        inner = shape.values or shape.fields.get(name)
        if inner is not None:
            yield from _broken_rules(inner, part, before.get(name), forms.below(path, name))
