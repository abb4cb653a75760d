"""Does a value have the form that a definition asks for?

The words are those of OpenAPI's validator, which Kubernetes uses for custom kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from canarylab.errors import Cause
from canarylab.playground.apiserver.custom.shape import Shape
from canarylab.playground.apiserver.validation.causes import (
    duplicate,
    invalid,
    required,
    too_long,
    unsupported,
)

_NAMES = {bool: "boolean", dict: "object", float: "number", list: "array", str: "string"}


def problems(shape: Shape, value: Any, path: str = "") -> Iterator[Cause]:
    """Everything about the value, and all within it, that has another form."""
    found = "integer" if _is_whole(value) else _NAMES.get(type(value), "null")
    if found != shape.type:
        yield _mismatch(path, found, shape.type)
    elif isinstance(value, dict):
        yield from _of_object(shape, value, path)
    elif isinstance(value, list):
        yield from _of_list(shape, value, path)
    elif isinstance(value, str):
        yield from _of_text(shape.limits, value, path)
    elif not isinstance(value, bool):
        yield from _of_number(shape.limits, value, path)
    yield from _of_words(shape.limits, value, path)


def twins(shape: Shape, value: Any, path: str = "") -> Iterator[Cause]:
    """Items of lists that should tell them apart, and do not."""
    if isinstance(value, dict):
        for name, part in value.items():
            inner = shape.values or shape.fields.get(name)
            if inner is not None:
                yield from twins(inner, part, below(path, name))
    if shape.items is None or not isinstance(value, list):
        return
    for index, item in enumerate(value):
        yield from twins(shape.items, item, f"{path}[{index}]")
    if shape.keys is not None:
        yield from _repeated(shape.keys, value, path)


def below(path: str, name: str) -> str:
    """The way to a field.

    >>> below("spec", "rules")
    'spec.rules'
    """
    return f"{path}.{name}" if path else name


def _of_object(shape: Shape, value: Mapping[str, Any], path: str) -> Iterator[Cause]:
    for name in shape.required:
        if name not in value:
            yield required(below(path, name))
    most = shape.limits.get("maxProperties", len(value))
    if len(value) > most:
        yield _too_many(path, len(value), most)
    for name, part in value.items():
        inner = shape.values or shape.fields.get(name)
        if inner is not None:
            yield from problems(inner, part, below(path, name))


def _of_list(shape: Shape, value: Sequence[Any], path: str) -> Iterator[Cause]:
    count, limits = len(value), shape.limits
    if shape.items is not None:
        for index, item in enumerate(value):
            yield from problems(shape.items, item, f"{path}[{index}]")
    if count < limits.get("minItems", 0):
        yield _in_body(path, count, f"should have at least {limits['minItems']} items")
    if count > limits.get("maxItems", count):
        yield _too_many(path, count, limits["maxItems"])


def _of_text(limits: Mapping[str, Any], value: str, path: str) -> Iterator[Cause]:
    """The first thing that is wrong, as there."""
    if len(value) > limits.get("maxLength", len(value)):
        yield too_long(path, limits["maxLength"])
    elif len(value) < limits.get("minLength", 0):
        yield _in_body(path, value, f"should be at least {limits['minLength']} chars long")
    elif not re.search(limits.get("pattern", ""), value):
        yield _in_body(path, value, f"should match '{limits['pattern']}'")
    if limits.get("format") == "date-time" and not _is_moment(value):
        yield _mismatch(path, value, "date-time")


def _of_number(limits: Mapping[str, Any], value: int, path: str) -> Iterator[Cause]:
    if value < limits.get("minimum", value):
        yield _in_body(path, value, f"should be greater than or equal to {limits['minimum']}")
    if value > limits.get("maximum", value):
        yield _in_body(path, value, f"should be less than or equal to {limits['maximum']}")


def _of_words(limits: Mapping[str, Any], value: Any, path: str) -> Iterator[Cause]:
    words = limits.get("enum", [])
    if words and value not in words:
        yield unsupported(path, value, [str(word) for word in words])


def _repeated(keys: tuple[str, ...], items: Sequence[Any], path: str) -> Iterator[Cause]:
    seen: list[Any] = []
    for index, item in enumerate(items):
        if keys and not isinstance(item, dict):
            continue
        mark = {key: item[key] for key in keys if key in item} if keys else item
        if mark in seen:
            yield duplicate(f"{path}[{index}]", mark)
        seen.append(mark)


def _mismatch(path: str, found: str, wanted: str) -> Cause:
    sentence = f'{path} in body must be of type {wanted}: "{found}"'
    return invalid(path, found, sentence)._replace(reason="FieldValueTypeInvalid")


def _too_many(path: str, count: int, most: int) -> Cause:
    items = "item" if most == 1 else "items"
    message = f"Too many: {count}: must have at most {most} {items}"
    return Cause("FieldValueTooMany", path, message)


def _in_body(path: str, value: Any, what: str) -> Cause:
    return invalid(path, value, f"{path} in body {what}")


def _is_whole(value: Any) -> bool:
    """JSON does not tell 10 from 10.0."""
    return type(value) is int or (isinstance(value, float) and value.is_integer())


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
