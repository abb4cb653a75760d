"""Events, as `kubectl describe` shows them.

A repeated event raises the count of the Event that is there, as in Kubernetes; otherwise a pod
that cannot start would fill the list.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from canarylab.errors import ApiError
from canarylab.kube_objects import Key, Object, key_of, timestamp, uid_of, utc_now
from canarylab.playground.kube.api import Api, find_object

MAX_MESSAGE_LENGTH = 1024  # characters, as in Kubernetes
MAX_KNOWN_EVENTS = 4096  # of one component, as in Kubernetes
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EventDetails:
    """Reason, message and source of an event; `source` is a component, "kubelet", on a `host`."""

    reason: str
    message: str
    source: str
    type: str = "Normal"
    field_path: str | None = None
    host: str = ""


class EventNames:
    """The names of the last events of a component, by what they say.

    A name ends in the nanosecond of the first occurrence: so a list by name is in order of time.
    """

    def __init__(self, limit: int = MAX_KNOWN_EVENTS) -> None:
        self._limit, self._names = limit, OrderedDict[tuple[str, EventDetails], str]()
        self._last_ns = 0

    def find(self, regarding: Object, details: EventDetails) -> str:
        """Return the name of the event, or "" if it is not known."""
        key = uid_of(regarding), details
        name = self._names.get(key, "")
        if name:
            self._names.move_to_end(key)
        return name

    def add(self, regarding: Object, details: EventDetails) -> str:
        """Name a new event, and forget the one that occurred least recently if there are many."""
        self._last_ns = max(time.time_ns(), self._last_ns + 1)  # no two have the same
        key, name = (uid_of(regarding), details), f"{key_of(regarding).name}.{self._last_ns:x}"
        self._names[key] = name
        self._names.move_to_end(key)
        if len(self._names) > self._limit:
            self._names.popitem(last=False)
        return name


_NAMES: WeakKeyDictionary[Api, EventNames] = WeakKeyDictionary()
"""Each component has an `Api` of its own. After a restart its events are new ones."""


async def record_event(api: Api, regarding: Object, details: EventDetails) -> None:
    """Create an Event about an object, or raise the count of the same one."""
    names = _NAMES.setdefault(api, EventNames())
    details = replace(details, message=_shortened(details.message))
    event = _event(regarding, details)
    name = names.find(regarding, details)
    key = Key(event["metadata"]["namespace"], name)
    existing = await find_object(api, "Event", key) if name else None
    if existing is None:
        event["metadata"]["name"] = names.add(regarding, details)
        await api.create(event)
        return
    await api.update(
        {**existing, "count": existing.get("count", 1) + 1, "lastTimestamp": event["lastTimestamp"]}
    )


class Warnings:
    """Records what is wrong with objects: each warning once, and again if it recurs."""

    def __init__(self, api: Api, source: str) -> None:
        self._api, self._source = api, source
        self._known: set[tuple[str, str, str]] = set()

    async def record(self, found: Iterable[tuple[Object, str, str]]) -> None:
        """Record those that were not there the last time: object, reason, message."""
        warnings = {(uid_of(obj), reason, text): obj for obj, reason, text in found}
        for uid, reason, text in sorted(warnings.keys() - self._known):
            details = EventDetails(reason, text, self._source, "Warning")
            try:
                await record_event(self._api, warnings[uid, reason, text], details)
            except ApiError:
                continue  # its namespace is terminating, and so is the object
        self._known = set(warnings)


class EventRecorder:
    """Records the events of a component in order, without making the component wait."""

    def __init__(self, api: Api, source: str, host: str) -> None:
        self._api, self._source, self._host = api, source, host
        self._queue: asyncio.Queue[tuple[Object, EventDetails]] = asyncio.Queue()

    def event(
        self,
        pod: Object,
        reason: str,
        message: str,
        *,
        type: str = "Normal",
        field_path: str | None = None,
    ) -> None:
        """Queue an event about a pod, or about a field of it."""
        details = EventDetails(reason, message, self._source, type, field_path, self._host)
        self._queue.put_nowait((pod, details))

    async def run(self) -> None:
        """Write events until cancelled. A namespace that is being deleted takes none."""
        while True:
            pod, details = await self._queue.get()
            try:
                await record_event(self._api, pod, details)
            except ApiError as error:
                name = pod["metadata"]["name"]
                logger.info("no event %s for %s: %s", details.reason, name, error)
            except Exception:
                logger.exception("no event %s for %s", details.reason, key_of(pod))


def _event(regarding: Object, details: EventDetails) -> Object:
    meta, now = regarding["metadata"], timestamp(utc_now())
    source = {"component": details.source}
    if details.host:
        source["host"] = details.host
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": meta.get("namespace") or "default"},
        "involvedObject": _reference(regarding, details.field_path),
        "reason": details.reason,
        "message": details.message,
        "source": source,
        "type": details.type,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "reportingComponent": details.source,
        "reportingInstance": details.host,
    }


def _shortened(message: str) -> str:
    if len(message) <= MAX_MESSAGE_LENGTH:
        return message
    return f"{message[: MAX_MESSAGE_LENGTH - 3]}..."


def _reference(regarding: Object, field_path: str | None) -> Object:
    meta = regarding["metadata"]
    reference = {
        "apiVersion": regarding["apiVersion"],
        "kind": regarding["kind"],
        "name": meta["name"],
        "namespace": meta.get("namespace", ""),
        "resourceVersion": meta.get("resourceVersion", ""),
        "uid": meta["uid"],
    }
    return reference if field_path is None else {**reference, "fieldPath": field_path}
