"""Which hash does a pod template have?

The name of a ReplicaSet ends in it, and its pods carry it as a label. It need only be different
for different templates, but we give the very one that Kubernetes 1.36 gives, so that what a
learner sees here is what the same manifest shows on any other cluster.

Kubernetes prints the template as a Go value, every field with its type whether set or not, and
takes FNV-1a of that text. So we print the same text, from a table of those types in
`template_types.txt`. A template with a field the table lacks is hashed as JSON instead: that hash
is as stable, but a real cluster would choose another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from canarylab.playground.controllers.go_quantity import NotPrintableError, quantity
from canarylab.playground.kube.api import Object

LABEL = "pod-template-hash"

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # without vowels, so that no hash is a word
_FNV_START, _FNV_PRIME = 2166136261, 16777619
_NIL = "<nil>"
_ZERO_TIME = "{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}"
_MAPS = {"map[string]string": "string", "v1.ResourceList": "resource.Quantity"}
_OWN_TYPE = re.compile(r"^([*\[\]]*)([A-Z])")
_FIRST_WORD = re.compile(r"^[A-Z]+(?![a-z])|^[A-Z]")


class Field(NamedTuple):
    """One field of a Go struct; one without a JSON name lies flat in its parent's JSON."""

    name: str
    json: str
    type: str


def template_hash(template: Object, collisions: int = 0) -> str:
    """The value of the label `pod-template-hash`.

    >>> template_hash({"metadata": {"labels": {"app": "nodeapp"}}, "spec": {"containers": []}})
    '6dcb48b9d9'
    """
    bare = without_hash(template)
    try:
        text = _printed("v1.PodTemplateSpec", bare)
    except NotPrintableError:
        text = json.dumps(_canonical(bare), sort_keys=True, separators=(",", ":"))
    salt = collisions.to_bytes(8, "little") if collisions else b""
    return "".join(
        _LETTERS[ord(digit) % len(_LETTERS)] for digit in str(_fnv(text.encode() + salt))
    )


def same_template(one: Object, other: Object) -> bool:
    """Would both make the same pods? Neither the hash label counts, nor anything empty."""
    return bool(_canonical(without_hash(one)) == _canonical(without_hash(other)))


def without_hash(template: Object) -> Object:
    """The template as its author wrote it."""
    meta = template.get("metadata") or {}
    labels = {name: value for name, value in (meta.get("labels") or {}).items() if name != LABEL}
    return {**template, "metadata": {**meta, "labels": labels}}


def _canonical(value: Any) -> Any:
    """The same without anything empty, which means the same as absent."""
    if isinstance(value, Mapping):
        smaller = {name: _canonical(inner) for name, inner in value.items()}
        return {name: inner for name, inner in smaller.items() if inner not in (None, {}, [])}
    return [_canonical(inner) for inner in value] if isinstance(value, list) else value


def _fnv(text: bytes) -> int:
    number = _FNV_START
    for byte in text:
        number = (number ^ byte) * _FNV_PRIME % 2**32
    return number


def _printed(go_type: str, value: Any) -> str:
    """A value after its type, as in `(string)nodeapp`."""
    return f"({go_type}){_bare(go_type, value)}"


def _bare(go_type: str, value: Any) -> str:
    if go_type.startswith("*"):
        return _NIL if value is None else _bare(go_type[1:], value)
    if go_type.startswith("[]"):
        entries = [_bare(go_type[2:], entry) for entry in value or []]
        return f"[{' '.join(entries)}]" if entries else _NIL
    if go_type in _MAPS:
        entries = [f"{name}:{_bare(_MAPS[go_type], value[name])}" for name in sorted(value or {})]
        return f"map[{' '.join(entries)}]" if entries else _NIL
    if go_type in _structs():
        return _struct(_structs()[go_type], value or {})
    return _scalar(go_type, value)


def _struct(fields: list[Field], value: Any) -> str:
    if not isinstance(value, Mapping) or not value.keys() <= _json_names(fields):
        raise NotPrintableError(f"{value!r} has a field that the table lacks")
    inner = [_flat(field, value) if not field.json else value.get(field.json) for field in fields]
    parts = [
        f"{field.name}:{_printed(field.type, part)}"
        for field, part in zip(fields, inner, strict=True)
    ]
    return f"{{{' '.join(parts)}}}"


def _flat(field: Field, value: Any) -> Object:
    names = _json_names(_structs()[field.type])
    return {name: inner for name, inner in value.items() if name in names}


def _json_names(fields: list[Field]) -> set[str]:
    flat = [_json_names(_structs()[field.type]) for field in fields if not field.json]
    return {field.json for field in fields if field.json}.union(*flat)


def _scalar(go_type: str, value: Any) -> str:
    match go_type, value:
        case "v1.Time", None:
            return _ZERO_TIME
        case "bool", bool() | None:
            return "true" if value else "false"
        case "int32" | "int64", int() | None:
            return str(value or 0)
        case "intstr.IntOrString", int() | str() | None:
            return _int_or_string(value)
        case "resource.Quantity", int() | float() | str() | None:
            return quantity(value)
        case _, str() | None:
            return value or ""
    raise NotPrintableError(f"{value!r} is not in the table as a {go_type}")


def _int_or_string(value: int | str | None) -> str:
    is_text = isinstance(value, str)
    number, text = (0, value) if is_text else (value or 0, "")
    return f"{{Type:(intstr.Type){int(is_text)} IntVal:(int32){number} StrVal:(string){text}}}"


@cache
def _structs() -> dict[str, list[Field]]:
    """The table, by type."""
    table = files("canarylab.playground.controllers").joinpath("template_types.txt").read_text()
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    return {f"v1.{name}": _fields(rest) for name, rest in (line.split(": ", 1) for line in lines)}


def _fields(line: str) -> list[Field]:
    return [_field(*entry.partition(":")[::2]) for entry in line.split()]


def _field(names: str, go_type: str) -> Field:
    if names.startswith("+"):
        return Field(names[1:], "", f"v1.{names[1:]}")
    name, _, json_name = names.partition("=")
    in_v1 = _OWN_TYPE.sub(r"\1v1.\2", go_type)
    return Field(name, json_name or _json_name(name), in_v1)


def _json_name(name: str) -> str:
    """`dnsPolicy` for DNSPolicy, `tty` for TTY, `hostIP` for HostIP."""
    return _FIRST_WORD.sub(lambda word: word[0].lower(), name, count=1)
