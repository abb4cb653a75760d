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
from canarylab.playground.apiserver.http.calls import Call
from canarylab.playground.apiserver.http.queries import is_true, selection, whole_number
from canarylab.playground.apiserver.http.watch_lines import Lines, Start, start_of

LONGEST = 3600  # seconds; a client that wants more asks again
BOOKMARK_EVERY = 60.0  # seconds
WATCHES = web.AppKey("watches", set[Subscription])
"""Those of this application, so that they end when it does."""


async def watch(call: Call) -> web.StreamResponse:
    """GET a collection with `watch`."""
    start, lines = start_of(call.query), _lines(call)
    ends_s = whole_number(call.query, "timeoutSeconds") or LONGEST
    response = web.StreamResponse(headers={"Content-Type": JSON})
    response.enable_chunked_encoding()
    try:
        with _subscribed(call, start.since) as subscription:
            first = _first(call, start, lines)  # nothing may come between these two
            await response.prepare(call.request)
            await _send(response, first)
            with suppress(TimeoutError):
                async with asyncio.timeout(ends_s):
                    await _follow(response, call, subscription, lines)
            await _mark(response, call, subscription, lines)
    except GoneError as gone:
        await response.prepare(call.request)
        await response.write(event_line("ERROR", statuses.failure(gone)))
    except ConnectionResetError:
        return response  # the client has left
    await response.write_eof()
    return response


def _first(call: Call, start: Start, lines: Lines) -> bytes:
    """What there is before the first change, if the client wants to know."""
    store = call.api.store
    first = lines.all(store.all(call.kind.kind)) if start.tells_all else b""
    return first + lines.initial_events_end(store.version) if start.marks_end else first


async def _follow(
    response: web.StreamResponse, call: Call, subscription: Subscription, lines: Lines
) -> None:
    """Tell every change, until the server ends."""
    changes = None
    while changes != []:
        try:
            async with asyncio.timeout(BOOKMARK_EVERY):
                changes = await subscription.take()
        except TimeoutError:
            await _mark(response, call, subscription, lines)
        else:
            await _send(response, lines.of(changes))


async def _mark(
    response: web.StreamResponse, call: Call, subscription: Subscription, lines: Lines
) -> None:
    """Say how far the client has come, unless a change has arrived just now."""
    if subscription.is_empty:
        await _send(response, lines.bookmark(call.api.store.version))


async def _send(response: web.StreamResponse, lines: bytes) -> None:
    if lines:
        await response.write(lines)


def _lines(call: Call) -> Lines:
    return Lines(
        call.kind,
        selection(call.query, call.kind, call.target.namespace),
        is_table=wants_table(call.request.headers.get("Accept", "")),
        has_bookmarks=is_true(call.query, "allowWatchBookmarks"),
    )


@contextmanager
def _subscribed(call: Call, since: int | None) -> Iterator[Subscription]:
    store, kind = call.api.store, call.kind.kind
    subscription, watches = store.subscribe(kind, since), call.request.app[WATCHES]
    watches.add(subscription)
    try:
        yield subscription
    finally:
        watches.discard(subscription)
        store.unsubscribe(kind, subscription)
