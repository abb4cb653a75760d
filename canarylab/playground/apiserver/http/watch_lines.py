"""What does a change mean to one client?

A client that selects sees an object appear when it begins to match and disappear when it no
longer does, whatever really happened to it. One that prints gets every object as a Table of one
row. Everybody else gets the same line, which is encoded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.changes import Change, event_line
from canarylab.playground.apiserver.http.queries import Query, is_true
from canarylab.playground.apiserver.tables import table_of
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import Kind, in_version
from canarylab.playground.kube.selectors import Predicate

_INITIAL_EVENTS_END = {"annotations": {"k8s.io/initial-events-end": "true"}}


class Start(NamedTuple):
    """Where a watch begins."""

    since: int | None
    """Tell every change after this version."""
    tells_all: bool
    marks_end: bool
    """With a bookmark behind all there are."""


def start_of(query: Query) -> Start:
    """What a client asks for; by default all there are, if it names no version.

    >>> start_of({"resourceVersion": "17"})
    Start(since=17, tells_all=False, marks_end=False)
    """
    since = _version(query.get("resourceVersion", ""))
    if "sendInitialEvents" not in query:
        return Start(since, tells_all=since is None, marks_end=False)
    if is_true(query, "sendInitialEvents"):
        return Start(None, tells_all=True, marks_end=True)
    return Start(since, tells_all=False, marks_end=False)


@dataclass
class Lines:
    """What one client is sent."""

    kind: Kind
    chosen: Predicate
    is_table: bool = False
    has_bookmarks: bool = False
    _columns_known: bool = False

    def all(self, there: list[Object]) -> bytes:
        """Every object as if it had just been added."""
        return b"".join(self._line("ADDED", obj) for obj in there if self.chosen(obj))

    def of(self, changes: list[Change]) -> bytes:
        """What these changes mean to this client."""
        return b"".join(map(self._of_one, changes))

    def bookmark(self, version: int) -> bytes:
        """Up to where the client has seen everything, if it wants to know."""
        return self._bookmark(version, {}) if self.has_bookmarks else b""

    def initial_events_end(self, version: int) -> bytes:
        """That those were all there are."""
        return self._bookmark(version, _INITIAL_EVENTS_END)

    def _bookmark(self, version: int, more: Object) -> bytes:
        meta = {"resourceVersion": str(version), **more}
        if self.is_table:
            return event_line("BOOKMARK", {**self._table([]), "metadata": meta})
        named = {"kind": self.kind.kind, "apiVersion": self.kind.api_version}
        return event_line("BOOKMARK", {**named, "metadata": meta})

    def _of_one(self, change: Change) -> bytes:
        before = change.previous
        matched = before is not None and self.chosen(before)
        matches = self.chosen(change.object)
        if change.type == "DELETED":
            return self._plain(change) if matched else b""
        if matched and not matches and before is not None:
            return self._line("DELETED", _at_version(before, change.version))
        if matches and not matched:
            return self._line("ADDED", change.object)
        return self._plain(change) if matches else b""

    def _plain(self, change: Change) -> bytes:
        is_shared = not self.is_table and self.kind.is_stored
        return change.line if is_shared else self._line(change.type, change.object)

    def _line(self, type_: str, obj: Object) -> bytes:
        if not self.is_table:
            return event_line(type_, in_version(obj, self.kind))
        meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        return event_line(type_, {**self._table([obj]), "metadata": meta})

    def _table(self, objects: list[Object]) -> Object:
        table = table_of(self.kind.kind, objects, datetime.now(UTC))
        if self._columns_known:
            table = {**table, "columnDefinitions": None}
        self._columns_known = True
        return table


def _version(text: str) -> int | None:
    """Nothing, and 0, mean: from whatever there is now."""
    if text and not text.isdecimal():
        message = f'resourceVersion: Invalid value: "{text}": must be a number the server gave out'
        raise BadRequestError(message)
    return int(text or 0) or None


def _at_version(obj: Object, version: int) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}
