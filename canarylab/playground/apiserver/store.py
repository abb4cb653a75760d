"""The store: all objects, their versions, and the recent changes.

Objects are shared and never changed in place; a write replaces one. One counter, the
resourceVersion, is increased with every write of any kind. The recent changes are kept, so that a
watch can begin at the version of a list. Each watcher has a queue. If a queue is full it is
dropped; the next `take` raises GoneError, and the watcher has to list again, as on a real API
server. Both are bounded in changes and in bytes, so a slow watcher costs a bounded amount of memory
and never delays a write.

Every change passes through `commit`. What is written is decided in `registry.py`; how it survives
the end of the daemon is in `persistence.py`.
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
from canarylab.playground.apiserver.persistence import GroupCommit, ObjectId

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class Limit(NamedTuple):
    """How much is kept of something."""

    changes: int
    size: int = 8_000_000
    """Bytes of JSON."""


HISTORY = Limit(2_000)  # the changes after which a watch can begin
BACKLOG = Limit(1_000)  # the queue of one watcher
SENT_TOGETHER = 250_000  # bytes; more of a watcher that does not read stays in its queue


class PlannedWrite(NamedTuple):
    """A change to commit to the store."""

    action: Literal["write", "remove", "none"]
    object: Object
    """The object to write, or the last state of the object to remove."""


class Store:
    """All objects by kind and key, and the subscriptions to their changes.

    Without `persistence` they are gone with the process.
    """

    def __init__(
        self,
        persistence: GroupCommit | None = None,
        *,
        history: Limit = HISTORY,
        backlog: Limit = BACKLOG,
    ) -> None:
        self._objects: dict[str, dict[Key, Object]] = {}
        self._history = ChangeQueue()
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._history_limit, self._backlog = history, backlog
        self._persistence = persistence
        self._version = self._oldest_lost = 0
        if persistence is not None:
            self._version = self._oldest_lost = persistence.version
            for obj in persistence.restored:
                self._objects.setdefault(str(obj["kind"]), {})[key_of(obj)] = obj

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

    def all_at(self, kind: str, version: int) -> list[Object]:
        """The objects as they were at a version, ordered by key; raise GoneError if it is lost."""
        changes = self._changes_since(kind, version) if version != self._version else []
        objects = dict(self._objects.get(kind, {})) if changes else self._objects.get(kind, {})
        for change in reversed(changes):
            if change.previous is None:
                objects.pop(key_of(change.object), None)
            else:
                objects[key_of(change.object)] = change.previous
        return [objects[key] for key in sorted(objects)]

    def count(self, kind: str) -> int:
        """The number of objects of a kind."""
        return len(self._objects.get(kind, ()))

    def commit(self, write: PlannedWrite) -> Object:
        """Commit a write, notify the subscriptions, and return the object as stored."""
        if write.action == "none":
            return write.object
        self.check_writable()
        kind, key = str(write.object["kind"]), key_of(write.object)
        objects = self._objects.setdefault(kind, {})
        before, version = objects.get(key), self._version + 1
        obj = with_resource_version(write.object, version)
        change = Change(_type_of(write, before), obj, before, version)
        stored = None if write.action == "remove" else change.data  # raises before any change
        self._version = version
        if write.action == "remove":
            objects.pop(key, None)
        else:
            objects[key] = obj
        if self._persistence is not None:
            self._persistence.append(ObjectId(kind, key), stored, version)
        self._notify(kind, change)
        return obj

    def check_writable(self) -> None:
        """Raise StatusError if changes cannot be stored at present."""
        if self._persistence is not None:
            self._persistence.check()

    async def until_writable(self) -> None:
        """Wait while changes cannot be stored."""
        if self._persistence is not None:
            await self._persistence.until_writable()

    async def until_stored(self) -> None:
        """Wait until every change up to now is stored; raise StatusError if that fails."""
        if self._persistence is not None:
            await self._persistence.until_stored(self._version)

    def subscribe(self, kind: str, since: int | None = None) -> Subscription:
        """Subscribe to changes of a kind, from now or from a version in the history."""
        subscription = Subscription(
            [] if since is None else self._changes_since(kind, since), limit=self._backlog
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
            for change in self._history.changes
            if change.version > version and change.object["kind"] == kind
        ]

    def _notify(self, kind: str, change: Change) -> None:
        self._history.append(change)
        while self._history.exceeds(self._history_limit):
            self._oldest_lost = self._history.pop().version
        for subscription in self._subscriptions.get(kind, []):
            subscription.offer(change)


def _type_of(write: PlannedWrite, before: Object | None) -> ChangeType:
    if write.action == "remove":
        return "DELETED"
    return "ADDED" if before is None else "MODIFIED"


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
    def data(self) -> bytes:
        """The object, encoded once for all watchers and the file."""
        return encoded(self.object)

    @cached_property
    def line(self) -> bytes:
        """The change as a line of a watch."""
        return b'{"type":"%s","object":%s}\n' % (self.type.encode(), self.data)


class ChangeQueue:
    """Changes in order, and their size."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self.changes = deque(changes)
        self._size = sum(len(change.data) for change in self.changes)

    def append(self, change: Change) -> None:
        """Add the newest."""
        self.changes.append(change)
        self._size += len(change.data)

    def pop(self) -> Change:
        """Take the oldest."""
        change = self.changes.popleft()
        self._size -= len(change.data)
        return change

    def take(self, size: int) -> list[Change]:
        """Take the oldest, at least one, up to about this size."""
        taken: list[Change] = []
        rest = self._size - size
        while self.changes and (not taken or self._size > rest):
            taken.append(self.pop())
        return taken

    def clear(self) -> None:
        """Remove all."""
        self.changes.clear()
        self._size = 0

    def exceeds(self, limit: Limit) -> bool:
        """Whether it has more than one change, and more than the limit allows."""
        count = len(self.changes)
        return count > limit.changes or (count > 1 and self._size > limit.size)


def event_line(type_: str, obj: Object) -> bytes:
    r"""One line of a watch.

    >>> event_line("ADDED", {"kind": "Pod"})
    b'{"type":"ADDED","object":{"kind":"Pod"}}\n'
    """
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), encoded(obj))


class Subscription:
    """The queue of one watcher."""

    def __init__(self, earlier: Iterable[Change], *, limit: Limit = BACKLOG) -> None:
        self._waiting = ChangeQueue(earlier)
        self._limit = limit._replace(changes=max(limit.changes, len(self._waiting.changes)))
        self._arrived = asyncio.Event()
        self._overflowed = self._ended = False

    def offer(self, change: Change) -> None:
        """Append a change, or drop the queue if it is full."""
        if self._overflowed:
            return
        self._waiting.append(change)
        if self._waiting.exceeds(self._limit):
            self._waiting.clear()
            self._overflowed = True
        self._arrived.set()

    @property
    def is_empty(self) -> bool:
        """Whether every change has been taken."""
        return not self._waiting.changes

    def end(self) -> None:
        """End the subscription: `take` returns the remaining changes, then an empty list."""
        self._ended = True
        self._arrived.set()

    async def take(self) -> list[Change]:
        """Wait until there is at least one change, and return as many as are sent together.

        Raise GoneError if the queue was dropped.
        """
        while not (self._waiting.changes or self._overflowed or self._ended):
            self._arrived.clear()
            await self._arrived.wait()
        if self._overflowed:
            raise GoneError("too old resource version: this watch did not keep up")
        return self._waiting.take(SENT_TOGETHER)
