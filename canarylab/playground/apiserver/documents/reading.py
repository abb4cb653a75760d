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
class Findings:
    """What was wrong with a document."""

    unknown: list[str] = field(default_factory=list)
    """Paths of fields that do not exist, `spec.containers[0].imagee`."""
    wrong: str | None = None
    """The first value that cannot be read, in Go's words."""
    converting: bool = False
    """Is this what a strategic merge patch left? Another reader, with other words."""

    def complain(self, sentence: str) -> None:
        """Keep the first complaint, as Go does."""
        self.wrong = self.wrong or sentence


@dataclass(frozen=True)
class _Place:
    """Where in the document: the structure, its field, and the way there."""

    structure: str
    field: str
    path: str

    @property
    def name(self) -> str:
        return f"{short(self.structure)}.{self.field}"

    def item(self, index: int) -> _Place:
        return _Place(self.structure, self.field, f"{self.path}[{index}]")


def read(structure: str, document: Mapping[str, Any], findings: Findings, path: str = "") -> Object:
    """What Go would keep of the document; what it finds wrong goes into `findings`."""
    known, required = schema(structure)["properties"], schema(structure).get("required", ())
    kept: Object = {}
    for key, value in document.items():
        here = _Place(structure, key, f"{path}.{key}" if path else key)
        if key not in known:
            findings.unknown.append(here.path)
        elif value is not None:
            read_value = _value(known[key], value, here, findings)
            if key in required or not _is_left_out(known[key], read_value, here.name):
                kept[key] = read_value
    # What must be there, Go writes even if nobody said it, as the zero of its type.
    zeros = {key: scalars.zero(known[key]) for key in required if key not in kept}
    return kept | {key: value for key, value in zeros.items() if value is not None}


def _is_left_out(shape: Schema, value: Any, name: str) -> bool:
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


def _value(shape: Schema, value: Any, place: _Place, findings: Findings) -> Any:
    if "items" in shape:
        return _list(shape, value, place, findings)
    if "additionalProperties" in shape:
        return _map(shape, value, place, findings)
    structure = referred(shape)
    if structure is not None:
        if isinstance(value, dict):
            return read(structure, value, findings, place.path)
        return _mismatch(shape, value, place, findings)
    return _scalar(shape, value, place, findings)


def _list(shape: Schema, value: Any, place: _Place, findings: Findings) -> Any:
    if not isinstance(value, list):
        return _mismatch(shape, value, place, findings)
    return [
        _element(shape["items"], item, place.item(index), findings)
        for index, item in enumerate(value)
    ]


def _map(shape: Schema, value: Any, place: _Place, findings: Findings) -> Any:
    if not isinstance(value, dict):
        return _mismatch(shape, value, place, findings)
    inner = shape["additionalProperties"]
    return {key: _element(inner, item, place, findings) for key, item in value.items()}


def _element(shape: Schema, value: Any, place: _Place, findings: Findings) -> Any:
    """An item of a list or a value of a map, where null is the zero of its type."""
    if value is None:
        value = {} if referred(shape) else scalars.zero(shape)
    return _value(shape, value, place, findings)


def _scalar(shape: Schema, value: Any, place: _Place, findings: Findings) -> Any:
    if shape.get("type") == "object":
        return value  # whatever it is, nobody here looks into it
    try:
        return scalars.read(shape, value)
    except scalars.MismatchError:
        return _mismatch(shape, value, place, findings)
    except ValueError as problem:
        findings.complain(str(problem))
        return None


def _mismatch(shape: Schema, value: Any, place: _Place, findings: Findings) -> None:
    wanted = go_type(shape, place.name)
    if findings.converting:
        findings.complain(_conversion_error(shape, value, wanted))
        return
    found = scalars.json_type(value)
    owner = f"{short(place.structure)}.{_INDEX.sub('', place.path)}"
    findings.complain(
        f"json: cannot unmarshal {found} into Go struct field {owner} of type {wanted}"
    )


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
