"""How does a client hear of changes?

As lines of JSON in an answer that does not end: first, unless it says where it stopped reading,
all there are; then every change. What a change means to a client is in `watch_lines.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aiohttp import web

from canarylab.errors import GoneError
from canarylab.playground.apiserver.changes import Subscription, event_line
from canarylab.playground.apiserver.http import statuses
from canarylab.playground.apiserver.http.answers import JSON, wants_table
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.apiserver.http.queries import integer_parameter, is_true, object_selector
from canarylab.playground.apiserver.http.watch_lines import WatchEncoder, WatchStart, watch_start

MAX_WATCH = 3600  # seconds; a client that wants more asks again
BOOKMARK_INTERVAL = 60.0  # seconds
WATCHES = web.AppKey("watches", set[Subscription])
"""Those of this application, so that they end when it does."""


async def watch(context: RequestContext) -> web.StreamResponse:
    """GET a collection with `watch`."""
    start, encoder = watch_start(context.query), _encoder(context)
    ends_s = integer_parameter(context.query, "timeoutSeconds") or MAX_WATCH
    response = web.StreamResponse(headers={"Content-Type": JSON})
    response.enable_chunked_encoding()
    try:
        with _subscription(context, start.since) as subscription:
            first = _initial_events(context, start, encoder)  # nothing may come between these two
            await response.prepare(context.request)
            await _send(response, first)
            with suppress(TimeoutError):
                async with asyncio.timeout(ends_s):
                    await _send_changes(response, context, subscription, encoder)
            await _send_bookmark(response, context, subscription, encoder)
    except GoneError as gone:
        await response.prepare(context.request)
        await response.write(event_line("ERROR", statuses.failure_status(gone)))
    except ConnectionResetError:
        return response  # the client has left
    await response.write_eof()
    return response


def _initial_events(context: RequestContext, start: WatchStart, encoder: WatchEncoder) -> bytes:
    """What there is before the first change, if the client wants to know."""
    store = context.api.store
    first = encoder.initial(store.all(context.kind.kind)) if start.sends_initial else b""
    return first + encoder.initial_events_end(store.version) if start.marks_initial_end else first


async def _send_changes(
    response: web.StreamResponse,
    context: RequestContext,
    subscription: Subscription,
    encoder: WatchEncoder,
) -> None:
    """Tell every change, until the server ends."""
    changes = None
    while changes != []:
        try:
            async with asyncio.timeout(BOOKMARK_INTERVAL):
                changes = await subscription.take()
        except TimeoutError:
            await _send_bookmark(response, context, subscription, encoder)
        else:
            await _send(response, encoder.changes(changes))


async def _send_bookmark(
    response: web.StreamResponse,
    context: RequestContext,
    subscription: Subscription,
    encoder: WatchEncoder,
) -> None:
    """Say how far the client has come, unless a change has arrived just now."""
    if subscription.is_empty:
        await _send(response, encoder.bookmark(context.api.store.version))


async def _send(response: web.StreamResponse, lines: bytes) -> None:
    if lines:
        await response.write(lines)


def _encoder(context: RequestContext) -> WatchEncoder:
    return WatchEncoder(
        context.kind,
        object_selector(context.query, context.kind, context.path.namespace),
        is_table=wants_table(context.request.headers.get("Accept", "")),
        wants_bookmarks=is_true(context.query, "allowWatchBookmarks"),
    )


@contextmanager
def _subscription(context: RequestContext, since: int | None) -> Iterator[Subscription]:
    store, kind = context.api.store, context.kind.kind
    subscription, watches = store.subscribe(kind, since), context.request.app[WATCHES]
    watches.add(subscription)
    try:
        yield subscription
    finally:
        watches.discard(subscription)
        store.unsubscribe(kind, subscription)
