"""Is what an object says about itself in order: name, labels, annotations, selectors?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    each,
    forbidden,
    invalid,
    not_negative,
    required,
    too_long,
)
from canarylab.playground.apiserver.validation import names
from canarylab.playground.kube.api import Object

ANNOTATIONS_LIMIT = 256 * 1024  # bytes, keys and values of one object together
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def of_object(
    meta: Object, name_rule: Callable[[str], list[str]], *, namespaced: bool
) -> Iterator[Cause]:
    """What is wrong with `metadata`, for a kind whose names follow this rule."""
    name = meta.get("name", "")
    if name:
        yield from each("metadata.name", name, name_rule(name))
    else:
        yield required("metadata.name", "name or generateName is required")
    namespace = meta.get("namespace", "")
    if namespaced and namespace:
        yield from each("metadata.namespace", namespace, names.label(namespace))
    elif namespace:
        yield forbidden("metadata.namespace", "not allowed on this type")
    yield from not_negative("metadata.generation", meta.get("generation"))
    yield from of_labels("metadata.labels", meta.get("labels"))
    yield from of_annotations("metadata.annotations", meta.get("annotations"))
    yield from _finalizers(meta.get("finalizers", []))


def of_labels(field: str, given: Mapping[str, str] | None) -> Iterator[Cause]:
    """What is wrong with labels, or with a map that selects by them."""
    for key, value in sorted((given or {}).items()):
        yield from each(field, key, names.qualified(key))
        yield from each(field, value, names.label_value(value))


def of_annotations(field: str, given: Mapping[str, str] | None) -> Iterator[Cause]:
    """What is wrong with annotations. Their values may be anything, up to a size."""
    size = 0
    for key, value in sorted((given or {}).items()):
        yield from each(field, key, names.qualified(key.lower()))
        size += len(key.encode()) + len(value.encode())
    if size > ANNOTATIONS_LIMIT:
        yield too_long(field, ANNOTATIONS_LIMIT)


def of_selector(field: str, given: Mapping[str, Any]) -> Iterator[Cause]:
    """What is wrong with the selector of a Deployment."""
    yield from of_labels(f"{field}.matchLabels", given.get("matchLabels"))
    for index, entry in enumerate(given.get("matchExpressions", [])):
        yield from _expression(f"{field}.matchExpressions[{index}]", entry)


def _expression(field: str, entry: Mapping[str, Any]) -> Iterator[Cause]:
    operator, values = entry.get("operator", ""), entry.get("values", [])
    if operator in ("In", "NotIn"):
        if not values:
            yield required(
                f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'"
            )
    elif operator in OPERATORS:
        if values:
            yield forbidden(
                f"{field}.values",
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )
    else:
        yield invalid(f"{field}.operator", operator, "not a valid selector operator")
    yield from each(f"{field}.key", entry.get("key", ""), names.qualified(entry.get("key", "")))
    for index, value in enumerate(values):
        yield from each(f"{field}.values[{index}]", value, names.label_value(value))


def _finalizers(given: list[str]) -> Iterator[Cause]:
    for name in given:
        yield from each("metadata.finalizers", name, names.qualified(name))
    if {"orphan", "foregroundDeletion"} <= set(given):
        yield invalid(
            "metadata.finalizers",
            given,
            "finalizer orphan and foregroundDeletion cannot be both set",
        )
