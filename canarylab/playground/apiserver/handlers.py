"""Handlers of the verbs: get, list, watch, create, update, patch and delete."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from canarylab.errors import BadRequestError, ConflictError
from canarylab.kube_objects import Object, key_of
from canarylab.playground.apiserver.conversion import in_version
from canarylab.playground.apiserver.decode import (
    DecodedObject,
    decode,
    decode_configuration,
    decode_options,
)
from canarylab.playground.apiserver.field_errors import forbidden, required
from canarylab.playground.apiserver.list_chunks import chunk_request, list_chunk
from canarylab.playground.apiserver.list_options import check_list_options, check_version
from canarylab.playground.apiserver.patch import apply_patch, decode_patched
from canarylab.playground.apiserver.requests import (
    APPLY,
    Query,
    RequestContext,
    deleted_status,
    field_manager,
    field_validation,
    integer_parameter,
    invalid_options,
    is_dry_run,
    is_true,
    json_response,
    list_response,
    object_response,
    object_selector,
    read_configuration,
    read_document,
    read_patch,
)
from canarylab.playground.apiserver.store import PlannedWrite
from canarylab.playground.apiserver.warnings import creation_warnings, update_warnings
from canarylab.playground.apiserver.watch import watch
from canarylab.playground.kube.api import DeleteOptions, Propagation
from canarylab.playground.kube.kinds import KINDS

_POLICIES: dict[Any, Propagation | None] = {
    None: None,
    "Background": "Background",
    "Foreground": "Foreground",
    "Orphan": "Orphan",
}
_IDENTITY = frozenset({"apiVersion", "kind", "metadata"})
_NO_MANAGER = required("fieldManager", "is required for apply patch")
_FORCED = forbidden("force", "may not be specified for non-apply patch")
_THREAD_BYTES = 64 * 1024
_DELETED_TOGETHER = 500  # objects of a collection, whose deletions are stored before the next
_RETURNED_KINDS = frozenset({"Pod", "Service"})
"""Kinds that are returned after their deletion, instead of a Status."""


async def get(context: RequestContext) -> web.StreamResponse:
    """GET an object."""
    check_version(context.query, context.api.store.version)
    return object_response(context, context.current())


async def list_or_watch(context: RequestContext) -> web.StreamResponse:
    """GET a collection, or with `watch` its changes."""
    integer_parameter(context.query, "timeoutSeconds")  # raises BadRequestError
    limit = integer_parameter(context.query, "limit")
    is_watch = is_true(context.query, "watch")
    check_list_options(context.query, is_watch=is_watch)
    if is_watch:
        return await watch(context)
    check_version(context.query, context.api.store.version)
    is_selected = object_selector(context.query, context.kind, context.path.namespace)
    request = chunk_request(context.query, limit)
    chunk = list_chunk(context.api.store, context.kind, request, is_selected)
    return list_response(context, chunk.objects, chunk.metadata)


async def create(context: RequestContext) -> web.Response:
    """POST an object to a collection."""
    decoded = await _read_body(context)
    obj = _in_path_namespace(context, decoded.obj)
    stored = context.commit(context.api.registry.create(obj, field_manager(context.request)))
    return json_response(stored, code=201, warnings=[*decoded.warnings, *creation_warnings(stored)])


async def replace(context: RequestContext) -> web.Response:
    """PUT an object."""
    decoded = await _read_body(context)
    return _update(context, decoded)


async def replace_status(context: RequestContext) -> web.Response:
    """PUT the status of an object."""
    decoded = await _read_body(context)
    obj = _with_path_name(context, decoded.obj)
    manager = field_manager(context.request, "status")
    stored = context.commit(context.api.registry.update_status(obj, manager))
    return json_response(stored, warnings=decoded.warnings)


async def replace_finalizers(context: RequestContext) -> web.Response:
    """PUT the finalizers in the spec of a namespace."""
    decoded = await _read_body(context)
    obj = _with_path_name(context, decoded.obj)
    left = obj.get("spec", {}).get("finalizers", [])
    stored = context.commit(context.api.registry.update({**obj, "spec": {"finalizers": left}}))
    return json_response(stored, warnings=decoded.warnings)


async def patch(context: RequestContext) -> web.Response:
    """PATCH an object."""
    if context.request.content_type == APPLY:
        return await _apply(context)
    _check_not_forced(context.query)
    return _update(context, await _read_patched(context))


async def patch_status(context: RequestContext) -> web.Response:
    """PATCH the status of an object."""
    if context.request.content_type == APPLY:
        return await _apply(context, "status")
    _check_not_forced(context.query)
    decoded = await _read_patched(context)
    obj, manager = _with_path_name(context, decoded.obj), field_manager(context.request, "status")
    stored = context.commit(context.api.registry.update_status(obj, manager))
    return json_response(stored, warnings=decoded.warnings)


async def _apply(context: RequestContext, subresource: str = "") -> web.Response:
    """Server-side apply. The main resource leaves the status alone, and the status the rest."""
    if not context.query.get("fieldManager"):
        raise invalid_options(_NO_MANAGER)
    document = await read_configuration(context.request)
    configuration = _configuration(context, document)
    part = "status" if subresource else None
    if context.kind.has_status:
        configuration = {
            name: value
            for name, value in configuration.items()
            if name in _IDENTITY or (name == "status") == (part is not None)
        }
    live = context.find()
    write = context.api.registry.apply(
        configuration,
        field_manager(context.request, subresource),
        is_forced=is_true(context.query, "force"),
        document=document if isinstance(document, dict) else None,
    )
    stored = context.commit(write)
    if live is None:
        return json_response(stored, code=201, warnings=creation_warnings(stored))
    return json_response(stored, warnings=update_warnings(stored, live))


def _configuration(context: RequestContext, document: object) -> Object:
    """The apply configuration; raise BadRequestError if it is of another object or kind."""
    kind = context.kind
    given = document if isinstance(document, dict) else {}
    version = given.get("apiVersion")
    if isinstance(document, dict) and (version, given.get("kind")) != (kind.api_version, kind.kind):
        raise BadRequestError(
            f"Incorrect version specified in apply patch. Specified patch version: {version}, "
            f"expected: {kind.api_version}"
        )
    configuration = decode_configuration(kind, document)
    if "managedFields" in configuration["metadata"]:
        raise BadRequestError("metadata.managedFields must be nil")
    meta = {"name": context.path.name, **configuration["metadata"]}
    configuration = _with_path_name(context, {**configuration, "metadata": meta})
    wanted = configuration["metadata"].pop("resourceVersion", None)
    live = context.find()
    if wanted and wanted != (live or {"metadata": {}})["metadata"].get("resourceVersion"):
        raise ConflictError(kind.plural, kind.group, context.path.key.name)
    return configuration


def _check_not_forced(query: Query) -> None:
    if "force" in query:
        raise invalid_options(_FORCED)


async def _read_patched(context: RequestContext) -> DecodedObject:
    """The current object with the patch applied."""
    change, style = await read_patch(context.request, context.kind)
    after = apply_patch(context.current(), change, style)
    return decode_patched(
        context.kind, after, change, style, validation=field_validation(context.query)
    )


async def _read_body(context: RequestContext) -> DecodedObject:
    """The object of the body. A large one is decoded in a thread: that takes a while."""
    document, validation = await read_document(context.request), field_validation(context.query)
    if (context.request.content_length or _THREAD_BYTES) < _THREAD_BYTES:
        return decode(context.kind, document, validation=validation)
    return await asyncio.to_thread(decode, context.kind, document, validation=validation)


def _update(context: RequestContext, decoded: DecodedObject) -> web.Response:
    obj, before = _with_path_name(context, decoded.obj), context.current()
    if context.kind.kind == "Namespace":
        obj = {**obj, "spec": before.get("spec", {})}  # only /finalize changes it
    write: PlannedWrite = context.api.registry.update(obj, field_manager(context.request))
    stored = context.commit(write)
    return json_response(stored, warnings=[*decoded.warnings, *update_warnings(stored, before)])


def _with_path_name(context: RequestContext, obj: Object) -> Object:
    """The object, if its name is that of the path; raise BadRequestError if it is not."""
    name = obj["metadata"].get("name", "")
    if name != context.path.name:
        raise BadRequestError(
            f"the name of the object ({name}) does not match "
            f"the name on the URL ({context.path.name})"
        )
    return _in_path_namespace(context, obj)


def _in_path_namespace(context: RequestContext, obj: Object) -> Object:
    """The object in its stored version and in the namespace of the path."""
    obj = in_version(obj, KINDS[context.kind.kind])
    if not context.kind.namespaced:
        return obj
    meta = obj.get("metadata", {})
    check_namespace(context, meta)
    return {**obj, "metadata": {**meta, "namespace": context.path.namespace}}


def check_namespace(context: RequestContext, meta: Object) -> None:
    """Raise BadRequestError if the metadata names another namespace than the path."""
    if meta.get("namespace") not in (None, "", context.path.namespace):
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


@dataclass(frozen=True)
class DeleteRequest:
    """The options of a deletion, from the body and the query."""

    options: DeleteOptions
    version: str | None
    is_dry_run: bool


async def delete(context: RequestContext) -> web.Response:
    """DELETE an object."""
    request = await _read_delete_request(context)
    write = _plan_deletion(context, context.current(), request)
    gone = _commit_deletion(context, write, request)
    if write.action == "remove" and context.kind.kind not in _RETURNED_KINDS:
        return json_response(deleted_status(gone, context.kind))
    return json_response(gone)


async def delete_collection(context: RequestContext) -> web.Response:
    """DELETE all selected objects of a collection."""
    request = await _read_delete_request(context)
    is_selected = object_selector(context.query, context.kind, context.path.namespace)
    store, kind = context.api.store, context.kind.kind
    keys = [key_of(obj) for obj in store.all(kind) if is_selected(obj)]
    deleted = []
    for start in range(0, len(keys), _DELETED_TOGETHER):
        for key in keys[start : start + _DELETED_TOGETHER]:
            if obj := store.find(kind, key):  # others may have deleted it meanwhile
                write = _plan_deletion(context, obj, request)
                deleted.append(_commit_deletion(context, write, request))
        await store.until_stored()
    return list_response(context, deleted)


def _plan_deletion(context: RequestContext, obj: Object, request: DeleteRequest) -> PlannedWrite:
    meta = obj["metadata"]
    if request.version not in {None, meta["resourceVersion"]}:
        why = (
            f"Precondition failed: ResourceVersion in precondition: {request.version}, "
            f"ResourceVersion in object meta: {meta['resourceVersion']}"
        )
        raise ConflictError(context.kind.plural, context.kind.group, meta["name"], why)
    return context.api.registry.delete(context.kind.kind, key_of(obj), request.options)


def _commit_deletion(
    context: RequestContext, write: PlannedWrite, request: DeleteRequest
) -> Object:
    obj = write.object if request.is_dry_run else context.api.commit(write)
    return in_version(obj, context.kind)


async def _read_delete_request(context: RequestContext) -> DeleteRequest:
    document = await read_document(context.request) if context.request.can_read_body else None
    return delete_request(document or {}, context.query)


def delete_request(document: object, query: Query) -> DeleteRequest:
    """The options of a deletion; the body has precedence over the query."""
    body = decode_options("DeleteOptions", document)
    policy = body.get("propagationPolicy") or query.get("propagationPolicy") or None
    if policy not in _POLICIES:
        raise BadRequestError(
            f'propagationPolicy: Unsupported value: "{policy}": '
            'supported values: "Background", "Foreground", "Orphan"'
        )
    grace_s = body.get("gracePeriodSeconds")
    if grace_s is None:
        grace_s = integer_parameter(query, "gracePeriodSeconds")
    only_if = body.get("preconditions") or {}
    return DeleteRequest(
        DeleteOptions(grace_s, _POLICIES[policy], only_if.get("uid")),
        only_if.get("resourceVersion"),
        is_dry_run(query) or "All" in (body.get("dryRun") or []),
    )
