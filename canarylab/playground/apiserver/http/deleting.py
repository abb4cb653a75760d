"""How are objects taken away from outside?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from canarylab.errors import BadRequestError, ConflictError
from canarylab.playground.apiserver.http.answers import json_response, list_response
from canarylab.playground.apiserver.http.bodies import read_document
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.apiserver.http.queries import (
    Query,
    integer_parameter,
    is_dry_run,
    object_selector,
)
from canarylab.playground.apiserver.http.statuses import deleted_status
from canarylab.playground.apiserver.store import Write
from canarylab.playground.kube.api import DeleteOptions, Object, Propagation
from canarylab.playground.kube.objects import key_of

_POLICIES: dict[Any, Propagation | None] = {
    None: None,
    "Background": "Background",
    "Foreground": "Foreground",
    "Orphan": "Orphan",
}
_RETURNED_KINDS = frozenset({"Pod", "Service"})
"""Kinds whose last state is the answer to their deletion."""


@dataclass(frozen=True)
class DeleteRequest:
    """What the client asked for, in the body or in the query."""

    options: DeleteOptions
    version: str | None
    is_dry_run: bool


async def delete(context: RequestContext) -> web.Response:
    """DELETE one object."""
    request = await _read_delete_request(context)
    write = _plan(context, context.current(), request)
    gone = _commit(context, write, request)
    if write.act == "remove" and context.kind.kind not in _RETURNED_KINDS:
        return json_response(deleted_status(gone, context.kind))
    return json_response(gone)


async def delete_collection(context: RequestContext) -> web.Response:
    """DELETE all that the selectors choose."""
    request = await _read_delete_request(context)
    chosen = object_selector(context.query, context.kind, context.path.namespace)
    objects = [obj for obj in context.api.store.all(context.kind.kind) if chosen(obj)]
    return list_response(
        context, [_commit(context, _plan(context, obj, request), request) for obj in objects]
    )


def _plan(context: RequestContext, obj: Object, request: DeleteRequest) -> Write:
    meta = obj["metadata"]
    if request.version not in {None, meta["resourceVersion"]}:
        why = (
            f"Precondition failed: ResourceVersion in precondition: {request.version}, "
            f"ResourceVersion in object meta: {meta['resourceVersion']}"
        )
        raise ConflictError(context.kind.plural, context.kind.group, meta["name"], why)
    return context.api.registry.delete(context.kind.kind, key_of(obj), request.options)


def _commit(context: RequestContext, write: Write, request: DeleteRequest) -> Object:
    return write.object if request.is_dry_run else context.api.commit(write)


async def _read_delete_request(context: RequestContext) -> DeleteRequest:
    document = await read_document(context.request) if context.request.can_read_body else None
    return delete_request(document if isinstance(document, dict) else {}, context.query)


def delete_request(body: Object, query: Query) -> DeleteRequest:
    """Read the options; what the body does not say, the query may."""
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
