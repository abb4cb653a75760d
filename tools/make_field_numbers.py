"""Write the numbers that the fields of built-in kinds have in protobuf, from a kubectl.

They go to `field_numbers.json` in `canarylab/playground/apiserver/schema`, for each structure that
has a schema. Up to version 1.33 the program kubectl has the descriptors of all messages in it, each
packed with gzip. Of the fields that are newer only those in `LATER` have a number.

Run it as `python tools/make_field_numbers.py /usr/bin/kubectl` after an update of the schemas.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from canarylab.playground.apiserver.protobuf import fields_on_wire
from canarylab.playground.apiserver.schema.builtin import schemas

TARGET = Path(__file__).parents[1] / "canarylab/playground/apiserver/schema/field_numbers.json"
Numbers = dict[str, Any]
LATER: dict[str, Numbers] = {"io.k8s.api.core.v1.PodSpec": {"41": "hostnameOverride"}}
_GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
_MOST_BYTES = 1024 * 1024
_PACKAGE, _MESSAGE = 2, 4  # fields of a FileDescriptorProto
_NAME, _FIELD = 1, 2  # of a DescriptorProto
_FIELD_NAME, _FIELD_NUMBER, _FIELD_TYPE = 1, 3, 6  # of a FieldDescriptorProto


class Field(NamedTuple):
    """A field of a message; the type is the full name of a message, or empty."""

    name: str
    type: str


def build(program: bytes) -> dict[str, Numbers]:
    """The content of the file."""
    messages = {
        name: fields
        for descriptor in _descriptors(program)
        for name, fields in _messages(descriptor)
    }
    known = {name: f".k8s.io.{name.removeprefix('io.k8s.')}" for name in schemas()}
    return {
        name: _numbers(set(schemas()[name]["properties"]), message, messages) | LATER.get(name, {})
        for name, message in sorted(known.items())
        if message in messages
    }


def _numbers(properties: set[str], message: str, messages: dict[str, dict[int, Field]]) -> Numbers:
    """The name of each field by its number; of a structure that is inlined in JSON, its fields."""
    found: Numbers = {}
    for number, field in sorted(messages[message].items()):
        if field.name in properties:
            found[str(number)] = field.name
        elif field.type:
            found[str(number)] = _numbers(properties, field.type, messages)
        else:  # `aPIGroup`, a name that Go's generator has spelled
            found[str(number)] = next(
                one for one in properties if one.lower() == field.name.lower()
            )
    return found


def _descriptors(program: bytes) -> Iterator[bytes]:
    """What is packed in the program, and begins with the name of a file of Kubernetes."""
    start = program.find(_GZIP)
    while start >= 0:
        try:
            unpacked = zlib.decompressobj(31).decompress(program[start : start + _MOST_BYTES])
        except zlib.error:
            unpacked = b""
        if unpacked[2:].startswith(b"k8s.io/"):
            yield unpacked
        start = program.find(_GZIP, start + 1)


def _messages(descriptor: bytes) -> Iterator[tuple[str, dict[int, Field]]]:
    parts = list(fields_on_wire(descriptor))
    package = next(value.decode() for number, value in parts if number == _PACKAGE)
    for number, value in parts:
        if number == _MESSAGE:
            message = list(fields_on_wire(value))
            name = next(part.decode() for number, part in message if number == _NAME)
            fields = [dict(fields_on_wire(part)) for number, part in message if number == _FIELD]
            yield (
                f".{package}.{name}",
                {
                    field[_FIELD_NUMBER]: Field(
                        field[_FIELD_NAME].decode(), field.get(_FIELD_TYPE, b"").decode()
                    )
                    for field in fields
                },
            )


def text(content: dict[str, Numbers]) -> str:
    """The text of the file, with a line for each structure."""
    lines = (f"{json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in content.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(text(build(Path(sys.argv[1]).read_bytes())))
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")
