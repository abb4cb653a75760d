"""The API server for those who live in its process: `Api`, over the store.

Controllers, the kubelet and the proxy use this one; kubectl comes in through `server.py`. Both
follow the same rules, those of `registry.py`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from canarylab.errors import GoneError
from canarylab.playground.apiserver.registry import Registry, Surroundings, make_registry
from canarylab.playground.apiserver.store import Store, Write
from canarylab.playground.kube.api import DeleteOptions, Key, Object, WatchEvent
from canarylab.playground.kube.objects import key_of, uid_of

logger = logging.getLogger(__name__)

_ANYHOW = DeleteOptions()


class LocalApi:
    """`Api` without a network. `commit` is for those who have planned a write themselves."""

    def __init__(self, store: Store, around: Surroundings) -> None:
        self.store = store
        self.registry: Registry = make_registry(store, around)

    async def get(self, kind: str, key: Key) -> Object:
        """The object, or NotFoundError."""
        return self.registry.found(kind, key)

    async def list(self, kind: str, namespace: str | None = None) -> list[Object]:
        """In one namespace or in all of them, in the order of their names."""
        return self.store.all(kind, namespace)

    async def create(self, obj: Object) -> Object:
        """Add a new object."""
        return self.commit(self.registry.create(obj))

    async def update(self, obj: Object) -> Object:
        """Write everything but the status."""
        return self.commit(self.registry.update(obj))

    async def update_status(self, obj: Object) -> Object:
        """Write the status alone."""
        return self.commit(self.registry.update_status(obj))

    async def bind(self, pod: Key, node: str) -> Object:
        """Give a pod to a node."""
        return self.commit(self.registry.bind(pod, node))

    async def delete(self, kind: str, key: Key, options: DeleteOptions = _ANYHOW) -> None:
        """Ask for deletion."""
        self.commit(self.registry.delete(kind, key, options))

    def commit(self, write: Write) -> Object:
        """Do what was planned."""
        if write.object["kind"] == "Event" and write.act == "write":
            for old in self.registry.forgettable_events():
                self.store.commit(old)
        return self.store.commit(write)

    async def watch(self, kind: str) -> AsyncIterator[WatchEvent]:
        """All there are as ADDED, then every change.

        Whoever falls too far behind is told what he missed, in one go, instead of being given up.
        """
        known: dict[Key, Object] = {}
        while True:
            subscription = self.store.subscribe(kind)
            try:
                for event in _differences(known, self.store.all(kind)):
                    _take_note(known, event)
                    yield event
                while True:
                    for change in await subscription.take():
                        event = WatchEvent(change.type, change.object)
                        _take_note(known, event)
                        yield event
            except GoneError:
                logger.warning("A watch of %s fell behind and lists again.", kind)
            finally:
                self.store.unsubscribe(kind, subscription)


def _differences(known: dict[Key, Object], now: list[Object]) -> list[WatchEvent]:
    """What to tell someone who last knew `known`."""
    there = {key_of(obj): obj for obj in now}
    gone = [
        WatchEvent("DELETED", obj)
        for key, obj in known.items()
        if key not in there or uid_of(there[key]) != uid_of(obj)
    ]
    replaced = {key_of(event.object) for event in gone}
    come = [
        WatchEvent("ADDED" if key not in known or key in replaced else "MODIFIED", obj)
        for key, obj in there.items()
        if known.get(key) is not obj
    ]
    return gone + come


def _take_note(known: dict[Key, Object], event: WatchEvent) -> None:
    if event.type == "DELETED":
        known.pop(key_of(event.object), None)
    else:
        known[key_of(event.object)] = event.object
