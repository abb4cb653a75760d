"""Do Services and EndpointSlices become the right routes?"""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.kube.api import Key
from canarylab.playground.network.routes import Address, routes, unproxied_ports
from tests.playground.network.proxy_world import SPACE, service, slice_of

WEB = Key(SPACE, "web")


def test_a_node_port_service_listens_on_its_cluster_ip_and_on_the_node() -> None:
    found = routes([service(node_port=32089, clusterIP="127.64.8.1")], [])
    assert set(found) == {Address("127.64.8.1", 8000), Address("127.0.0.1", 32089)}


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"clusterIP": ""}, {"ports": []}])
def test_a_service_without_address_or_port_listens_nowhere(spec: dict[str, Any]) -> None:
    assert routes([service(**spec)], []) == {}


def test_a_route_leads_to_the_target_port_of_every_endpoint() -> None:
    (route,) = routes([service(node_port=32089)], [slice_of("127.64.0.3", "127.64.0.2")]).values()
    assert route == (WEB, (Address("127.64.0.2", 3333), Address("127.64.0.3", 3333)), None)


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("serving", [True, False])
@pytest.mark.parametrize("terminating", [True, False])
def test_only_ready_endpoints_count_while_there_is_one(
    ready: bool,
    serving: bool,
    terminating: bool,
) -> None:
    other = slice_of("127.64.0.3", ready=ready, serving=serving, terminating=terminating)
    (route,) = routes([service(node_port=32089)], [slice_of("127.64.0.2"), other]).values()
    expected = ["127.64.0.2", "127.64.0.3"] if ready else ["127.64.0.2"]
    assert [endpoint.host for endpoint in route.endpoints] == expected


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
    (route,) = routes([service(node_port=32089)], [leaving]).values()
    assert bool(route.endpoints) is is_used


def test_the_endpoints_of_another_service_are_not_used() -> None:
    foreign = slice_of("127.64.0.2")
    foreign["metadata"]["labels"] = {"kubernetes.io/service-name": "other"}
    (route,) = routes([service(node_port=32089)], [foreign]).values()
    assert route.endpoints == ()


def test_a_port_is_found_by_its_name() -> None:
    named = slice_of("127.64.0.2")
    named["ports"] = [{"name": "http", "port": 3333}, {"name": "admin", "port": 9000}]
    ports = [{"name": "admin", "port": 80, "nodePort": 32089}]
    (route,) = routes([service(ports=ports)], [named]).values()
    assert route.endpoints == (Address("127.64.0.2", 9000),)


def test_an_empty_slice_as_the_server_writes_it_has_no_endpoints() -> None:
    empty = {**slice_of(), "endpoints": None, "ports": None}
    (route,) = routes([service(node_port=32089)], [empty]).values()
    assert route.endpoints == ()


def test_affinity_lasts_three_hours_unless_the_service_says_otherwise() -> None:
    sticky = service(node_port=32089, sessionAffinity="ClientIP")
    (route,) = routes([sticky], []).values()
    assert route.affinity_s == 10_800


def test_affinity_lasts_as_long_as_the_service_says() -> None:
    config = {"clientIP": {"timeoutSeconds": 60}}
    sticky = service(node_port=1, sessionAffinity="ClientIP", sessionAffinityConfig=config)
    (route,) = routes([sticky], []).values()
    assert route.affinity_s == 60


def test_a_udp_port_is_not_proxied() -> None:
    udp = service(ports=[{"port": 53, "nodePort": 32053, "protocol": "UDP"}])
    assert routes([udp], []) == {}
    assert [port["port"] for port in unproxied_ports(udp)] == [53]
