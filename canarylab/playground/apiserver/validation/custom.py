"""Validation of custom kinds: metadata, then the form of the schema, then its rules."""

from __future__ import annotations

from collections.abc import Iterator

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import invalid
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS, structural
from canarylab.playground.apiserver.validation import metadata, names
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS

_HEAD = frozenset({"apiVersion", "kind", "metadata"})
_BLOCKING = frozenset(
    {
        "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)  # fmt: skip
"""Reasons that keep the rules from being checked: they are written for values of their type."""
_NOT_CHECKED = invalid(
    "<nil>",
    None,
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)


def of_custom(obj: Object, old: Object | None) -> Iterator[Cause]:
    """The errors of an object, or of the change of one."""
    kind = KINDS[obj["kind"]]
    schema, body = STRUCTURAL_SCHEMAS[kind.kind], _body(obj)
    found = [
        *metadata.of_object(obj["metadata"], names.subdomain, namespaced=kind.namespaced),
        *structural.type_errors(schema, body),
        *structural.duplicate_errors(schema, body),
    ]
    yield from found
    if any(cause.reason in _BLOCKING for cause in found):
        yield _NOT_CHECKED
    else:
        yield from structural.rule_errors(schema, body, None if old is None else _body(old))


def _body(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name not in _HEAD}
