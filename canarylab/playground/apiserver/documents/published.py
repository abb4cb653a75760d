"""How are clients told what a custom kind looks like?

As the definition is written, in one piece: what other kinds refer to by name is spelled out here.
"""

from __future__ import annotations

from typing import Any

from canarylab.playground.apiserver.custom.kinds import SHAPES
from canarylab.playground.apiserver.custom.shape import Shape
from canarylab.playground.kube.kinds import Kind

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_TEXT = {"type": "string"}


def name_of_custom(kind: Kind) -> str:
    """The full name of its schema.

    >>> from canarylab.playground.kube.kinds import KINDS
    >>> name_of_custom(KINDS["HTTPRoute"])
    'io.k8s.networking.gateway.v1.HTTPRoute'
    """
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])


def published(kind: Kind) -> dict[str, Any]:
    """Its schema in OpenAPI."""
    schema = _spelled_out(SHAPES[kind.kind])
    head = {
        "apiVersion": {**_TEXT, "description": "The group and version of the object's kind."},
        "kind": {**_TEXT, "description": "The kind of the object."},
        "metadata": {
            "description": "What every object says about itself.",
            "allOf": [{"$ref": f"#/components/schemas/{OBJECT_META}"}],
        },
    }
    identity = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    return {
        **schema,
        "properties": {**head, **schema["properties"]},
        "x-kubernetes-group-version-kind": [identity],
    }


def _spelled_out(shape: Shape) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": shape.meaning, "type": shape.type, **shape.limits}
    if shape.fields:
        schema["properties"] = {
            name: _spelled_out(inner) for name, inner in sorted(shape.fields.items())
        }
    if shape.required:
        schema["required"] = list(shape.required)
    if shape.values is not None:
        schema["additionalProperties"] = _spelled_out(shape.values)
    if shape.items is not None:
        schema["items"] = _spelled_out(shape.items)
        schema |= _list_type(shape)
    if shape.default is not None:
        schema["default"] = shape.default
    return schema


def _list_type(shape: Shape) -> dict[str, Any]:
    if shape.keys is None:
        return {"x-kubernetes-list-type": "atomic"}
    if not shape.keys:
        return {"x-kubernetes-list-type": "set"}
    return {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": list(shape.keys),
    }
