"""Which pods stand behind a Service, and at which ports?

EndpointSlices and Endpoints say the same in two forms; what they say is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from canarylab.playground.kube.api import Api, Key, Object, WatchEvent
from canarylab.playground.kube.objects import is_ready, is_terminating, key_of
from canarylab.playground.kube.selectors import by_map

CHANGED_AT = "endpoints.kubernetes.io/last-change-trigger-time"
HEADLESS = "service.kubernetes.io/headless"


class Port(NamedTuple):
    """A port of a pod, under the name that the Service gives it."""

    name: str
    number: int
    protocol: str
    app_protocol: str = ""


class Backend(NamedTuple):
    """A pod that has an address, with the ports of the Service that it has."""

    pod: Object
    ports: tuple[Port, ...]

    @property
    def address(self) -> str:
        """Where it listens."""
        return str(self.pod["status"]["podIP"])

    @property
    def is_serving(self) -> bool:
        """Does it answer, even if it is on its way out?"""
        return is_ready(self.pod)

    @property
    def is_leaving(self) -> bool:
        """Is it on its way out?"""
        return is_terminating(self.pod)

    @property
    def node(self) -> str:
        """Where it runs."""
        return str(self.pod["spec"].get("nodeName", ""))

    def hostname(self, service: Object) -> str:
        """Its own name below the Service's, if it was given one."""
        spec = self.pod["spec"]
        is_below = spec.get("subdomain") == service["metadata"]["name"]
        return str(spec.get("hostname", "")) if is_below else ""

    @property
    def target(self) -> Object:
        """The pod, as endpoints refer to it."""
        meta = self.pod["metadata"]
        names = {name: meta[name] for name in ("name", "namespace", "uid")}
        return {"kind": "Pod", **names}


def has_selector(service: Object) -> bool:
    """Are its endpoints ours to find? Without a selector they are its author's business."""
    spec = service["spec"]
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def backends(service: Object, pods: Iterable[Object]) -> list[Backend]:
    """The pods it selects that have an address and are not over, in the order of addresses."""
    selects = by_map(service["spec"]["selector"])
    chosen = [pod for pod in pods if selects(pod) and _is_reachable(pod)]
    found = [Backend(pod, _ports(service, pod)) for pod in chosen]
    return sorted(found, key=lambda backend: _numeric(backend.address))


def by_ports(found: Iterable[Backend]) -> dict[tuple[Port, ...], list[Backend]]:
    """Pods with the same ports together. Only a port given by name can differ between pods."""
    groups: dict[tuple[Port, ...], list[Backend]] = {}
    for backend in found:
        groups.setdefault(backend.ports, []).append(backend)
    return groups


def labels_from(service: Object, **own: str) -> dict[str, str]:
    """The Service's labels go on to its endpoints."""
    is_headless = service["spec"].get("clusterIP") == "None"
    theirs = service["metadata"].get("labels") or {}
    return {**theirs, **({HEADLESS: ""} if is_headless else {}), **own}


def publishes_all(service: Object) -> bool:
    """Does it want traffic for pods that are not ready, too?"""
    return bool(service["spec"].get("publishNotReadyAddresses"))


async def services_nearby(api: Api, event: WatchEvent) -> list[Key]:
    """All Services of a pod's namespace: any may have selected it before this change, or now."""
    services = await api.list("Service", event.object["metadata"]["namespace"])
    return [key_of(service) for service in services if has_selector(service)]


def _ports(service: Object, pod: Object) -> tuple[Port, ...]:
    """The Service's ports, as far as this pod has them: a name must be that of a port of its."""
    found = [
        (port, _number(port.get("targetPort", port["port"]), pod, port.get("protocol", "TCP")))
        for port in service["spec"].get("ports") or []
    ]
    return tuple(
        Port(port.get("name", ""), number, port.get("protocol", "TCP"), port.get("appProtocol", ""))
        for port, number in found
        if number is not None
    )


def _number(target: int | str, pod: Object, protocol: str) -> int | None:
    if isinstance(target, int):
        return target
    named = [
        int(port["containerPort"])
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or []
        if (port.get("name"), port.get("protocol", "TCP")) == (target, protocol)
    ]
    return named[0] if named else None


def _is_reachable(pod: Object) -> bool:
    status = pod.get("status", {})
    return bool(status.get("podIP")) and status.get("phase") not in ("Succeeded", "Failed")


def _numeric(address: str) -> list[int]:
    return [int(part) for part in address.split(".")]
