"""Has the ingress controller taken a change in?

The API does not say. ingress-nginx, and the playground with it, writes an event Sync at every
Ingress that it has read anew; other controllers write none, and then a moment has to be enough.
"""

from __future__ import annotations

import time

from canarylab.release.apply import Applied, apply
from canarylab.release.connection import Connection, Object, refusals

PATIENCE_S = 2.0  # ingress-nginx reloads within a second; who writes no event gets as long
LOOK_EVERY_S = 0.05


def apply_and_wait(connection: Connection, objects: list[Object]) -> list[Applied]:
    """Apply all, and wait until the controller knows of those Ingresses that have changed."""
    names = [str((each.get("metadata") or {}).get("name", "")) for each in objects]
    before = [
        syncs(connection, name) if each.get("kind") == "Ingress" else None
        for name, each in zip(names, objects, strict=True)
    ]
    applied = apply(connection, objects)
    for name, seen, each in zip(names, before, applied, strict=True):
        if seen is not None and each.outcome != "unchanged":
            wait_until_taken_in(connection, name, seen)
    return applied


def syncs(connection: Connection, ingress: str) -> int:
    """How often a controller has said that it read this Ingress anew."""
    query = f"involvedObject.kind=Ingress,involvedObject.name={ingress},reason=Sync"
    with refusals("the events", remedy="Look with `kubectl get events`."):
        found = connection.core.list_namespaced_event(connection.namespace, field_selector=query)
    return sum(event.count or 1 for event in found.items)


def wait_until_taken_in(connection: Connection, ingress: str, before: int) -> None:
    """Return when it has said so more often than `before`, or when it has had the time to."""
    deadline = time.monotonic() + PATIENCE_S
    while syncs(connection, ingress) <= before and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
