"""How are objects read from outside?"""

from __future__ import annotations

from aiohttp import web

from canarylab.playground.apiserver.http.answers import list_response, object_response
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.apiserver.http.queries import is_true, object_selector
from canarylab.playground.apiserver.http.watching import watch


async def get(context: RequestContext) -> web.StreamResponse:
    """GET one object."""
    return object_response(context, context.current())


async def list_or_watch(context: RequestContext) -> web.StreamResponse:
    """GET a collection: what there is, or, with `watch`, what happens to it."""
    if is_true(context.query, "watch"):
        return await watch(context)
    chosen = object_selector(context.query, context.kind, context.path.namespace)
    return list_response(
        context, [obj for obj in context.api.store.all(context.kind.kind) if chosen(obj)]
    )
