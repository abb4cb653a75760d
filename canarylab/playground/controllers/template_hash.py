"""Hash of a pod template: the label `pod-template-hash`, and the end of a ReplicaSet's name.

It has the form that Kubernetes gives it, FNV-1a in the letters of `rand.SafeEncodeString`, but is
taken of the template's JSON: that other clusters choose another hash is no difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from canarylab.playground.kube.api import Object

LABEL = "pod-template-hash"

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # without vowels, so that no hash is a word
_FNV_START, _FNV_PRIME = 2166136261, 16777619


def template_hash(template: Object, collisions: int = 0) -> str:
    """The value of the label `pod-template-hash`.

    >>> template_hash({"metadata": {"labels": {"app": "nodeapp"}}, "spec": {"containers": []}})
    '5bf6fc5d55'
    """
    text = json.dumps(_canonical(without_hash(template)), sort_keys=True, separators=(",", ":"))
    salt = collisions.to_bytes(8, "little") if collisions else b""
    number = _FNV_START
    for byte in text.encode() + salt:
        number = (number ^ byte) * _FNV_PRIME % 2**32
    return "".join(_LETTERS[ord(digit) % len(_LETTERS)] for digit in str(number))


def same_template(one: Object, other: Object) -> bool:
    """Whether two templates are equal, without the hash label and anything empty."""
    return bool(_canonical(without_hash(one)) == _canonical(without_hash(other)))


def without_hash(template: Object) -> Object:
    """The template without the hash label."""
    meta = template.get("metadata") or {}
    labels = {name: value for name, value in (meta.get("labels") or {}).items() if name != LABEL}
    return {**template, "metadata": {**meta, "labels": labels}}


def _canonical(value: Any) -> Any:
    """The value without anything empty, which means the same as absent."""
    if isinstance(value, Mapping):
        smaller = {name: _canonical(inner) for name, inner in value.items()}
        return {name: inner for name, inner in smaller.items() if inner not in (None, {}, [])}
    return [_canonical(inner) for inner in value] if isinstance(value, list) else value
