"""To which listeners of which Gateways is a route attached, and for which hosts?

https://gateway-api.sigs.k8s.io/reference/spec/#parentreference
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import key_of
from canarylab.playground.kube.selectors import by_label_selector

GROUP = "gateway.networking.k8s.io"


class Attachment(NamedTuple):
    """What comes of one parentRef."""

    parent: Object
    gateway: Key
    reason: str
    """`Accepted`, or why not."""
    listeners: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """An empty one is any host."""


def attachments(
    route: Object, gateways: Mapping[Key, Object], namespaces: Mapping[str, Object]
) -> list[Attachment]:
    """For each parentRef that names one of these Gateways."""
    found = []
    for parent in route["spec"].get("parentRefs") or []:
        key = Key(parent.get("namespace") or key_of(route).namespace, parent["name"])
        is_gateway = parent.get("kind", "Gateway") == "Gateway"
        if is_gateway and parent.get("group", GROUP) == GROUP and key in gateways:
            found.append(_attachment(route, parent, gateways[key], namespaces))
    return found


def _attachment(
    route: Object, parent: Object, gateway: Object, namespaces: Mapping[str, Object]
) -> Attachment:
    nothing = Attachment(parent, key_of(gateway), "NoMatchingParent")
    meant = [
        listener
        for listener in gateway["spec"]["listeners"]
        if parent.get("sectionName") in {None, listener["name"]}
        and parent.get("port") in {None, listener["port"]}
        and is_served(listener)
    ]
    if not meant:
        return nothing
    allowed = [entry for entry in meant if _allows(entry, gateway, route, namespaces)]
    if not allowed:
        return nothing._replace(reason="NotAllowedByListeners")
    hosts = {entry["name"]: _common_hosts(entry, route) for entry in allowed}
    if not any(hosts.values()):
        return nothing._replace(reason="NoMatchingListenerHostname")
    return nothing._replace(
        reason="Accepted",
        listeners=tuple(name for name, common in hosts.items() if common),
        hosts=tuple(dict.fromkeys(host for common in hosts.values() for host in common)),
    )


def is_served(listener: Object) -> bool:
    """Plain HTTP is; TLS is not here."""
    return bool(listener["protocol"] == "HTTP")


def _allows(
    listener: Object, gateway: Object, route: Object, namespaces: Mapping[str, Object]
) -> bool:
    allowed = listener.get("allowedRoutes") or {}
    kinds = allowed.get("kinds") or [{"kind": "HTTPRoute"}]
    if all(kind["kind"] != "HTTPRoute" for kind in kinds):
        return False
    whose = allowed.get("namespaces") or {}
    own, other = key_of(gateway).namespace, key_of(route).namespace
    if whose.get("from", "Same") == "Selector":
        chosen = by_label_selector(whose.get("selector") or {})
        return other in namespaces and chosen(namespaces[other])
    return whose.get("from", "Same") == "All" or own == other


def _common_hosts(listener: Object, route: Object) -> list[str]:
    """What both the listener and the route are for; of two that overlap, the narrower."""
    own, asked = listener.get("hostname") or "", route["spec"].get("hostnames") or [""]
    return [host for each in asked if (host := _narrower(own, each)) is not None]


def _narrower(one: str, other: str) -> str | None:
    for wide, narrow in ((one, other), (other, one)):
        if not wide or wide == narrow:
            return narrow
        if wide.startswith("*.") and narrow.removeprefix("*").endswith(wide[1:]):
            return narrow
    return None


def attached_routes(gateway: Object, listener: Object, found: Iterable[Attachment]) -> int:
    """How many routes a listener serves."""
    return sum(
        each.gateway == key_of(gateway) and listener["name"] in each.listeners for each in found
    )
