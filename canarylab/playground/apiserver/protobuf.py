"""Decoding of protobuf, in which kubectl sends new objects from version 1.32 on.

Answers stay JSON. What a message has comes from the schema of its structure; only the numbers of
the fields are elsewhere, in `field_numbers.json` (`tools/make_field_numbers.py`). There a structure
that is inlined in JSON stands as the numbers of its own fields. An unknown field is refused: to
drop it would create another object than the client sent.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, cast

from canarylab.errors import BadRequestError
from canarylab.kube_objects import Object, timestamp
from canarylab.playground.apiserver.documents import parse_json
from canarylab.playground.apiserver.schema.builtin import (
    Schema,
    go_name,
    referenced_schema,
    schema_name,
    structure_schema,
)

MAGIC = b"k8s\x00"
_VARINT, _BYTES = 0, 2  # wire types
_VARINT_BITS = 70  # ten bytes, as many as an integer of 64 bits has
_NUMBERS = frozenset({"int32", "int64", "boolean"})
_TYPE_META, _RAW = 1, 2  # fields of the envelope
_API_VERSION, _KIND = 1, 2  # fields of its TypeMeta
_KEY, _VALUE = 1, 2  # fields of the entry of a map
_ADVICE = "Write the object to a file and use kubectl apply -f."
Numbers = Mapping[str, Any]


@cache
def field_numbers() -> Mapping[str, Numbers]:
    """The fields of each structure by number; of an inlined structure, its own fields."""
    file = files("canarylab.playground.apiserver.schema").joinpath("field_numbers.json")
    return cast("Mapping[str, Numbers]", json.loads(file.read_bytes()))


def decode_protobuf(body: bytes) -> Object:
    """The object of a body, as it would be in JSON.

    Go sends empty values, too; `decode` drops them.
    """
    if not body.startswith(MAGIC):
        raise _cannot_read("the body does not begin as Kubernetes' protobuf does")
    try:
        envelope = dict(fields_on_wire(body[len(MAGIC) :]))
        type_meta = dict(fields_on_wire(envelope[_TYPE_META]))
        kind, api_version = type_meta[_KIND].decode(), type_meta[_API_VERSION].decode()
        structure = _structure(kind, api_version)
        obj = _read_message(structure, envelope[_RAW], field_numbers()[structure])
    except (
        AttributeError,
        KeyError,
        IndexError,
        OSError,
        OverflowError,
        TypeError,
        ValueError,
    ) as exc:
        raise _cannot_read("the body ends too early, or is damaged") from exc
    return {"apiVersion": api_version, "kind": kind, **obj}


def _structure(kind: str, api_version: str) -> str:
    try:
        return schema_name(kind, api_version)
    except KeyError:
        raise _cannot_read(f"an object of kind {kind} cannot be read in this form") from None


def _read_message(structure: str, data: bytes, numbers: Numbers) -> Object:
    properties, result = structure_schema(structure)["properties"], dict[str, Any]()
    for number, value in fields_on_wire(data):
        field, where = numbers.get(str(number)), f"field {number} of {go_name(structure)}"
        if field is None:
            raise _cannot_read(f"{where} cannot be read in this form")
        if isinstance(field, dict):
            result |= _read_message(structure, value, field)
            continue
        schema = properties[field]
        if isinstance(value, int) is not (_form(schema.get("items", schema)) in _NUMBERS):
            raise _cannot_read(f"{where} has another wire type")
        if "items" in schema:
            result.setdefault(field, []).append(_read_value(schema["items"], value))
        elif "additionalProperties" in schema:
            result.setdefault(field, {}).update(_read_entry(schema["additionalProperties"], value))
        elif (read := _read_value(schema, value)) is not None:
            result[field] = read
    return result


def _form(schema: Schema) -> str:
    """What a value is: `string`, `int32`, `date-time`, for example."""
    return str(schema.get("format") or schema.get("type", ""))


def _read_value(schema: Schema, value: Any) -> Any:
    structure = referenced_schema(schema)
    if structure is not None:
        return _read_message(structure, value, field_numbers()[structure])
    return _READERS[_form(schema)](value)


def _read_entry(schema: Schema, data: bytes) -> Object:
    """The entry of a map."""
    parts = dict(fields_on_wire(data))
    return {_read_string(parts.get(_KEY, b"")): _read_value(schema, parts.get(_VALUE, b""))}


def _read_string(data: bytes) -> str:
    return data.decode()


def _read_bytes(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _read_integer(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _read_time(data: bytes) -> str | None:
    """A timestamp, or None for the zero time."""
    seconds = dict(fields_on_wire(data)).get(1)
    return None if seconds is None else timestamp(datetime.fromtimestamp(seconds, UTC))


def _read_int_or_string(data: bytes) -> int | str:
    parts = dict(fields_on_wire(data))  # 1 says which of both it is
    if parts.get(1) == 1:
        return _read_string(parts.get(3, b""))
    return _read_integer(parts.get(2, 0))


def _read_quantity(data: bytes) -> str:
    return _read_string(dict(fields_on_wire(data)).get(1, b""))


def _read_document(data: bytes) -> Any:
    """JSON, in which the fields of a manager are."""
    return parse_json(dict(fields_on_wire(data)).get(1, b"{}"))


def fields_on_wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """The numbers and values of the fields."""
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _read_varint(data, position)
            yield number, value
        elif wire_type == _BYTES:
            length, position = _read_varint(data, position)
            if position + length > len(data):
                raise IndexError(position)
            yield number, data[position : position + length]
            position += length
        else:
            raise _cannot_read(f"field {number} has an unsupported wire type")


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer of seven bits a byte, and the position behind it."""
    value = shift = 0
    while shift < _VARINT_BITS:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise OverflowError(position)


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "string": _read_string,
        "byte": _read_bytes,
        "int32": _read_integer,
        "int64": _read_integer,
        "boolean": bool,
        "date-time": _read_time,
        "int-or-string": _read_int_or_string,
        "quantity": _read_quantity,
        "object": _read_document,
    }
)


def _cannot_read(why: str) -> BadRequestError:
    return BadRequestError(f"the protobuf in the request is not understood: {why}. {_ADVICE}")
