"""Events, as `kubectl describe` shows them.

A repeated event raises the count of the Event that is there, as in Kubernetes; otherwise a pod
that cannot start would fill the list.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from canarylab.kube_objects import Key, Object, timestamp, utc_now
from canarylab.playground.kube.api import Api, find_object


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


def _event(regarding: Object, details: EventDetails) -> Object:
    meta, now = regarding["metadata"], timestamp(utc_now())
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{meta['name']}.{_fingerprint(regarding, details)}",
            "namespace": meta.get("namespace") or "default",
        },
        "involvedObject": _reference(regarding, details.field_path),
        "reason": details.reason,
        "message": details.message,
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
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
