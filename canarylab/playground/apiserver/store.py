"""The store: all objects in memory, their versions, and the recent changes.

Objects are shared and never changed in place; a write replaces one. One counter, the
resourceVersion, is increased with every write of any kind. The recent changes are kept, so that a
watch can begin at the version of a list. Each watcher has a queue. If a queue is full it is
dropped; the next `take` raises GoneError, and the watcher has to list again, as on a real API
server. So a slow watcher costs a bounded amount of memory and never delays a write.

Every change passes through `commit`. What is written is decided in `registry.py`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from canarylab.errors import GoneError
from canarylab.kube_objects import Key, Object, key_of
from canarylab.playground.apiserver.decode import encoded

HISTORY_SIZE = 2_000  # changes after which a watch can begin
MAX_BACKLOG = 1_000  # changes in the queue of one watcher
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class PlannedWrite(NamedTuple):
    """A change to commit to the store."""

    action: Literal["write", "remove", "none"]
    object: Object
    """The object to write, or the last state of the object to remove."""


class Store:
    """All objects by kind and key, and the subscriptions to their changes."""

    def __init__(self, *, history_size: int = HISTORY_SIZE, backlog: int = MAX_BACKLOG) -> None:
        self._objects: dict[str, dict[Key, Object]] = {}
        self._changes: deque[Change] = deque()
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._history_size, self._backlog = history_size, backlog
        self._version = self._oldest_lost = 0

    @property
    def version(self) -> int:
        """The resourceVersion of the last write."""
        return self._version

    def find(self, kind: str, key: Key) -> Object | None:
        """The object, or None."""
        return self._objects.get(kind, {}).get(key)

    def all(self, kind: str, namespace: str | None = None) -> list[Object]:
        """The objects of one namespace or of all, ordered by key."""
        objects = self._objects.get(kind, {})
        keys = (key for key in objects if namespace is None or key.namespace == namespace)
        return [objects[key] for key in sorted(keys)]

    def count(self, kind: str) -> int:
        """The number of objects of a kind."""
        return len(self._objects.get(kind, ()))

    def commit(self, write: PlannedWrite) -> Object:
        """Commit a write, notify the subscriptions, and return the object as stored."""
        if write.action == "none":
            return write.object
        kind, key = str(write.object["kind"]), key_of(write.object)
        objects = self._objects.setdefault(kind, {})
        self._version += 1
        obj = with_resource_version(write.object, self._version)
        before = objects.get(key)
        if write.action == "remove":
            objects.pop(key, None)
            self._notify(kind, Change("DELETED", obj, before, self._version))
        else:
            objects[key] = obj
            change_type: ChangeType = "ADDED" if before is None else "MODIFIED"
            self._notify(kind, Change(change_type, obj, before, self._version))
        return obj

    def subscribe(self, kind: str, since: int | None = None) -> Subscription:
        """Subscribe to changes of a kind, from now or from a version in the history."""
        subscription = Subscription(
            [] if since is None else self._changes_since(kind, since), backlog=self._backlog
        )
        self._subscriptions.setdefault(kind, []).append(subscription)
        return subscription

    def unsubscribe(self, kind: str, subscription: Subscription) -> None:
        """End a subscription."""
        self._subscriptions[kind].remove(subscription)

    def _changes_since(self, kind: str, version: int) -> list[Change]:
        # A version from the future is one of an earlier run of this cluster.
        if version < self._oldest_lost or version > self._version:
            raise GoneError(f"too old resource version: {version} ({self._version})")
        return [
            change
            for change in self._changes
            if change.version > version and change.object["kind"] == kind
        ]

    def _notify(self, kind: str, change: Change) -> None:
        self._changes.append(change)
        if len(self._changes) > self._history_size:
            self._oldest_lost = self._changes.popleft().version
        for subscription in self._subscriptions.get(kind, []):
            subscription.offer(change)


def with_resource_version(obj: Object, version: int) -> Object:
    """The object with this resourceVersion."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}


@dataclass(frozen=True)
class Change:
    """A change of one object, with the object before it."""

    type: ChangeType
    object: Object
    previous: Object | None
    version: int

    @cached_property
    def line(self) -> bytes:
        """The change as a line of a watch, encoded once for all watchers."""
        return event_line(self.type, self.object)


def event_line(type_: str, obj: Object) -> bytes:
    r"""One line of a watch.

    >>> event_line("ADDED", {"kind": "Pod"})
    b'{"type":"ADDED","object":{"kind":"Pod"}}\n'
    """
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), encoded(obj))


class Subscription:
    """The queue of one watcher."""

    def __init__(self, earlier: Iterable[Change], *, backlog: int) -> None:
        self._waiting = deque(earlier)
        self._backlog = max(backlog, len(self._waiting))
        self._arrived = asyncio.Event()
        self._overflowed = self._ended = False

    def offer(self, change: Change) -> None:
        """Append a change, or drop the queue if it is full."""
        if self._overflowed:
            return
        if len(self._waiting) >= self._backlog:
            self._waiting.clear()
            self._overflowed = True
        else:
            self._waiting.append(change)
        self._arrived.set()

    @property
    def is_empty(self) -> bool:
        """Whether every change has been taken."""
        return not self._waiting

    def end(self) -> None:
        """End the subscription: `take` returns the remaining changes, then an empty list."""
        self._ended = True
        self._arrived.set()

    async def take(self) -> list[Change]:
        """Wait until there is at least one change, and return all.

        Raise GoneError if the queue was dropped.
        """
        while not (self._waiting or self._overflowed or self._ended):
            self._arrived.clear()
            await self._arrived.wait()
        if self._overflowed:
            raise GoneError("too old resource version: this watch did not keep up")
        changes = list(self._waiting)
        self._waiting.clear()
        return changes
