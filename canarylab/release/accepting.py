"""Who serves an HTTPRoute as it is now?

Each controller writes into the route's status, Gateway by Gateway, whether it accepts the route,
and which generation of it that was said of. Without a Gateway nobody writes anything.
"""

from __future__ import annotations

import time

from kubernetes.dynamic.exceptions import ResourceNotFoundError

from canarylab.errors import RefusedError
from canarylab.release.connection import Connection, Object, refusals

ROUTE = ("gateway.networking.k8s.io/v1", "HTTPRoute")
_UNKNOWN = 'the server doesn\'t have a resource type "httproutes"'
_INSTALL = "The Gateway API comes as an addition; whoever runs the cluster installs it."
PATIENCE_S = 5.0
LOOK_EVERY_S = 0.05


def wait_until_accepted(
    connection: Connection, name: str, *, timeout_s: float = PATIENCE_S
) -> list[str]:
    """The controllers that serve it, as soon as there is one; none where nobody does in time."""
    deadline = time.monotonic() + timeout_s
    while not (found := accepted_by(read_route(connection, name))) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    return found


def read_route(connection: Connection, name: str) -> Object:
    """An HTTPRoute as the API returns it; raise RefusedError when there is none."""
    with refusals(f'HTTPRoute "{name}"', remedy="Look with `kubectl get httproutes`."):
        try:
            routes = connection.dynamic.resources.get(api_version=ROUTE[0], kind=ROUTE[1])
        except ResourceNotFoundError as exc:
            raise RefusedError(f'HTTPRoute "{name}"', _UNKNOWN, _INSTALL) from exc
        found: Object = routes.get(name=name, namespace=connection.namespace).to_dict()
    return found


def accepted_by(route: Object) -> list[str]:
    """The controllers that accept it as it is now.

    >>> accepted_by({"metadata": {"generation": 1}})
    []
    """
    newest = route["metadata"].get("generation", 0)
    parents = (route.get("status") or {}).get("parents") or []
    return [
        str(parent["controllerName"])
        for parent in parents
        if any(_accepts(said, newest) for said in parent.get("conditions") or [])
    ]


def _accepts(said: Object, newest: int) -> bool:
    is_new = said.get("observedGeneration", newest) >= newest
    return bool(is_new and said["type"] == "Accepted" and said["status"] == "True")
