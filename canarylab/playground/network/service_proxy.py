"""The service proxy: connections to cluster IPs and node ports go to a ready endpoint.

As in kube-proxy, an endpoint is chosen at random for each connection, among the ready ones, or, if
none is ready, among those that are terminating but still serve. A change is applied after a tenth
of a second, about what kube-proxy needs to load its rules (`SYNC_S`), then at most once a second
(`MIN_SYNC_PERIOD_S`). In this time a pod that has stopped can still get connections; a lesson is
about that.

Node ports listen on the node's own address, and on 127.0.0.1 as well if that port is free. An
address without endpoints is not listened on, so that the system refuses connections to it.
`tcp_relay.py` copies the bytes.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from random import Random
from time import monotonic
from typing import NamedTuple

from canarylab.errors import ApiError
from canarylab.kube_objects import (
    DEFAULT_AFFINITY_S,
    Address,
    Key,
    Object,
    endpoint_addresses,
    key_of,
    slices_by_service,
)
from canarylab.playground.connections import Acceptor, OpenConnections, most_connections
from canarylab.playground.kube.api import Api
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.kube.retries import notify_of_changes
from canarylab.playground.network.tcp_relay import TcpRelay, connect, reset
from canarylab.ports import LOOPBACK

EVENT_SOURCE = "kube-proxy"
SYNC_S, MIN_SYNC_PERIOD_S = 0.1, 1.0
RETRY_S = 2.0

MOST_CONNECTIONS = 4_096
_MAX_AFFINITY_ENTRIES = 4096  # clients; above it, expired entries are removed


logger = logging.getLogger(__name__)


class ServicePort(NamedTuple):
    """A port of a Service, with the endpoints that connections to it go to."""

    service: Key
    endpoints: tuple[Address, ...]
    affinity_s: int | None = None
    """How long a client stays with its endpoint; None is without affinity."""


class ServiceProxy:
    """Listens for every Service while `run` runs; `node` is the address of the node."""

    def __init__(
        self,
        api: Api,
        node: str,
        *,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api, self._node, self._sleep = api, node, sleep
        self._listeners = Listeners(LoadBalancer(random or Random(), monotonic))
        self._changed = asyncio.Event()
        self._reported: set[tuple[Key, EventDetails]] = set()

    def is_listening(self, host: str, port: int) -> bool:
        """Whether this proxy listens on the address now."""
        return self._listeners.is_open(Address(host, port))

    async def run(self) -> None:
        """Serve until cancelled, then close everything."""
        try:
            async with asyncio.TaskGroup() as tasks:
                kinds = ("Service", "EndpointSlice")
                tasks.create_task(notify_of_changes(self._api, kinds, self._changed))
                tasks.create_task(self._sync_on_changes())
        finally:
            self._listeners.close()

    async def _sync_on_changes(self) -> None:
        last: float | None = None
        while True:
            await self._changed.wait()
            await self._sleep(sync_delay_s(last, monotonic()))
            self._changed.clear()
            last = monotonic()
            try:
                await self._sync()
            except Exception:  # one object must not end the daemon
                logger.exception("The Services could not be read; next try in %s s.", RETRY_S)
                self._changed.set()
                await self._sleep(RETRY_S)

    async def _sync(self) -> None:
        services = await self._api.list("Service")
        slices = await self._api.list("EndpointSlice")
        failures = self._listeners.sync(service_ports(services, slices, self._node))
        if any(failure.error == errno.EADDRINUSE for failure in failures):
            asyncio.get_running_loop().call_later(RETRY_S, self._changed.set)
        await self._report(services, failures)

    async def _report(self, services: list[Object], failures: list[ListenFailure]) -> None:
        """Record an event for each new problem, and again if it recurs."""
        by_key = {key_of(service): service for service in services}
        found = {
            (failure.service, failure.details(self._node))
            for failure in failures_to_report(failures)
        }
        for key, service in by_key.items():
            found |= {(key, details) for details in _not_served(service)}
        for key, details in sorted(found - self._reported, key=str):
            try:
                await record_event(self._api, by_key[key], details)
            except ApiError:
                continue  # its namespace is being deleted, and the Service with it
        self._reported = found


def sync_delay_s(last: float | None, now: float) -> float:
    """How long a change has to wait now; `last` is the time at which the last sync began.

    >>> sync_delay_s(None, 5.0), sync_delay_s(5.0, 5.25), sync_delay_s(5.0, 9.0)
    (0.1, 0.75, 0.1)
    """
    return SYNC_S if last is None else max(SYNC_S, last + MIN_SYNC_PERIOD_S - now)


def service_ports(
    services: Iterable[Object], slices: Iterable[Object], node: str
) -> dict[Address, ServicePort]:
    """Every address to listen on; `endpoints` may be empty."""
    by_service = slices_by_service(slices)
    return {
        address: ServicePort(
            key_of(service), _endpoints(by_service.get(key_of(service), ()), port), affinity_s
        )
        for service in services
        for affinity_s in (_affinity_s(service),)
        for port in service["spec"].get("ports", [])
        for address in _listening_addresses(service, port, node)
    }


def other_protocols(service: Object) -> list[Object]:
    """The ports of a Service that are not TCP: the playground supports nothing else."""
    ports: list[Object] = service["spec"].get("ports", [])
    return [port for port in ports if port.get("protocol", "TCP") != "TCP"]


class ListenFailure(NamedTuple):
    """An address of a Service that cannot be listened on."""

    service: Key
    address: Address
    error: int
    """An errno."""

    def details(self, node: str) -> EventDetails:
        """The event for it; if only 127.0.0.1 is taken, it names the address that is served."""
        if self.is_taken_loopback:
            port = self.address.port
            words = (
                f"{LOOPBACK}:{port} belongs to another program. "
                f"This Service answers at {node}:{port}."
            )
            return EventDetails("ListensOnNodeAddress", words, EVENT_SOURCE)
        return EventDetails("FailedToListen", self.words, EVENT_SOURCE, "Warning")

    @property
    def is_taken_loopback(self) -> bool:
        """Whether it is a node port on 127.0.0.1 that another program has."""
        return self.error == errno.EADDRINUSE and self.address.host == LOOPBACK

    @property
    def words(self) -> str:
        """What happened and what to try."""
        host, port = self.address
        name = f"{self.service.namespace}/{self.service.name}"
        if self.error == errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is in use by another program, so Service {name} does not "
                "answer there. End that program, or choose another port for the Service."
            )
        if self.error in (errno.EACCES, errno.EPERM):
            return (
                f"This user may not listen on port {port}, so Service {name} does not answer at "
                f"its cluster IP {host}. Use its NodePort, or a Service port from 1024 up."
            )
        return (
            f"Service {name} cannot listen on {host}:{port} ({errno.errorcode.get(self.error)}). "
            "Choose another port for the Service."
        )


def failures_to_report(failures: Iterable[ListenFailure]) -> list[ListenFailure]:
    """The failures to report: 127.0.0.1 matters only if the node's address is served.

    A program on 0.0.0.0 has the port on both.
    """
    found = list(failures)
    elsewhere = {
        (failure.service, failure.address.port)
        for failure in found
        if failure.address.host != LOOPBACK
    }
    return [
        failure
        for failure in found
        if not failure.is_taken_loopback or (failure.service, failure.address.port) not in elsewhere
    ]


class Listeners:
    """A listening socket for each address with endpoints, and the connections they accepted."""

    def __init__(self, load_balancer: LoadBalancer) -> None:
        self._load_balancer = load_balancer
        self._ports: Mapping[Address, ServicePort] = {}
        self._open: dict[Address, Listener] = {}
        self._relays = OpenConnections(most=most_connections(MOST_CONNECTIONS))

    def sync(self, ports: Mapping[Address, ServicePort]) -> list[ListenFailure]:
        """Listen on the addresses with endpoints; established connections are not affected."""
        self._ports = ports
        wanted = {address for address, port in ports.items() if port.endpoints}
        for address in self._open.keys() - wanted:
            self._open.pop(address).close()
        attempts = [self._listen(address) for address in sorted(wanted - self._open.keys())]
        return [failure for failure in attempts if failure is not None]

    def is_open(self, address: Address) -> bool:
        """Whether there is a listening socket for it."""
        return address in self._open

    def close(self) -> None:
        """Stop listening, and abort every connection."""
        for listener in self._open.values():
            listener.close()
        self._open.clear()
        self._relays.close()

    def _listen(self, address: Address) -> ListenFailure | None:
        def choose(client: str) -> Address | None:
            port = self._ports.get(address)
            return None if port is None else self._load_balancer.choose(address, port, client)

        try:
            self._open[address] = Listener(address, choose, self._relays)
        except OSError as exc:
            return ListenFailure(self._ports[address].service, address, exc.errno or errno.EINVAL)
        return None


class Listener:
    """One listening socket; raises OSError if it cannot listen on the address.

    `choose` maps a client's host to an endpoint, or to None if there is none.
    """

    def __init__(
        self,
        address: Address,
        choose: Callable[[str], Address | None],
        relays: OpenConnections,
    ) -> None:
        self._choose, self._relays = choose, relays
        listening = socket.socket()
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited
            listening.bind(address)
            self._acceptor = Acceptor(listening, self._relay)
        except OSError:
            listening.close()
            raise

    def close(self) -> None:
        """Accept no more; established connections stay."""
        self._acceptor.close()

    def _relay(self, client: socket.socket, host: str) -> None:
        endpoint = self._choose(host)
        if endpoint is None:
            reset(client)
            return
        try:
            outgoing = connect(endpoint)
        except OSError:
            reset(client)
            return
        TcpRelay(client, outgoing, self._relays).start()


class LoadBalancer:
    """Chooses endpoints at random, or by client for a Service with ClientIP affinity."""

    def __init__(self, random: Random, clock: Callable[[], float]) -> None:
        self._random, self._clock = random, clock
        self._clients: dict[tuple[str, str, str, int], _Affinity] = {}

    def choose(self, listener: Address, port: ServicePort, client: str) -> Address | None:
        """An endpoint for a connection from `client`; None if there is none."""
        if not port.endpoints:
            return None
        if port.affinity_s is None:
            return self._random.choice(port.endpoints)
        key = (client, *port.service, listener.port)
        known = self._clients.get(key)
        if known is None or known.endpoint not in port.endpoints or self._is_expired(known):
            endpoint = self._random.choice(port.endpoints)
        else:
            endpoint = known.endpoint
        self._clients[key] = _Affinity(endpoint, self._clock(), port.affinity_s)
        if len(self._clients) > _MAX_AFFINITY_ENTRIES:
            self._clients = {
                key: known for key, known in self._clients.items() if not self._is_expired(known)
            }
        return endpoint

    def _is_expired(self, known: _Affinity) -> bool:
        return self._clock() - known.last_used > known.timeout_s


class _Affinity(NamedTuple):
    endpoint: Address
    last_used: float
    timeout_s: int


def _endpoints(slices: Iterable[Object], service_port: Object) -> tuple[Address, ...]:
    found = endpoint_addresses(slices, service_port)
    return tuple(sorted(found.ready or found.terminating))


def _listening_addresses(service: Object, port: Object, node: str) -> Iterator[Address]:
    if port.get("protocol", "TCP") != "TCP":
        return
    cluster_ip = service["spec"].get("clusterIP")
    if cluster_ip and cluster_ip != "None":
        yield Address(cluster_ip, port["port"])
    if node_port := port.get("nodePort"):
        yield Address(node, node_port)
        yield Address(LOOPBACK, node_port)


def _affinity_s(service: Object) -> int | None:
    if service["spec"].get("sessionAffinity") != "ClientIP":
        return None
    configured = service["spec"].get("sessionAffinityConfig", {}).get("clientIP", {})
    return int(configured.get("timeoutSeconds") or DEFAULT_AFFINITY_S)


def _not_served(service: Object) -> Iterator[EventDetails]:
    """Events for what a Service has and the playground does not serve."""
    name = service["metadata"]["name"]
    problems = [
        f"Port {port['port']} of Service {name} is {port['protocol']}, and the playground carries "
        "TCP only. Use a cluster on kind for it."
        for port in other_protocols(service)
    ]
    if addresses := service["spec"].get("externalIPs"):
        problems.append(
            f"Service {name} has external IPs ({', '.join(addresses)}), and the playground answers "
            "at none of them. Use `type: NodePort` or an Ingress, or a cluster on kind."
        )
    for words in problems:
        yield EventDetails("FailedToListen", words, EVENT_SOURCE, "Warning")
