"""Events, as `kubectl describe` shows them.

A repeated event raises the count of the Event that is there, as in Kubernetes; otherwise a pod
that cannot start would fill the list.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from canarylab.errors import ApiError
from canarylab.kube_objects import Key, Object, key_of, timestamp, uid_of, utc_now
from canarylab.playground.kube.api import Api, find_object

MAX_MESSAGE_LENGTH = 1024  # characters, as in Kubernetes
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EventDetails:
    """Reason, message and source of an event; `source` is a component, "kubelet"."""

    reason: str
    message: str
    source: str
    type: str = "Normal"
    field_path: str | None = None


async def record_event(api: Api, regarding: Object, details: EventDetails) -> None:
    """Create an Event about an object, or raise the count of the same one."""
    event = _event(regarding, details)
    key = Key(event["metadata"]["namespace"], event["metadata"]["name"])
    existing = await find_object(api, "Event", key)
    if existing is None:
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

    def __init__(self, api: Api, source: str) -> None:
        self._api, self._source = api, source
        self._queue: asyncio.Queue[tuple[Object, EventDetails]] = asyncio.Queue()

    def event(
        self, pod: Object, reason: str, message: str, *, type: str = "Normal", container: str = ""
    ) -> None:
        """Queue an event about a pod, or about a container of it."""
        path = f"spec.containers{{{container}}}" if container else None
        self._queue.put_nowait((pod, EventDetails(reason, message, self._source, type, path)))

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
    message = details.message
    if len(message) > MAX_MESSAGE_LENGTH:
        message = f"{message[: MAX_MESSAGE_LENGTH - 3]}..."
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{meta['name']}.{_fingerprint(regarding, details)}",
            "namespace": meta.get("namespace") or "default",
        },
        "involvedObject": _reference(regarding, details.field_path),
        "reason": details.reason,
        "message": message,
        "source": {"component": details.source},
        "type": details.type,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "reportingComponent": details.source,
        "reportingInstance": "",
    }


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


def _fingerprint(regarding: Object, details: EventDetails) -> str:
    parts = [
        details.type,
        details.reason,
        details.message,
        details.source,
        details.field_path or "",
    ]
    text = "\0".join([*parts, regarding["metadata"]["uid"]])
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
