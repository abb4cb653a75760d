"""How does this machine reach a Service?

Where the cluster is this machine's own there is one way. On somebody else's, an address that looks
right may be behind a firewall, or belong to another program: it is believed only when a ready pod
of the Service has answered there. Where none does, the API server hands requests on
(`relay.py`); that works wherever kubectl works, but chooses a pod for each request and not for each
connection, so whoever measures there has to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, NamedTuple

from canarylab import traffic
from canarylab.clusters.base import Address
from canarylab.errors import TrafficError
from canarylab.release import ingresses
from canarylab.release.connection import Connection, Object, refusals
from canarylab.release.endpoints import Endpoint, read_endpoints
from canarylab.release.relay import Relay

ANSWERS_WITHIN_S = 1.5
TRIED_FOR_S = 3.0  # kube-proxy hears of a new Service or endpoint within a second or so
MOST_HOSTS = 4  # each costs ANSWERS_WITHIN_S where a firewall swallows packets

Addresses = Callable[[Mapping[str, Any], Collection[str]], list[Address]]


class Reached(NamedTuple):
    """Where a Service answers, and what chooses the pod there."""

    url: str
    way: str
    """ "node port 32089", "the API server's proxy"."""
    chosen_for: Literal["connection", "request"] = "connection"


class Reach:
    """The ways to the Services of one namespace; relays are kept until `close`."""

    def __init__(self, connection: Connection, addresses: Addresses) -> None:
        self._connection, self._addresses = connection, addresses
        self._relays: dict[tuple[str, int], Relay] = {}
        self._proved: dict[tuple[str, frozenset[Address]], Address | None] = {}

    def find(self, name: str) -> Reached:
        """The best way to a Service; raise RefusedError when there is no such Service."""
        service = self._read(name)
        ready = [each for each in read_endpoints(self._connection, name) if each.ready]
        offered = self._addresses(service, self._hosts(ready))
        if offered and not offered[0].is_guess:
            return _at(offered[0])
        offered += ingresses.addresses(ingresses.read_ingresses(self._connection), name)
        proved = self._prove(service, offered, {each.pod for each in ready})
        return _at(proved) if proved else self._relayed(service)

    def close(self) -> None:
        """End the relays."""
        for relay in self._relays.values():
            relay.close()
        self._relays.clear()

    def _prove(
        self, service: Object, offered: Collection[Address], pods: Collection[str]
    ) -> Address | None:
        """The first address where a pod has answered; remembered, so that it is tried only once."""
        key = (str(service["metadata"].get("uid")), frozenset(offered))
        if key not in self._proved and pods:
            self._proved[key] = _first_that_answers(offered, pods)
        return self._proved.get(key)

    def _relayed(self, service: Object) -> Reached:
        name, port = service["metadata"]["name"], service["spec"]["ports"][0]["port"]
        relay = self._relays.get((name, port))
        if relay is None:
            relay = self._relays[name, port] = Relay(self._connection, name, port)
        return Reached(relay.url, "the API server's proxy", "request")

    def _read(self, name: str) -> Object:
        with refusals(f'Service "{name}"', remedy="`kubectl get services` lists them."):
            found = self._connection.core.read_namespaced_service(name, self._connection.namespace)
        service: Object = self._connection.plain(found)
        return service

    def _hosts(self, ready: list[Endpoint]) -> list[str]:
        """The nodes that run the ready pods: a guest may not list nodes."""
        names = {each.pod for each in ready}
        with refusals("the pods", remedy="Look with `kubectl get pods`."):
            pods = self._connection.core.list_namespaced_pod(self._connection.namespace).items
        hosts = {pod.status.host_ip for pod in pods if pod.metadata.name in names}
        return sorted(hosts - {None})[:MOST_HOSTS]


def _at(address: Address) -> Reached:
    return Reached(address.url, address.way, address.chosen_for)


def _first_that_answers(offered: Collection[Address], pods: Collection[str]) -> Address | None:
    deadline = time.monotonic() + TRIED_FOR_S
    while offered and time.monotonic() < deadline:
        for address in offered:
            if _answers(address, pods):
                return address
    return None


def _answers(address: Address, pods: Collection[str]) -> bool:
    """Has one of the pods answered there?"""
    try:
        plan = traffic.SamplingPlan(count=1, timeout_s=ANSWERS_WITHIN_S)
        return not traffic.measure(address.url, plan).by_pod.keys().isdisjoint(pods)
    except TrafficError:
        return False
