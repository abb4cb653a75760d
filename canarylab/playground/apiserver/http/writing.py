"""How are objects made and changed from outside?"""

from __future__ import annotations

from aiohttp import web

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.documents.decode import Decoded, decode
from canarylab.playground.apiserver.http.answers import answer
from canarylab.playground.apiserver.http.bodies import read_document, read_patch
from canarylab.playground.apiserver.http.calls import Call
from canarylab.playground.apiserver.http.queries import field_validation
from canarylab.playground.apiserver.patching.patch import apply_patch
from canarylab.playground.apiserver.patching.patched import decode_patched
from canarylab.playground.apiserver.rules.warnings import of_new
from canarylab.playground.apiserver.store import Write
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS, in_version


async def create(call: Call) -> web.Response:
    """POST to a collection."""
    decoded = _decoded(call, await read_document(call.request))
    obj = _placed(call, decoded.obj)
    made = call.done(call.api.registry.create(obj))
    return answer(made, code=201, warnings=[*decoded.warnings, *of_new(made)])


async def replace(call: Call) -> web.Response:
    """PUT an object."""
    decoded = _decoded(call, await read_document(call.request))
    return _updated(call, decoded)


async def replace_status(call: Call) -> web.Response:
    """PUT the status of an object."""
    decoded = _decoded(call, await read_document(call.request))
    obj = _named(call, decoded.obj)
    made = call.done(call.api.registry.update_status(obj))
    return answer(made, warnings=decoded.warnings)


async def replace_finalizers(call: Call) -> web.Response:
    """PUT a namespace with fewer finalizers in its spec."""
    decoded = _decoded(call, await read_document(call.request))
    obj = _named(call, decoded.obj)
    left = obj.get("spec", {}).get("finalizers", [])
    made = call.done(call.api.registry.update({**obj, "spec": {"finalizers": left}}))
    return answer(made, warnings=decoded.warnings)


async def patch(call: Call) -> web.Response:
    """PATCH an object."""
    return _updated(call, await _patched(call))


async def patch_status(call: Call) -> web.Response:
    """PATCH the status of an object."""
    decoded = await _patched(call)
    made = call.done(call.api.registry.update_status(_named(call, decoded.obj)))
    return answer(made, warnings=decoded.warnings)


async def _patched(call: Call) -> Decoded:
    """The object the path names, after the change."""
    change, style = await read_patch(call.request, call.kind)
    after = apply_patch(call.found(), change, style)
    return decode_patched(call.kind, after, change, style, validation=field_validation(call.query))


def _decoded(call: Call, document: object) -> Decoded:
    return decode(call.kind, document, validation=field_validation(call.query))


def _updated(call: Call, decoded: Decoded) -> web.Response:
    obj = _named(call, decoded.obj)
    if call.kind.kind == "Namespace":
        obj = {**obj, "spec": call.found().get("spec", {})}  # only /finalize changes it
    write: Write = call.api.registry.update(obj)
    return answer(call.done(write), warnings=decoded.warnings)


def _named(call: Call, obj: Object) -> Object:
    """The object, which has to be the one that the path names."""
    name = obj["metadata"].get("name", "")
    if name != call.target.name:
        raise BadRequestError(
            f"the name of the object ({name}) does not match "
            f"the name on the URL ({call.target.name})"
        )
    return _placed(call, obj)


def _placed(call: Call, obj: Object) -> Object:
    """The object in its stored version, and in the namespace that the path names."""
    obj = in_version(obj, KINDS[call.kind.kind])
    if not call.kind.namespaced:
        return obj
    meta = obj.get("metadata", {})
    if meta.get("namespace") not in {None, "", call.target.namespace}:
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return {**obj, "metadata": {**meta, "namespace": call.target.namespace}}
