"""How are objects taken away from outside?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from canarylab.errors import BadRequestError, ConflictError
from canarylab.playground.apiserver.http.answers import answer, many
from canarylab.playground.apiserver.http.bodies import read_document
from canarylab.playground.apiserver.http.calls import Call
from canarylab.playground.apiserver.http.queries import Query, is_dry_run, selection, whole_number
from canarylab.playground.apiserver.http.statuses import removed
from canarylab.playground.apiserver.store import Write
from canarylab.playground.kube.api import DeleteOptions, Object, Propagation
from canarylab.playground.kube.objects import key_of

_POLICIES: dict[Any, Propagation | None] = {
    None: None,
    "Background": "Background",
    "Foreground": "Foreground",
    "Orphan": "Orphan",
}
_SHOWN_WHEN_GONE = frozenset({"Pod", "Service"})
"""Kinds whose last state is the answer to their deletion."""


@dataclass(frozen=True)
class Wish:
    """What the client asked for, in the body or in the query."""

    options: DeleteOptions
    version: str | None
    is_dry_run: bool


async def delete(call: Call) -> web.Response:
    """DELETE one object."""
    wish = await _read_wish(call)
    write = _planned(call, call.found(), wish)
    gone = _done(call, write, wish)
    if write.act == "remove" and call.kind.kind not in _SHOWN_WHEN_GONE:
        return answer(removed(gone, call.kind))
    return answer(gone)


async def delete_selected(call: Call) -> web.Response:
    """DELETE all that the selectors choose."""
    wish = await _read_wish(call)
    chosen = selection(call.query, call.kind, call.target.namespace)
    objects = [obj for obj in call.api.store.all(call.kind.kind) if chosen(obj)]
    return many(call, [_done(call, _planned(call, obj, wish), wish) for obj in objects])


def _planned(call: Call, obj: Object, wish: Wish) -> Write:
    meta = obj["metadata"]
    if wish.version not in {None, meta["resourceVersion"]}:
        why = (
            f"Precondition failed: ResourceVersion in precondition: {wish.version}, "
            f"ResourceVersion in object meta: {meta['resourceVersion']}"
        )
        raise ConflictError(call.kind.plural, call.kind.group, meta["name"], why)
    return call.api.registry.delete(call.kind.kind, key_of(obj), wish.options)


def _done(call: Call, write: Write, wish: Wish) -> Object:
    return write.object if wish.is_dry_run else call.api.commit(write)


async def _read_wish(call: Call) -> Wish:
    document = await read_document(call.request) if call.request.can_read_body else None
    return wish_in(document if isinstance(document, dict) else {}, call.query)


def wish_in(body: Object, query: Query) -> Wish:
    """Read the options; what the body does not say, the query may."""
    policy = body.get("propagationPolicy") or query.get("propagationPolicy") or None
    if policy not in _POLICIES:
        raise BadRequestError(
            f'propagationPolicy: Unsupported value: "{policy}": '
            'supported values: "Background", "Foreground", "Orphan"'
        )
    grace_s = body.get("gracePeriodSeconds")
    if grace_s is None:
        grace_s = whole_number(query, "gracePeriodSeconds")
    only_if = body.get("preconditions") or {}
    return Wish(
        DeleteOptions(grace_s, _POLICIES[policy], only_if.get("uid")),
        only_if.get("resourceVersion"),
        is_dry_run(query) or "All" in (body.get("dryRun") or []),
    )
