"""OpenAPI documents: one for each group and version, and their index.

kubectl reads them for two reasons: the parameters of PATCH tell that the server validates fields,
and `kubectl explain` prints the descriptions. The hash in the URL of a document lets kubectl cache
it for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from canarylab.playground.apiserver.decode import encoded
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS, structural
from canarylab.playground.apiserver.schema.builtin import (
    Schema,
    referenced_schema,
    schema_name,
    schemas,
)
from canarylab.playground.kube.kinds import KNOWN_KINDS, UNSERVED_KINDS, Kind

V2_STUB = bytes.fromhex("0a03322e30")
"""`/openapi/v2`: the version "2.0" and nothing else, in protobuf."""
V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_SPECIAL_NAMES = {
    "int-or-string": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "quantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
}
_SPECIAL: dict[str, Schema] = {
    _SPECIAL_NAMES["int-or-string"]: {
        "description": "A whole number, or a text: the name of a port, or a share such as 25%.",
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    _SPECIAL_NAMES["quantity"]: {
        "description": "An amount with a suffix: 500m is half, 1Gi is 1024 times 1Mi.",
        "oneOf": [{"type": "string"}, {"type": "number"}],
    },
}
_PATCH_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": True}}
    for name, kind in (
        ("dryRun", "string"),
        ("fieldManager", "string"),
        ("fieldValidation", "string"),
        ("force", "boolean"),
    )
]


@cache
def index() -> bytes:
    """GET /openapi/v3: the URLs of the documents."""
    paths = {
        path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={etag(path)}"} for path in _paths()
    }
    return encoded({"paths": paths})


def document(path: str) -> bytes | None:
    """GET /openapi/v3/apis/apps/v1 and its like; None if there is no such document."""
    return _document(path) if path in _paths() else None


def etag(path: str) -> str:
    """The hash of a document."""
    return hashlib.sha256(_document(path)).hexdigest()[:32].upper()


@cache
def _document(path: str) -> bytes:
    kinds = _paths()[path]
    return encoded(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "1.36"},
            "paths": {route: item for kind in kinds for route, item in _routes(path, kind)},
            "components": {"schemas": _components(kinds)},
        }
    )


@cache
def _paths() -> dict[str, list[Kind]]:
    found: dict[str, list[Kind]] = {}
    for kind in KNOWN_KINDS:
        root = "apis" if kind.group else "api"
        found.setdefault(f"{root}/{kind.api_version}", []).append(kind)
    return found


def _routes(path: str, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
    within = "namespaces/{namespace}/" if kind.namespaced else ""
    collection = f"/{path}/{within}{kind.plural}"
    named = {"x-kubernetes-group-version-kind": _identity(kind), "responses": {}}
    yield collection, {"get": {**named, "x-kubernetes-action": "list"}}
    # No request body: with one, kubectl would work out patches from these schemas, which do not
    # know how lists are merged, instead of from the types it was built with.
    yield (
        f"{collection}/{{name}}",
        {
            "get": {**named, "x-kubernetes-action": "get"},
            "patch": {**named, "x-kubernetes-action": "patch", "parameters": _PATCH_PARAMETERS},
        },
    )


def _components(kinds: list[Kind]) -> dict[str, Any]:
    """The schemas of these kinds and of all that they refer to."""
    found = {_full_name(kind): _unserved_schema(kind) for kind in kinds if kind in UNSERVED_KINDS}
    custom = {_full_name(kind): _custom_schema(kind) for kind in kinds if kind.is_custom}
    waiting = [
        schema_name(kind.kind, kind.api_version)
        for kind in kinds
        if _full_name(kind) not in {**found, **custom}
    ]
    waiting += [_OBJECT_META] if custom else []
    found |= custom
    while waiting:
        name = waiting.pop()
        if name not in found:
            properties = schemas()[name]["properties"]
            shown = {key: _published_field(schema) for key, schema in properties.items()}
            found[name] = {**schemas()[name], "properties": shown}
            mentioned = map(referenced_schema, properties.values())
            waiting += [other for other in mentioned if other is not None]
    return dict(sorted({**found, **_SPECIAL}.items()))


def _published_field(schema: Schema) -> Schema:
    """The schema of a field; the special formats become types of their own."""
    for inner in ("items", "additionalProperties"):
        if inner in schema:
            return {**schema, inner: _published_field(schema[inner])}
    name = _SPECIAL_NAMES.get(schema.get("format", ""))
    if name is None:
        return schema
    described = {key: value for key, value in schema.items() if key == "description"}
    return {**described, "allOf": [{"$ref": f"#/components/schemas/{name}"}]}


def _identity(kind: Kind) -> dict[str, Any]:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _full_name(kind: Kind) -> str:
    """The full name of its schema, `io.k8s.networking.gateway.v1.HTTPRoute`."""
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind]).lstrip(".")


def _unserved_schema(kind: Kind) -> dict[str, Any]:
    """The schema of a kind that is not served, for `kubectl explain`."""
    return {
        "description": kind.refusal,
        "type": "object",
        "x-kubernetes-group-version-kind": [_identity(kind)],
    }


def _custom_schema(kind: Kind) -> dict[str, Any]:
    """The schema of a custom kind, with the fields that all kinds have."""
    schema = structural.published(STRUCTURAL_SCHEMAS[kind.kind])
    head = {
        "apiVersion": structural.string("The group and version of the object's kind."),
        "kind": structural.string("The kind of the object."),
        "metadata": {
            "description": "The metadata of the object.",
            "allOf": [{"$ref": f"#/components/schemas/{_OBJECT_META}"}],
        },
    }
    return {
        **schema,
        "properties": {**head, **schema["properties"]},
        "x-kubernetes-group-version-kind": [_identity(kind)],
    }
