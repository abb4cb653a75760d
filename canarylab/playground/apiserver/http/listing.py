"""How are objects read from outside?"""

from __future__ import annotations

from aiohttp import web

from canarylab.playground.apiserver.http.answers import many, one
from canarylab.playground.apiserver.http.calls import Call
from canarylab.playground.apiserver.http.queries import is_true, selection
from canarylab.playground.apiserver.http.watching import watch


async def read(call: Call) -> web.StreamResponse:
    """GET one object."""
    return one(call, call.found())


async def read_all(call: Call) -> web.StreamResponse:
    """GET a collection: what there is, or, with `watch`, what happens to it."""
    if is_true(call.query, "watch"):
        return await watch(call)
    chosen = selection(call.query, call.kind, call.target.namespace)
    return many(call, [obj for obj in call.api.store.all(call.kind.kind) if chosen(obj)])
