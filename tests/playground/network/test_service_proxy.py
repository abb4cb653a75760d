"""The service proxy: what it listens on, who gets a connection, and when it syncs."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement, pairwise
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest

from canarylab.kube_objects import Address, Key
from canarylab.playground.network.service_proxy import (
    MIN_SYNC_PERIOD_S,
    SYNC_S,
    Listeners,
    ListenFailure,
    LoadBalancer,
    ServicePort,
    other_protocols,
    service_ports,
    sync_delay_s,
)
from canarylab.ports import LOOPBACK
from tests.needs import needs
from tests.playground.network.proxy_fixture import (
    SPACE,
    World,
    ask,
    endpoints,
    service,
    slice_of,
    world,
)
from tests.waiting import until

pytestmark = needs("linux")

WEB = Key(SPACE, "web")
NODE = "127.64.0.1"
AT_NODE = Address(NODE, 32089)
LISTENER = Address("127.0.0.1", 32089)
PODS = tuple(Address(f"127.64.0.{number}", 3333) for number in (2, 3, 4, 5))
STICKY = ServicePort(WEB, PODS, affinity_s=60)
ALL_CHANGES = list(combinations_with_replacement([quarter / 4 for quarter in range(13)], 4))


async def serve(here: World, *addresses: str, **spec: Any) -> None:
    """The Service on `here.port`, with these endpoints, once the proxy owns it."""
    await here.api.put(service(node_port=here.port, **spec))
    await here.api.put(slice_of(*addresses))
    await until(here.is_listening)


async def test_a_connection_to_the_node_port_reaches_the_pod() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        assert await ask(here.port) == here.pod_ip(1)


async def test_a_connection_to_the_cluster_ip_reaches_the_pod() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        cluster_ip = str(here.addresses.services[1])
        await serve(here, here.pod_ip(1), clusterIP=cluster_ip)
        assert await ask(8000, cluster_ip) == here.pod_ip(1)


async def test_connections_are_split_by_chance() -> None:
    """1,000 draws at one in four, plus or minus 3.9 standard errors: wrong once in ten thousand."""
    async with world(seed=3) as here:
        pods = [here.pod_ip(number) for number in range(4)]
        async with endpoints(*pods):
            await serve(here, *pods)
            answers = [await ask(here.port) for _ in range(1_000)]
    assert all(197 <= answers.count(pod) <= 303 for pod in pods)


async def test_without_endpoints_the_connection_is_refused() -> None:
    async with world() as here:
        await serve(here, here.pod_ip(1))
        await here.replace_endpoints()
        await until(lambda: not here.is_listening())
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", here.port)


async def test_the_proxy_listens_again_when_endpoints_come_back() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        await here.replace_endpoints()
        await until(lambda: not here.is_listening())
        await here.replace_endpoints(here.pod_ip(1))
        await until(here.is_listening)
        assert await ask(here.port) == here.pod_ip(1)


async def test_a_pod_that_does_not_answer_costs_the_connection_and_no_other_is_tried() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1), here.pod_ip(2))
        answers = {await ask(here.port) for _ in range(60)}
    assert answers == {"", here.pod_ip(1)}


async def test_a_client_with_affinity_stays_with_its_pod() -> None:
    async with world() as here:
        pods = [here.pod_ip(number) for number in range(4)]
        async with endpoints(*pods):
            await serve(here, *pods, sessionAffinity="ClientIP")
            assert len({await ask(here.port) for _ in range(30)}) == 1


async def test_a_service_that_is_deleted_no_longer_answers() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        await here.api.delete("Service", Key(SPACE, "web"))
        await until(lambda: not here.is_listening())
        assert await ask(here.port) == ""


async def test_a_connection_that_stands_outlives_its_endpoint() -> None:
    async with world() as here:

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1024):
                writer.write(data)
            writer.close()

        async with await asyncio.start_server(echo, here.pod_ip(1), 3333):
            await serve(here, here.pod_ip(1))
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            await here.replace_endpoints()
            await until(lambda: not here.is_listening())
            writer.write(b"still there?")
            assert await reader.read(100) == b"still there?"
            writer.close()
            await writer.wait_closed()


async def test_the_node_port_answers_on_the_node_and_on_127_0_0_1() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        assert await ask(here.port, here.addresses.node) == here.pod_ip(1)
        assert await ask(here.port, LOOPBACK) == here.pod_ip(1)


async def test_where_127_0_0_1_is_taken_the_node_answers_and_an_event_names_it() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        with socket.create_server((LOOPBACK, here.port)):
            await here.api.put(service(node_port=here.port))
            await here.api.put(slice_of(here.pod_ip(1)))
            await until(here.said)
            assert await here.said() == [
                f"127.0.0.1:{here.port} belongs to another program. "
                f"This Service answers at {here.addresses.node}:{here.port}."
            ]
            assert await ask(here.port, here.addresses.node) == here.pod_ip(1)
        await until(here.is_listening)
        assert await ask(here.port, LOOPBACK) == here.pod_ip(1)


async def test_a_program_on_all_addresses_is_reported_once_and_replaced_when_it_ends() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        with socket.create_server(("0.0.0.0", here.port)):
            await here.api.put(service(node_port=here.port))
            await here.api.put(slice_of(here.pod_ip(1)))
            await until(here.said)
            assert await here.said() == [
                f"Port {here.port} on {here.addresses.node} is in use by another program, so "
                "Service lab/web does not answer there. End that program, or choose another port "
                "for the Service."
            ]
        await until(here.is_listening)
        assert await ask(here.port, here.addresses.node) == here.pod_ip(1)


async def test_two_clusters_have_the_same_node_port_and_never_meet() -> None:
    async with (
        world() as one,
        world() as other,
        endpoints(one.pod_ip(1), other.pod_ip(1)),
    ):
        for here in (one, other):
            await here.api.put(service(node_port=one.port))
            await here.api.put(slice_of(here.pod_ip(1)))
            node = here.addresses.node
            await until(partial(here.proxy.is_listening, node, one.port))
            answers = {await ask(one.port, node) for _ in range(20)}
            assert answers == {here.pod_ip(1)}


async def test_a_udp_port_is_reported() -> None:
    async with world() as here:
        await here.api.put(service(ports=[{"port": 53, "protocol": "UDP", "nodePort": 32053}]))
        await until(here.said)
        assert await here.said() == [
            "Port 53 of Service web is UDP, and the playground carries TCP only. "
            "Use a cluster on kind for it."
        ]


async def test_external_addresses_are_reported() -> None:
    async with world() as here:
        await here.api.put(service(externalIPs=["203.0.113.7", "203.0.113.8"]))
        await until(here.said)
        assert await here.said() == [
            "Service web has external IPs (203.0.113.7, 203.0.113.8), and the playground answers "
            "at none of them. Use `type: NodePort` or an Ingress, or a cluster on kind."
        ]


async def test_the_proxy_leaves_nothing_open() -> None:
    before = open_files()
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        await asyncio.gather(*(ask(here.port) for _ in range(100)))
    await until(lambda: open_files() <= before)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_node_port_service_listens_on_its_cluster_ip_on_the_node_and_on_127_0_0_1() -> None:
    found = service_ports([service(node_port=32089, clusterIP="127.64.8.1")], [], NODE)
    assert set(found) == {
        Address("127.64.8.1", 8000),
        Address(NODE, 32089),
        Address(LOOPBACK, 32089),
    }


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"clusterIP": ""}, {"ports": []}])
def test_a_service_without_address_or_port_listens_nowhere(spec: dict[str, Any]) -> None:
    assert service_ports([service(**spec)], [], NODE) == {}


def test_connections_go_to_the_target_port_of_every_endpoint() -> None:
    port = service_ports([service(node_port=32089)], [slice_of("127.64.0.3", "127.64.0.2")], NODE)[
        AT_NODE
    ]
    assert port == (WEB, (Address("127.64.0.2", 3333), Address("127.64.0.3", 3333)), None)


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("serving", [True, False])
@pytest.mark.parametrize("terminating", [True, False])
def test_only_ready_endpoints_count_while_there_is_one(
    ready: bool,
    serving: bool,
    terminating: bool,
) -> None:
    other = slice_of("127.64.0.3", ready=ready, serving=serving, terminating=terminating)
    port = service_ports([service(node_port=32089)], [slice_of("127.64.0.2"), other], NODE)[AT_NODE]
    expected = ["127.64.0.2", "127.64.0.3"] if ready else ["127.64.0.2"]
    assert [endpoint.host for endpoint in port.endpoints] == expected


@pytest.mark.parametrize(
    ("serving", "terminating", "is_used"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_without_a_ready_one_those_that_leave_but_still_serve_are_used(
    serving: bool,
    terminating: bool,
    is_used: bool,
) -> None:
    leaving = slice_of("127.64.0.3", ready=False, serving=serving, terminating=terminating)
    port = service_ports([service(node_port=32089)], [leaving], NODE)[AT_NODE]
    assert bool(port.endpoints) is is_used


def test_the_endpoints_of_another_service_are_not_used() -> None:
    foreign = slice_of("127.64.0.2")
    foreign["metadata"]["labels"] = {"kubernetes.io/service-name": "other"}
    port = service_ports([service(node_port=32089)], [foreign], NODE)[AT_NODE]
    assert port.endpoints == ()


def test_a_port_is_found_by_its_name() -> None:
    named = slice_of("127.64.0.2")
    named["ports"] = [{"name": "http", "port": 3333}, {"name": "admin", "port": 9000}]
    ports = [{"name": "admin", "port": 80, "nodePort": 32089}]
    port = service_ports([service(ports=ports)], [named], NODE)[AT_NODE]
    assert port.endpoints == (Address("127.64.0.2", 9000),)


def test_an_empty_slice_as_the_server_writes_it_has_no_endpoints() -> None:
    empty = {**slice_of(), "endpoints": None, "ports": None}
    port = service_ports([service(node_port=32089)], [empty], NODE)[AT_NODE]
    assert port.endpoints == ()


def test_affinity_lasts_three_hours_unless_the_service_says_otherwise() -> None:
    sticky = service(node_port=32089, sessionAffinity="ClientIP")
    port = service_ports([sticky], [], NODE)[AT_NODE]
    assert port.affinity_s == 10_800


def test_affinity_lasts_as_long_as_the_service_says() -> None:
    config = {"clientIP": {"timeoutSeconds": 60}}
    sticky = service(node_port=32089, sessionAffinity="ClientIP", sessionAffinityConfig=config)
    port = service_ports([sticky], [], NODE)[AT_NODE]
    assert port.affinity_s == 60


def test_a_health_check_port_is_not_served() -> None:
    local: dict[str, Any] = {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "healthCheckNodePort": 30081,
    }
    found = service_ports([service(node_port=32089, **local)], [], NODE)
    assert {address.port for address in found} == {32089}


def test_a_udp_port_is_not_proxied() -> None:
    udp = service(ports=[{"port": 53, "nodePort": 32053, "protocol": "UDP"}])
    assert service_ports([udp], [], NODE) == {}
    assert [each["port"] for each in other_protocols(udp)] == [53]


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def load_balancer(clock: Clock | None = None) -> LoadBalancer:
    return LoadBalancer(Random(7), clock or Clock())


def test_nothing_is_chosen_where_there_is_no_endpoint() -> None:
    assert load_balancer().choose(LISTENER, ServicePort(WEB, ()), "127.0.0.1") is None


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_endpoint_gets_its_share(count: int) -> None:
    """4,000 draws, and 3.9 standard errors: wrong for one seed in ten thousand, and not for 7."""
    draws, balancer, port = 4_000, load_balancer(), ServicePort(WEB, PODS[:count])
    drawn = Counter(balancer.choose(LISTENER, port, "127.0.0.1") for _ in range(draws))
    share = 1 / count
    reach = 3.9 * (share * (1 - share) / draws) ** 0.5
    assert all(abs(drawn[pod] / draws - share) <= reach for pod in PODS[:count])


def test_a_client_with_affinity_stays() -> None:
    balancer = load_balancer()
    assert len({balancer.choose(LISTENER, STICKY, "10.0.0.1") for _ in range(50)}) == 1


def test_clients_with_affinity_are_spread() -> None:
    balancer = load_balancer()
    assert {balancer.choose(LISTENER, STICKY, f"10.0.0.{n}") for n in range(50)} == set(PODS)


def test_every_connection_renews_the_affinity() -> None:
    clock = Clock()
    balancer = load_balancer(clock)
    chosen = set()
    for clock.now in range(0, 3_000, 60):
        chosen.add(balancer.choose(LISTENER, STICKY, "10.0.0.1"))
    assert len(chosen) == 1


def test_a_client_that_was_away_too_long_is_chosen_anew() -> None:
    clock = Clock()
    balancer = load_balancer(clock)
    chosen = set()
    for clock.now in range(0, 3_000, 61):
        chosen.add(balancer.choose(LISTENER, STICKY, "10.0.0.1"))
    assert len(chosen) > 1


def test_a_client_whose_endpoint_is_gone_gets_another() -> None:
    balancer = load_balancer()
    first = balancer.choose(LISTENER, STICKY, "10.0.0.1")
    rest = tuple(pod for pod in PODS if pod != first)
    assert balancer.choose(LISTENER, STICKY._replace(endpoints=rest), "10.0.0.1") in rest


def test_clients_that_will_not_come_back_are_forgotten() -> None:
    clock = Clock()
    balancer = load_balancer(clock)
    for number in range(20_000):
        clock.now = number
        balancer.choose(LISTENER, STICKY, f"client {number}")
    assert len(balancer._clients) <= 4_097


def syncs(changes: tuple[float, ...]) -> list[tuple[float, float]]:
    """For each sync, when it happened and the first change it was for."""
    last: float | None = None
    done = []
    waiting = list(changes)
    while waiting:
        first = waiting[0]
        now = max(first, last or first)
        now += sync_delay_s(last, now)
        waiting = [change for change in waiting if change > now]
        last = now
        done.append((now, first))
    return done


def test_the_first_of_any_four_changes_waits_for_the_time_of_one_sync() -> None:
    for changes in ALL_CHANGES:
        assert syncs(changes)[0] == (changes[0] + SYNC_S, changes[0])


def test_no_change_waits_for_more_than_a_second() -> None:
    for changes in ALL_CHANGES:
        assert all(now - first <= MIN_SYNC_PERIOD_S for now, first in syncs(changes))


def test_no_two_syncs_are_closer_than_a_second() -> None:
    for changes in ALL_CHANGES:
        times = [now for now, _ in syncs(changes)]
        assert all(later - now >= MIN_SYNC_PERIOD_S for now, later in pairwise(times))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errno.EADDRINUSE, "Port 80 on 127.64.8.1 is in use by another program"),
        (errno.EACCES, "This user may not listen on port 80"),
        (errno.EADDRNOTAVAIL, "cannot listen on 127.64.8.1:80 (EADDRNOTAVAIL)"),
    ],
)
def test_a_failure_names_the_port_and_the_service_in_two_sentences(error: int, words: str) -> None:
    message = ListenFailure(WEB, Address("127.64.8.1", 80), error).words
    assert words in message
    assert "lab/web" in message
    assert message.count(". ") == 1


async def test_an_address_of_another_machine_is_a_failure_and_the_others_are_listened_on() -> None:
    listeners = Listeners(LoadBalancer(Random(1), monotonic))
    pods = (Address("127.64.0.2", 3333),)
    foreign, own = Address("192.0.2.1", 8000), Address("127.95.240.9", 8000)
    failures = listeners.sync({foreign: ServicePort(WEB, pods), own: ServicePort(WEB, pods)})
    listeners.close()
    assert [failure.address for failure in failures] == [foreign]
