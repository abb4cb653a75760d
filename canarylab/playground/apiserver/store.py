"""What is there now, and what has changed lately?

Objects are snapshots: whoever gets one shares it with everybody else, so nobody changes it, and a
write puts another in its place. One counter moves on with every write of any kind; it is the
resourceVersion. The last changes are kept, so that a watch can begin where a list ended.

Everything that changes passes through `commit`, which is where it can be written to a disk.
What is written is decided in `registry.py`.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

from canarylab.errors import GoneError
from canarylab.playground.apiserver.changes import Change, ChangeType, Subscription
from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import key_of

HISTORY_SIZE = 2_000  # changes a watch can still ask for
MAX_BACKLOG = 1_000  # changes a watcher may be behind before it is given up


class Write(NamedTuple):
    """What a request comes to, decided and not yet done."""

    act: Literal["write", "remove", "nothing"]
    object: Object
    """As it will be; or, when it is removed, as it last was."""


class Store:
    """Every object, by kind and key, and who wants to hear of changes."""

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
        """The object, if there is one."""
        return self._objects.get(kind, {}).get(key)

    def all(self, kind: str, namespace: str | None = None) -> list[Object]:
        """In one namespace or in all of them, in the order of their names."""
        there = self._objects.get(kind, {})
        keys = (key for key in there if namespace is None or key.namespace == namespace)
        return [there[key] for key in sorted(keys)]

    def commit(self, write: Write) -> Object:
        """Do what was decided, tell who listens, and return the object as it is now."""
        if write.act == "nothing":
            return write.object
        kind, key = str(write.object["kind"]), key_of(write.object)
        here = self._objects.setdefault(kind, {})
        self._version += 1
        obj = _at_version(write.object, self._version)
        before = here.get(key)
        if write.act == "remove":
            here.pop(key, None)
            self._notify(kind, Change("DELETED", obj, before, self._version))
        else:
            here[key] = obj
            what: ChangeType = "ADDED" if before is None else "MODIFIED"
            self._notify(kind, Change(what, obj, before, self._version))
        return obj

    def subscribe(self, kind: str, since: int | None = None) -> Subscription:
        """Changes of this kind from now on, or since a version that is still history_size."""
        subscription = Subscription(
            [] if since is None else self._changes_since(kind, since), backlog=self._backlog
        )
        self._subscriptions.setdefault(kind, []).append(subscription)
        return subscription

    def unsubscribe(self, kind: str, subscription: Subscription) -> None:
        """Stop telling it."""
        self._subscriptions[kind].remove(subscription)

    def _changes_since(self, kind: str, version: int) -> list[Change]:
        # A version from the future was given out by an earlier run of this cluster.
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


def _at_version(obj: Object, version: int) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}
