"""What did the client send?

JSON mostly, YAML from people with curl, and from kubectl 1.32 on the protobuf encoding of Go's
own types, which nothing can talk it out of.
"""

from __future__ import annotations

import json

import yaml
from aiohttp import web

from canarylab.errors import BadRequestError, RequestError
from canarylab.playground.apiserver.documents.protobuf import decode_protobuf
from canarylab.playground.apiserver.http.statuses import body_too_large, unsupported_media_type
from canarylab.playground.apiserver.patching.patch import PatchStyle
from canarylab.playground.kube.kinds import Kind

MAX_BODY_BYTES = 3 * 1024 * 1024  # bytes, as on a real server
PROTOBUF = "application/vnd.kubernetes.protobuf"

_PATCH_TYPES: dict[str, PatchStyle] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
_CUSTOM_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)
"""A strategic merge needs the types that Kubernetes was built with."""
_SERVER_SIDE_APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")


class _JsonCompatibleLoader(yaml.SafeLoader):
    """YAML as JSON knows it: a time is a string."""


_JsonCompatibleLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


async def read_document(request: web.Request) -> object:
    """The body, whatever its format."""
    body = await _read_bytes(request)
    match request.content_type:
        case "application/json" | "application/octet-stream":
            return _from_json(body)
        case "application/yaml" | "text/yaml":
            return _from_yaml(body)
        case kind if kind == PROTOBUF:
            return decode_protobuf(body)
        case _:
            raise unsupported_media_type("application/json", "application/yaml", PROTOBUF)


async def read_patch(request: web.Request, kind: Kind) -> tuple[object, PatchStyle]:
    """The patch and its style, which the content type names."""
    if kind.is_custom and request.content_type not in _CUSTOM_PATCH_TYPES:
        raise unsupported_media_type(*_CUSTOM_PATCH_TYPES)
    if request.content_type in _SERVER_SIDE_APPLY:
        raise RequestError(
            415,
            "UnsupportedMediaType",
            "this server does not know server-side apply yet - accepted media types include: "
            + ", ".join(_PATCH_TYPES),
        )
    if request.content_type not in _PATCH_TYPES:
        raise unsupported_media_type(*_PATCH_TYPES)
    return _from_json(await _read_bytes(request)), _PATCH_TYPES[request.content_type]


async def _read_bytes(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise body_too_large(MAX_BODY_BYTES) from None


def _from_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError as exc:
        message = f"couldn't get version/kind; json parse error: {exc}"
        raise BadRequestError(message) from None


def _from_yaml(body: bytes) -> object:
    try:
        return yaml.load(body, Loader=_JsonCompatibleLoader)
    except yaml.YAMLError as exc:
        message = f"couldn't get version/kind; yaml parse error: {exc}"
        raise BadRequestError(message) from None
