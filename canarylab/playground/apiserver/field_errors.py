"""Field errors with the messages of Kubernetes (apimachinery/pkg/util/validation/field).

Each is a `Cause`: a reason for programs, the path of the field, and a sentence with the value as Go
prints it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from canarylab.errors import Cause

INT32_MAX = 2**31 - 1


def required(field: str, detail: str = "") -> Cause:
    """A required field is missing.

    >>> required("spec.selector").message
    'Required value'
    """
    return Cause("FieldValueRequired", field, _sentence("Required value", detail))


def invalid(field: str, value: Any, detail: str) -> Cause:
    """A value breaks a rule.

    >>> invalid("spec.replicas", -1, "must be greater than or equal to 0").message
    'Invalid value: -1: must be greater than or equal to 0'
    """
    return Cause("FieldValueInvalid", field, _sentence(f"Invalid value: {_shown(value)}", detail))


def duplicate(field: str, value: Any) -> Cause:
    """A value occurs twice."""
    return Cause("FieldValueDuplicate", field, f"Duplicate value: {_shown(value)}")


def not_found(field: str, value: str, detail: str = "") -> Cause:
    """A value refers to what is not there."""
    return Cause("FieldValueNotFound", field, _sentence(f"Not found: {_shown(value)}", detail))


def forbidden(field: str, detail: str) -> Cause:
    """A field must not be set."""
    return Cause("FieldValueForbidden", field, _sentence("Forbidden", detail))


def unsupported(field: str, value: Any, supported: Sequence[str]) -> Cause:
    """A value is not in the list of supported ones.

    >>> unsupported("spec.type", "Canary", ["ClusterIP", "NodePort"]).message
    'Unsupported value: "Canary": supported values: "ClusterIP", "NodePort"'
    """
    listed = ", ".join(_shown(one) for one in supported)
    return Cause(
        "FieldValueNotSupported",
        field,
        f"Unsupported value: {_shown(value)}: supported values: {listed}",
    )


def too_long(field: str, limit: int) -> Cause:
    """A value has too many bytes."""
    return Cause("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> Cause:
    """A list has too many items.

    >>> too_many("spec.rules", 17, 16).message
    'Too many: 17: must have at most 16 items'
    """
    items = "item" if limit == 1 else "items"
    message = f"Too many: {count}: must have at most {limit} {items}"
    return Cause("FieldValueTooMany", field, message)


def invalid_for_each(field: str, value: Any, problems: Iterable[str]) -> list[Cause]:
    """One `invalid` for each problem of a value."""
    return [invalid(field, value, problem) for problem in problems]


def check_not_negative(field: str, number: int | None) -> list[Cause]:
    """Check that a number is not negative; return the error."""
    if number is None or number >= 0:
        return []
    return [invalid(field, number, "must be greater than or equal to 0")]


def check_one_of(field: str, value: str, supported: Sequence[str]) -> list[Cause]:
    """Check that a value is given and supported; return the error."""
    if not value:
        return [required(field)]
    return [] if value in supported else [unsupported(field, value, supported)]


def check_unchanged(field: str, value: Any, before: Any) -> list[Cause]:
    """Check that an immutable field did not change; return the error."""
    return [] if value == before else [invalid(field, value, "field is immutable")]


def as_go(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """An object as errors show it: with all the fields of Go's type, by their names there.

    >>> as_go({"type": "Localhost"}, "Type", "LocalhostProfile")
    {'Type': 'Localhost', 'LocalhostProfile': None}
    """
    found = {name.lower(): each for name, each in value.items()}
    return {name: found.get(name.lower()) for name in names}


def _sentence(start: str, detail: str) -> str:
    return f"{start}: {detail}" if detail else start


def _shown(value: Any) -> str:
    """Compact JSON; Go escapes <, > and & in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, str):
        return text
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
