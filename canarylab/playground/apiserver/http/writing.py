"""How are objects made and changed from outside?"""

from __future__ import annotations

from aiohttp import web

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.documents.decode import DecodedObject, decode
from canarylab.playground.apiserver.http.answers import json_response
from canarylab.playground.apiserver.http.bodies import read_document, read_patch
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.apiserver.http.queries import field_validation
from canarylab.playground.apiserver.patching.patch import apply_patch
from canarylab.playground.apiserver.patching.patched import decode_patched
from canarylab.playground.apiserver.rules.warnings import creation_warnings
from canarylab.playground.apiserver.store import Write
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS, in_version


async def create(context: RequestContext) -> web.Response:
    """POST to a collection."""
    decoded = _decode_body(context, await read_document(context.request))
    obj = _in_path_namespace(context, decoded.obj)
    made = context.commit(context.api.registry.create(obj))
    return json_response(made, code=201, warnings=[*decoded.warnings, *creation_warnings(made)])


async def replace(context: RequestContext) -> web.Response:
    """PUT an object."""
    decoded = _decode_body(context, await read_document(context.request))
    return _update(context, decoded)


async def replace_status(context: RequestContext) -> web.Response:
    """PUT the status of an object."""
    decoded = _decode_body(context, await read_document(context.request))
    obj = _with_path_name(context, decoded.obj)
    made = context.commit(context.api.registry.update_status(obj))
    return json_response(made, warnings=decoded.warnings)


async def replace_finalizers(context: RequestContext) -> web.Response:
    """PUT a namespace with fewer finalizers in its spec."""
    decoded = _decode_body(context, await read_document(context.request))
    obj = _with_path_name(context, decoded.obj)
    left = obj.get("spec", {}).get("finalizers", [])
    made = context.commit(context.api.registry.update({**obj, "spec": {"finalizers": left}}))
    return json_response(made, warnings=decoded.warnings)


async def patch(context: RequestContext) -> web.Response:
    """PATCH an object."""
    return _update(context, await _read_patched(context))


async def patch_status(context: RequestContext) -> web.Response:
    """PATCH the status of an object."""
    decoded = await _read_patched(context)
    made = context.commit(context.api.registry.update_status(_with_path_name(context, decoded.obj)))
    return json_response(made, warnings=decoded.warnings)


async def _read_patched(context: RequestContext) -> DecodedObject:
    """The object the path names, after the change."""
    change, style = await read_patch(context.request, context.kind)
    after = apply_patch(context.current(), change, style)
    return decode_patched(
        context.kind, after, change, style, validation=field_validation(context.query)
    )


def _decode_body(context: RequestContext, document: object) -> DecodedObject:
    return decode(context.kind, document, validation=field_validation(context.query))


def _update(context: RequestContext, decoded: DecodedObject) -> web.Response:
    obj = _with_path_name(context, decoded.obj)
    if context.kind.kind == "Namespace":
        obj = {**obj, "spec": context.current().get("spec", {})}  # only /finalize changes it
    write: Write = context.api.registry.update(obj)
    return json_response(context.commit(write), warnings=decoded.warnings)


def _with_path_name(context: RequestContext, obj: Object) -> Object:
    """The object, which has to be the one that the path names."""
    name = obj["metadata"].get("name", "")
    if name != context.path.name:
        raise BadRequestError(
            f"the name of the object ({name}) does not match "
            f"the name on the URL ({context.path.name})"
        )
    return _in_path_namespace(context, obj)


def _in_path_namespace(context: RequestContext, obj: Object) -> Object:
    """The object in its stored version, and in the namespace that the path names."""
    obj = in_version(obj, KINDS[context.kind.kind])
    if not context.kind.namespaced:
        return obj
    meta = obj.get("metadata", {})
    if meta.get("namespace") not in {None, "", context.path.namespace}:
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return {**obj, "metadata": {**meta, "namespace": context.path.namespace}}
