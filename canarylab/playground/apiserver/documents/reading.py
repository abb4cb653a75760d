"""Does a document fit its schema, and what is left of it?

Go reads JSON in its own way, and clients rely on it: `null` means "not said", an unknown field is
set aside, empty things are not written back, and only the first field of a wrong type is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from canarylab.playground.apiserver.documents import scalars
from canarylab.playground.apiserver.schema.builtin import Schema, referred, schema, short
from canarylab.playground.apiserver.schema.go_types import KEPT_WHEN_EMPTY, PLAIN_VALUES, go_type
from canarylab.playground.kube.api import Object

_INDEX = re.compile(r"\[\d+\]")


@dataclass
class DecodeErrors:
    """What was wrong with a document."""

    unknown_fields: list[str] = field(default_factory=list)
    """Paths of fields that do not exist, `spec.containers[0].imagee`."""
    first_error: str | None = None
    """The first value that cannot be read, in Go's words."""
    from_patch: bool = False
    """Is this what a strategic merge patch left? Another reader, with other words."""

    def add(self, sentence: str) -> None:
        """Keep the first complaint, as Go does."""
        self.first_error = self.first_error or sentence


@dataclass(frozen=True)
class _FieldLocation:
    """Where in the document: the structure, its field, and the way there."""

    structure: str
    field: str
    path: str

    @property
    def name(self) -> str:
        return f"{short(self.structure)}.{self.field}"

    def item(self, index: int) -> _FieldLocation:
        return _FieldLocation(self.structure, self.field, f"{self.path}[{index}]")


def read_structure(
    structure: str, document: Mapping[str, Any], errors: DecodeErrors, path: str = ""
) -> Object:
    """What Go would keep of the document; what it finds wrong goes into `errors`."""
    known, required = schema(structure)["properties"], schema(structure).get("required", ())
    kept: Object = {}
    for key, value in document.items():
        here = _FieldLocation(structure, key, f"{path}.{key}" if path else key)
        if key not in known:
            errors.unknown_fields.append(here.path)
        elif value is not None:
            read_value = _read_value(known[key], value, here, errors)
            if key in required or not _is_omitted(known[key], read_value, here.name):
                kept[key] = read_value
    # What must be there, Go writes even if nobody said it, as the zero of its type.
    zeros = {key: scalars.zero_value(known[key]) for key in required if key not in kept}
    return kept | {key: value for key, value in zeros.items() if value is not None}


def _is_omitted(shape: Schema, value: Any, name: str) -> bool:
    """Would Go leave this value out when it writes the structure back?"""
    if value is None:
        return True
    if value:
        return False
    if isinstance(value, bool | int):
        return name in PLAIN_VALUES
    if value == "":
        return name not in KEPT_WHEN_EMPTY
    return "items" in shape or "additionalProperties" in shape


def _read_value(shape: Schema, value: Any, place: _FieldLocation, errors: DecodeErrors) -> Any:
    if "items" in shape:
        return _read_list(shape, value, place, errors)
    if "additionalProperties" in shape:
        return _read_map(shape, value, place, errors)
    structure = referred(shape)
    if structure is not None:
        if isinstance(value, dict):
            return read_structure(structure, value, errors, place.path)
        return _report_wrong_type(shape, value, place, errors)
    return _read_scalar_field(shape, value, place, errors)


def _read_list(shape: Schema, value: Any, place: _FieldLocation, errors: DecodeErrors) -> Any:
    if not isinstance(value, list):
        return _report_wrong_type(shape, value, place, errors)
    return [
        _read_element(shape["items"], item, place.item(index), errors)
        for index, item in enumerate(value)
    ]


def _read_map(shape: Schema, value: Any, place: _FieldLocation, errors: DecodeErrors) -> Any:
    if not isinstance(value, dict):
        return _report_wrong_type(shape, value, place, errors)
    inner = shape["additionalProperties"]
    return {key: _read_element(inner, item, place, errors) for key, item in value.items()}


def _read_element(shape: Schema, value: Any, place: _FieldLocation, errors: DecodeErrors) -> Any:
    """An item of a list or a value of a map, where null is the zero of its type."""
    if value is None:
        value = {} if referred(shape) else scalars.zero_value(shape)
    return _read_value(shape, value, place, errors)


def _read_scalar_field(
    shape: Schema, value: Any, place: _FieldLocation, errors: DecodeErrors
) -> Any:
    if shape.get("type") == "object":
        return value  # whatever it is, nobody here looks into it
    try:
        return scalars.read_scalar(shape, value)
    except scalars.WrongTypeError:
        return _report_wrong_type(shape, value, place, errors)
    except ValueError as problem:
        errors.add(str(problem))
        return None


def _report_wrong_type(
    shape: Schema, value: Any, place: _FieldLocation, errors: DecodeErrors
) -> None:
    wanted = go_type(shape, place.name)
    if errors.from_patch:
        errors.add(_conversion_error(shape, value, wanted))
        return
    found = scalars.json_type(value)
    owner = f"{short(place.structure)}.{_INDEX.sub('', place.path)}"
    errors.add(f"json: cannot unmarshal {found} into Go struct field {owner} of type {wanted}")


def _conversion_error(shape: Schema, value: Any, wanted: str) -> str:
    """The words of the reader that takes maps instead of JSON."""
    found = {dict: "map", list: "slice", str: "string", bool: "bool", float: "float64"}.get(
        type(value), "int64"
    )
    if "items" in shape:
        return f"cannot restore slice from {found}"
    if "additionalProperties" in shape:
        return f"cannot restore map from {found}"
    if referred(shape) is not None:
        return f"cannot restore struct from: {found}"
    if (found, wanted) in (("float64", "int32"), ("float64", "int64"), ("int64", "string")):
        return f"cannot convert {found} to {wanted}"
    return f"unrecognized type: {wanted if shape.get('type') != 'string' else 'string'}"
