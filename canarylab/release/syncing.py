"""Has the ingress controller taken a change in?

The API does not say. ingress-nginx, and the playground with it, writes an event Sync at every
Ingress that it has read anew; other controllers write none, and then a moment has to be enough.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from canarylab.release.connection import Connection, refusals

PATIENCE_S = 2.0  # ingress-nginx reloads within a second; who writes no event gets as long
LOOK_EVERY_S = 0.05


@contextmanager
def taken_in(connection: Connection, ingress: str) -> Iterator[None]:
    """Change the Ingress inside; afterwards the controller knows, or has had the time to."""
    before = _syncs(connection, ingress)
    yield
    deadline = time.monotonic() + PATIENCE_S
    while _syncs(connection, ingress) <= before and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)


def _syncs(connection: Connection, ingress: str) -> int:
    query = f"involvedObject.kind=Ingress,involvedObject.name={ingress},reason=Sync"
    with refusals("the events", remedy="Look with `kubectl get events`."):
        found = connection.core.list_namespaced_event(connection.namespace, field_selector=query)
    return sum(event.count or 1 for event in found.items)
