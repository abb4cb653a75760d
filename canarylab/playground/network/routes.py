"""Which addresses does the proxy listen on, and where does each lead?

A pure reading of Services and EndpointSlices, the way kube-proxy reads them: ready endpoints only,
and if there are none, those that are on their way out but still serve.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import key_of

LOOPBACK = "127.0.0.1"
SERVICE_LABEL = "kubernetes.io/service-name"
AFFINITY_S = 10_800  # what Kubernetes takes when nothing is said


class Address(NamedTuple):
    """A host and a port, of a listener or of an endpoint."""

    host: str
    port: int


class Route(NamedTuple):
    """Where the connections to one address go."""

    service: Key
    endpoints: tuple[Address, ...]
    affinity_s: int | None = None
    """How long a client stays with its endpoint, or None."""


Routes = Mapping[Address, Route]


def routes(services: Iterable[Object], slices: Iterable[Object]) -> dict[Address, Route]:
    """All of them; a Service without endpoints has routes that lead nowhere."""
    by_service = by_their_service(slices)
    return {
        address: Route(
            key_of(service), endpoints(by_service.get(key_of(service), ()), port), affinity_s
        )
        for service in services
        for affinity_s in (_affinity_s(service),)
        for port in service["spec"].get("ports", [])
        for address in _listens_on(service, port)
    }


def by_their_service(slices: Iterable[Object]) -> dict[Key, list[Object]]:
    """The slices of each Service that has any."""
    by_service: dict[Key, list[Object]] = defaultdict(list)
    for entry in slices:
        name = entry["metadata"].get("labels", {}).get(SERVICE_LABEL)
        if name:
            by_service[Key(key_of(entry).namespace, name)].append(entry)
    return by_service


def endpoints(slices: Iterable[Object], service_port: Object) -> tuple[Address, ...]:
    """Where a port of a Service leads; each place once, in a fixed order."""
    ready, leaving = _ready_and_leaving(slices, service_port)
    return tuple(sorted(ready or leaving))


def ready_endpoints(slices: Iterable[Object], service_port: Object) -> tuple[Address, ...]:
    """The same without those on their way out: who retries has no use for them."""
    ready, _ = _ready_and_leaving(slices, service_port)
    return tuple(sorted(ready))


def unproxied_ports(service: Object) -> list[Object]:
    """The ports of a Service that are not TCP: the playground carries nothing else."""
    ports: list[Object] = service["spec"].get("ports", [])
    return [port for port in ports if port.get("protocol", "TCP") != "TCP"]


def _ready_and_leaving(
    slices: Iterable[Object], service_port: Object
) -> tuple[set[Address], set[Address]]:
    ready: set[Address] = set()
    leaving: set[Address] = set()
    for entry in slices:
        numbers = [
            port["port"]
            for port in entry.get("ports") or []
            if port.get("name", "") == service_port.get("name", "")
        ]
        for endpoint in entry.get("endpoints") or []:
            found = {Address(host, port) for host in endpoint["addresses"] for port in numbers}
            conditions = endpoint.get("conditions", {})
            if conditions.get("ready", True):
                ready |= found
            elif conditions.get("serving") and conditions.get("terminating"):
                leaving |= found
    return ready, leaving


def _listens_on(service: Object, port: Object) -> Iterator[Address]:
    if port.get("protocol", "TCP") != "TCP":
        return
    cluster_ip = service["spec"].get("clusterIP")
    if cluster_ip and cluster_ip != "None":
        yield Address(cluster_ip, port["port"])
    if node_port := port.get("nodePort"):
        yield Address(LOOPBACK, node_port)


def _affinity_s(service: Object) -> int | None:
    if service["spec"].get("sessionAffinity") != "ClientIP":
        return None
    configured = service["spec"].get("sessionAffinityConfig", {}).get("clientIP", {})
    return int(configured.get("timeoutSeconds") or AFFINITY_S)
