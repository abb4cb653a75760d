"""Which addresses does the proxy listen on, and where does each lead?

A pure reading of Services and EndpointSlices, the way kube-proxy reads them: ready endpoints only,
and if there are none, those that are on their way out but still serve.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from canarylab.kube_objects import Address as Address  # noqa: PLC0414  re-exported
from canarylab.kube_objects import Key, Object, endpoint_addresses, key_of, slices_by_service

LOOPBACK = "127.0.0.1"
AFFINITY_S = 10_800  # what Kubernetes takes when nothing is said


class Route(NamedTuple):
    """Where the connections to one address go."""

    service: Key
    endpoints: tuple[Address, ...]
    affinity_s: int | None = None
    """How long a client stays with its endpoint, or None."""


Routes = Mapping[Address, Route]


def routes(services: Iterable[Object], slices: Iterable[Object]) -> dict[Address, Route]:
    """All of them; a Service without endpoints has routes that lead nowhere."""
    by_service = slices_by_service(slices)
    return {
        address: Route(
            key_of(service), endpoints(by_service.get(key_of(service), ()), port), affinity_s
        )
        for service in services
        for affinity_s in (_affinity_s(service),)
        for port in service["spec"].get("ports", [])
        for address in _listens_on(service, port)
    }


def endpoints(slices: Iterable[Object], service_port: Object) -> tuple[Address, ...]:
    """Where a port of a Service leads; each place once, in a fixed order."""
    found = endpoint_addresses(slices, service_port)
    return tuple(sorted(found.ready or found.terminating))


def unproxied_ports(service: Object) -> list[Object]:
    """The ports of a Service that are not TCP: the playground carries nothing else."""
    ports: list[Object] = service["spec"].get("ports", [])
    return [port for port in ports if port.get("protocol", "TCP") != "TCP"]


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
