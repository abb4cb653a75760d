"""Watches: a response that does not end, with one line of JSON for each change.

A watch begins with all objects, unless it names the version after which to begin. For a client with
a selector, an object is added when it begins to match and deleted when it no longer does. A client
that prints gets each object as a Table of one row. All others get the same line, which is encoded
once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from aiohttp import web

from canarylab.errors import BadRequestError, GoneError
from canarylab.kube_objects import Object, parse_integer
from canarylab.playground.apiserver import requests
from canarylab.playground.apiserver.conversion import in_version
from canarylab.playground.apiserver.requests import (
    JSON,
    Query,
    RequestContext,
    integer_parameter,
    is_true,
    object_selector,
    wants_table,
)
from canarylab.playground.apiserver.store import (
    Change,
    Subscription,
    event_line,
    with_resource_version,
)
from canarylab.playground.apiserver.tables import build_table
from canarylab.playground.kube.kinds import Kind
from canarylab.playground.kube.selectors import Predicate

MAX_WATCH = 3600  # seconds, then clients watch again
BOOKMARK_INTERVAL = 60.0  # seconds
WATCHES = web.AppKey("watches", set[Subscription])
"""The subscriptions of an application, which are ended with it."""

_INITIAL_EVENTS_END = {"annotations": {"k8s.io/initial-events-end": "true"}}


async def watch(context: RequestContext) -> web.StreamResponse:
    """GET a collection with `watch`."""
    start, encoder = watch_start(context.query), _encoder(context)
    ends_s = integer_parameter(context.query, "timeoutSeconds") or MAX_WATCH
    response = web.StreamResponse(headers={"Content-Type": JSON})
    response.enable_chunked_encoding()
    try:
        with _subscription(context, start.since) as subscription:
            first = _initial_events(context, start, encoder)  # no await since the subscription
            await response.prepare(context.request)
            await _send(response, first)
            with suppress(TimeoutError):
                async with asyncio.timeout(ends_s):
                    await _send_changes(response, context, subscription, encoder)
            await _send_bookmark(response, context, subscription, encoder)
    except GoneError as gone:
        await response.prepare(context.request)
        await response.write(event_line("ERROR", requests.failure_status(gone)))
    except ConnectionResetError:
        return response  # disconnected
    await response.write_eof()
    return response


def _initial_events(context: RequestContext, start: WatchStart, encoder: WatchEncoder) -> bytes:
    """The events before the first change, if the query requests them."""
    store = context.api.store
    first = encoder.initial(store.all(context.kind.kind)) if start.sends_initial else b""
    return first + encoder.initial_events_end(store.version) if start.marks_initial_end else first


async def _send_changes(
    response: web.StreamResponse,
    context: RequestContext,
    subscription: Subscription,
    encoder: WatchEncoder,
) -> None:
    """Send every change, until the server shuts down."""
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
    """Send a bookmark, unless a change has just arrived."""
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


class WatchStart(NamedTuple):
    """The beginning of a watch."""

    since: int | None
    """The version after which changes are sent."""
    sends_initial: bool
    marks_initial_end: bool
    """Whether a bookmark follows the initial events."""


def watch_start(query: Query) -> WatchStart:
    """The start that a query requests: with all objects, if it names no version.

    >>> watch_start({"resourceVersion": "17"})
    WatchStart(since=17, sends_initial=False, marks_initial_end=False)
    """
    since = _parse_version(query.get("resourceVersion", ""))
    if "sendInitialEvents" not in query:
        return WatchStart(since, sends_initial=since is None, marks_initial_end=False)
    if is_true(query, "sendInitialEvents"):
        return WatchStart(None, sends_initial=True, marks_initial_end=True)
    return WatchStart(since, sends_initial=False, marks_initial_end=False)


@dataclass
class WatchEncoder:
    """Encodes the events of one watch."""

    kind: Kind
    selects: Predicate
    is_table: bool = False
    wants_bookmarks: bool = False
    _columns_known: bool = False

    def initial(self, objects: list[Object]) -> bytes:
        """All selected objects as ADDED."""
        return b"".join(self._line("ADDED", obj) for obj in objects if self.selects(obj))

    def changes(self, changes: list[Change]) -> bytes:
        """The events of these changes for this client's selector."""
        return b"".join(map(self._change, changes))

    def bookmark(self, version: int) -> bytes:
        """A bookmark at this version, if the client allows bookmarks."""
        return self._bookmark(version, {}) if self.wants_bookmarks else b""

    def initial_events_end(self, version: int) -> bytes:
        """The bookmark behind the initial events."""
        return self._bookmark(version, _INITIAL_EVENTS_END)

    def _bookmark(self, version: int, more: Object) -> bytes:
        meta = {"resourceVersion": str(version), **more}
        if self.is_table:
            return event_line("BOOKMARK", {**self._table([]), "metadata": meta})
        named = {"kind": self.kind.kind, "apiVersion": self.kind.api_version}
        return event_line("BOOKMARK", {**named, "metadata": meta})

    def _change(self, change: Change) -> bytes:
        before = change.previous
        matched = before is not None and self.selects(before)
        matches = self.selects(change.object)
        if change.type == "DELETED":
            return self._unfiltered(change) if matched else b""
        if matched and not matches and before is not None:
            return self._line("DELETED", with_resource_version(before, change.version))
        if matches and not matched and change.type == "MODIFIED":
            return self._line("ADDED", change.object)
        return self._unfiltered(change) if matches else b""

    def _unfiltered(self, change: Change) -> bytes:
        is_shared = not self.is_table and self.kind.is_stored
        return change.line if is_shared else self._line(change.type, change.object)

    def _line(self, type_: str, obj: Object) -> bytes:
        if not self.is_table:
            return event_line(type_, in_version(obj, self.kind))
        meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        return event_line(type_, {**self._table([obj]), "metadata": meta})

    def _table(self, objects: list[Object]) -> Object:
        table = build_table(self.kind.kind, objects, datetime.now(UTC))
        if self._columns_known:
            table = {**table, "columnDefinitions": None}
        self._columns_known = True
        return table


def _parse_version(text: str) -> int | None:
    """The number of a resourceVersion; None for an empty one and for 0, which both mean now."""
    version = parse_integer(text or "0")
    if version is None or version < 0:
        message = f'resourceVersion: Invalid value: "{text}": must be a number the server gave out'
        raise BadRequestError(message)
    return version or None
