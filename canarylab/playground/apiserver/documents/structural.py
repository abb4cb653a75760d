"""What is left of a document of a custom kind?

Fields that its definition does not know are dropped, and said so. A value of the wrong type stays:
it is not unreadable, as it would be to Go, but invalid, and `validation/forms.py` says why.
"""

from __future__ import annotations

from typing import Any

from canarylab.playground.apiserver.custom.kinds import SHAPES
from canarylab.playground.apiserver.custom.shape import Shape
from canarylab.playground.apiserver.documents.reading import Findings, read
from canarylab.playground.apiserver.documents.schema import name_of
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import Kind

_HEAD = frozenset({"apiVersion", "kind", "metadata"})
_LIKE = "io.k8s.api.core.v1.ConfigMap"
"""A structure with the same head: metadata is read alike for every kind."""


def read_whole(kind: Kind, document: Object, findings: Findings) -> Object:
    """An object of any kind; what is wrong with it goes into `findings`."""
    if not kind.is_custom:
        return read(name_of(kind.kind, kind.group), document, findings)
    body = {name: value for name, value in document.items() if name not in _HEAD}
    head = {name: value for name, value in document.items() if name in _HEAD}
    return {**read(_LIKE, head, findings), **kept(SHAPES[kind.kind], body, "", findings.unknown)}


def kept(shape: Shape, value: Any, path: str, unknown: list[str]) -> Any:
    """The value without fields it cannot have, which go into `unknown`, and without nulls."""
    if shape.items is not None and isinstance(value, list):
        inner = shape.items
        return [kept(inner, item, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    if shape.type != "object" or not isinstance(value, dict):
        return value
    result = {}
    for name, part in value.items():
        here, inside = f"{path}.{name}" if path else name, shape.values or shape.fields.get(name)
        if inside is None:
            unknown.append(here)
        elif part is not None:
            result[name] = kept(inside, part, here, unknown)
    return result
