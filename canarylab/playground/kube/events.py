"""Tells the cluster what happened to an object, the way `kubectl describe` shows it.

The same thing said again is not a new Event but a higher count, as in Kubernetes; otherwise a pod
that cannot start would bury everything else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from canarylab.errors import NotFoundError
from canarylab.playground.kube.api import Api, Key, Object
from canarylab.playground.kube.objects import timestamp


@dataclass(frozen=True)
class Note:
    """What is said about an object; `source` is a component, "kubelet"."""

    reason: str
    message: str
    source: str
    type: str = "Normal"
    field_path: str | None = None


async def record(api: Api, regarding: Object, note: Note) -> None:
    """Write an Event, or count one up."""
    event = _event(regarding, note)
    key = Key(event["metadata"]["namespace"], event["metadata"]["name"])
    try:
        known = await api.get("Event", key)
    except NotFoundError:
        await api.create(event)
        return
    await api.update(
        {**known, "count": known.get("count", 1) + 1, "lastTimestamp": event["lastTimestamp"]}
    )


def _event(regarding: Object, note: Note) -> Object:
    meta, now = regarding["metadata"], timestamp(datetime.now(UTC))
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{meta['name']}.{_fingerprint(regarding, note)}",
            "namespace": meta.get("namespace") or "default",
        },
        "involvedObject": _reference(regarding, note.field_path),
        "reason": note.reason,
        "message": note.message,
        "source": {"component": note.source},
        "type": note.type,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "reportingComponent": note.source,
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


def _fingerprint(regarding: Object, note: Note) -> str:
    parts = [note.type, note.reason, note.message, note.source, note.field_path or ""]
    said = "\0".join([*parts, regarding["metadata"]["uid"]])
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()
