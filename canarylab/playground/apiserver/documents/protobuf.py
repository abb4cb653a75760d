"""What did kubectl send in Go's own encoding?

From 1.32 on `kubectl create deployment` and its like send protobuf whatever the server would
prefer. Answers stay JSON. A field that `protobuf_messages.py` does not know is refused, for to
drop it silently would make something else than what was asked for.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.documents.protobuf_messages import (
    INLINE,
    MESSAGES,
    MessageField,
)
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import timestamp

MAGIC = b"k8s\x00"

_VARINT, _BYTES = 0, 2  # how a field is written
_NUMBERS = ("int", "bool")
_ADVICE = "Write the object to a file and use kubectl apply -f."


def decode_protobuf(body: bytes) -> Object:
    """The object in the body, as the same object would look in JSON.

    Go also sends what is empty; `decode` drops that as it does for every document.
    """
    if not body.startswith(MAGIC):
        raise _cannot_read("the body does not begin as Kubernetes' protobuf does")
    try:
        envelope = _read_message("Unknown", body[len(MAGIC) :])
        kind = envelope["typeMeta"]["kind"]
        if kind not in MESSAGES:
            raise _cannot_read(f"an object of kind {kind} cannot be read in this form")
        return {**envelope["typeMeta"], **_read_message(kind, base64.b64decode(envelope["raw"]))}
    except (KeyError, IndexError, OverflowError, ValueError) as exc:
        raise _cannot_read("the body ends too early, or is damaged") from exc


def _read_message(name: str, data: bytes) -> Object:
    fields, result = MESSAGES[name], dict[str, Any]()
    for number, value in _fields_on_wire(data):
        field = fields.get(number)
        if field is None:
            raise _cannot_read(f"field {number} of {name} cannot be read in this form")
        if isinstance(value, int) is not (field.type in _NUMBERS):
            raise _cannot_read(f"field {number} of {name} has another form")
        read = _read_value(field, value)
        if field.repeated:
            result.setdefault(field.name, []).append(read)
        elif field.type in ("map", "bytemap"):
            result.setdefault(field.name, {}).update(read)
        elif field.name == INLINE:
            result.update(read)
        elif read is not None:
            result[field.name] = read
    return result


def _read_value(field: MessageField, value: Any) -> Any:
    reader = _READERS.get(field.type)
    return _read_message(field.type, value) if reader is None else reader(value)


def _read_string(data: bytes) -> str:
    return data.decode()


def _read_bytes(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _read_integer(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _read_string_entry(data: bytes) -> dict[str, str]:
    parts = dict(_fields_on_wire(data))
    return {_read_string(parts.get(1, b"")): _read_string(parts.get(2, b""))}


def _read_bytes_entry(data: bytes) -> dict[str, str]:
    parts = dict(_fields_on_wire(data))
    return {_read_string(parts.get(1, b"")): _read_bytes(parts.get(2, b""))}


def _read_time(data: bytes) -> str | None:
    """A time nobody set has no seconds."""
    seconds = _read_message("Time", data).get("seconds")
    return None if seconds is None else timestamp(datetime.fromtimestamp(seconds, UTC))


def _read_int_or_string(data: bytes) -> int | str:
    parts = _read_message("IntOrString", data)
    return str(parts.get("text", "")) if parts.get("type") == 1 else int(parts.get("int", 0))


def _fields_on_wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """The numbers and values of the fields in their order."""
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        number, form = key >> 3, key & 7
        if form == _VARINT:
            value, position = _read_varint(data, position)
            yield number, value
        elif form == _BYTES:
            length, position = _read_varint(data, position)
            if position + length > len(data):
                raise IndexError(position)
            yield number, data[position : position + length]
            position += length
        else:
            raise _cannot_read(f"field {number} has a form that none of ours has")


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """A number, seven bits a byte, and where the next thing begins."""
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "string": _read_string,
        "bytes": _read_bytes,
        "int": _read_integer,
        "bool": bool,
        "map": _read_string_entry,
        "bytemap": _read_bytes_entry,
        "Time": _read_time,
        "IntOrString": _read_int_or_string,
    }
)


def _cannot_read(why: str) -> BadRequestError:
    return BadRequestError(f"the protobuf in the request is not understood: {why}. {_ADVICE}")
