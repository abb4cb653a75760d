"""Gateways and HTTPRoutes in one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from canarylab.kube_objects import EndpointIndex, Key, Object, key_of
from canarylab.playground.network.gateway_controller import CONTROLLER
from canarylab.playground.network.httproute_routing import (
    HttpRouteRules,
    build_route_rules,
    service_grants,
)
from tests.ingress_rules.ingress_objects import HOST, SPACE, service, slice_of

VERSION = "gateway.networking.k8s.io/v1"
LISTENER: Object = {"name": "http", "protocol": "HTTP", "port": 80}
CLASS: Object = {
    "apiVersion": VERSION,
    "kind": "GatewayClass",
    "metadata": {"name": "canarylab"},
    "spec": {"controllerName": CONTROLLER},
}


def gateway(*listeners: Object) -> Object:
    """One called `web`."""
    return {
        "apiVersion": VERSION,
        "kind": "Gateway",
        "metadata": {"name": "web", "namespace": SPACE},
        "spec": {"gatewayClassName": "canarylab", "listeners": list(listeners) or [LISTENER]},
    }


def route(name: str, *rules: Object, space: str = SPACE, **spec: Any) -> Object:
    """Attached to `web`, for foo.bar.com unless `spec` says otherwise."""
    parent = {"name": "web"} | ({} if space == SPACE else {"namespace": SPACE})
    return {
        "apiVersion": VERSION,
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": space},
        "spec": {"parentRefs": [parent], "hostnames": [HOST], "rules": list(rules), **spec},
    }


def rule(*backends: Object, filters: list[Object] | None = None, **match: Any) -> Object:
    """Requests that match go to these backends."""
    said: Object = {"backendRefs": list(backends)}
    if match:
        said["matches"] = [match]
    return said | ({"filters": filters} if filters else {})


def to(name: str, weight: int = 1, port: int = 80) -> Object:
    """A backend."""
    return {"name": name, "port": port, "weight": weight}


def path(value: str, path_type: str = "PathPrefix") -> Object:
    """A path to match."""
    return {"type": path_type, "value": value}


def named(name: str, value: str, **more: str) -> Object:
    """A header or a parameter to match, or to set."""
    return {"name": name, "value": value, **more}


def built(
    *routes: Object, over: Object | None = None, grants: Sequence[Object] = ()
) -> HttpRouteRules:
    """The rules, in a cluster where prod, canary and other have a pod each."""
    names = ("prod", "canary", "other")
    slices = [slice_of(name, f"127.64.0.{n}") for n, name in enumerate(names, start=2)]
    backends = EndpointIndex([service(name) for name in (*names, "empty")], slices)
    gateways: dict[Key, Object] = {key_of(entry): entry for entry in [over or gateway()]}
    spaces: dict[str, Object] = {
        SPACE: {"metadata": {"name": SPACE}},
        "guest": {"metadata": {"name": "guest", "labels": {"team": "birds"}}},
    }
    return build_route_rules(routes, gateways, spaces, backends, service_grants(grants))
