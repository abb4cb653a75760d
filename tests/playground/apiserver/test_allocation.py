"""Allocation of cluster IPs and node ports."""

from __future__ import annotations

import random
from ipaddress import IPv4Address
from typing import Any

import pytest

from canarylab.errors import InvalidError, StatusError
from canarylab.kube_objects import Object
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.apiserver.allocation import (
    ServiceAllocator,
    keep_addresses,
    release_addresses,
)
from canarylab.ports import NODE_PORTS

SERVICES = LoopbackRange(17).services
ALLOCATOR = ServiceAllocator(SERVICES, random.Random(7))


def service(name: str = "web", *, ports: list[Object] | None = None, **spec: Any) -> Object:
    listed = [{"port": 80}] if ports is None else ports
    meta = {"name": name, "namespace": "lab"}
    return {"kind": "Service", "metadata": meta, "spec": {"ports": listed, **spec}}


def node_port(name: str = "web", *numbers: int | None) -> Object:
    ports = [
        {"name": f"p{index}", "port": 80 + index} | ({"nodePort": number} if number else {})
        for index, number in enumerate(numbers)
    ]
    return service(name, ports=ports, type="NodePort")


def numbers(obj: Object) -> list[int]:
    return [port.get("nodePort") for port in obj["spec"]["ports"]]


def test_a_service_gets_an_address_of_the_range() -> None:
    spec = ALLOCATOR.allocate(service(), [])["spec"]
    assert IPv4Address(spec["clusterIP"]) in SERVICES
    assert spec["clusterIPs"] == [spec["clusterIP"]]


def test_no_two_services_share_an_address() -> None:
    services: list[Object] = []
    for number in range(200):
        services.append(ALLOCATOR.allocate(service(f"web-{number}"), services))
    assert len({other["spec"]["clusterIP"] for other in services}) == 200


def test_a_headless_service_stays_headless() -> None:
    assert ALLOCATOR.allocate(service(clusterIP="None"), [])["spec"]["clusterIPs"] == ["None"]


def test_an_external_name_has_no_address() -> None:
    elsewhere = service(type="ExternalName", externalName="example.com")
    assert "clusterIP" not in ALLOCATOR.allocate(elsewhere, [])["spec"]


def test_an_address_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidError, match="is not in the valid range"):
        ALLOCATOR.allocate(service(clusterIP="10.96.0.1"), [])


def test_a_taken_address_is_refused() -> None:
    first = ALLOCATOR.allocate(service("first"), [])
    with pytest.raises(InvalidError, match="provided IP is already allocated"):
        ALLOCATOR.allocate(service(clusterIP=first["spec"]["clusterIP"]), [first])


def test_node_ports_are_chosen_from_their_range() -> None:
    first, second = numbers(ALLOCATOR.allocate(node_port("web", None, None), []))
    assert first in NODE_PORTS
    assert second in NODE_PORTS
    assert first != second


def test_a_taken_node_port_is_refused() -> None:
    with pytest.raises(InvalidError) as refused:
        ALLOCATOR.allocate(node_port("other", 32089), [node_port("web", 32089)])
    (cause,) = refused.value.causes
    assert cause == (
        "FieldValueInvalid",
        "spec.ports[0].nodePort",
        "Invalid value: 32089: provided port is already allocated",
    )


def test_a_node_port_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidError) as refused:
        ALLOCATOR.allocate(node_port("web", 80), [])
    assert refused.value.causes[0].message == (
        "Invalid value: 80: provided port is not in the valid range. "
        "The range of valid ports is 30000-32767"
    )


def test_a_service_may_keep_what_it_has() -> None:
    web = node_port("web", 32089)
    assert numbers(ALLOCATOR.allocate(web, [web], web)) == [32089]


def test_a_new_version_without_addresses_keeps_the_old_ones() -> None:
    old = ALLOCATOR.allocate(node_port("web", None), [])
    new = service(ports=[{"name": "p0", "port": 8080}], type="NodePort")
    kept = keep_addresses(new, old)
    assert kept["spec"]["clusterIP"] == old["spec"]["clusterIP"]
    assert numbers(kept) == numbers(old)


def test_a_node_port_is_kept_by_the_name_of_its_port() -> None:
    old = node_port("web", 32089, 32090)
    new = service(ports=[{"name": "p1", "port": 1}, {"name": "new", "port": 2}], type="NodePort")
    assert numbers(keep_addresses(new, old)) == [32090, None]


def test_a_service_that_becomes_cluster_ip_loses_its_node_ports() -> None:
    old = node_port("web", 32089)
    closed = {**old, "spec": {**old["spec"], "type": "ClusterIP"}}
    assert numbers(release_addresses(closed, old)) == [None]


def test_a_service_that_becomes_external_name_loses_its_address() -> None:
    old = ALLOCATOR.allocate(service(), [])
    moved = {**old, "spec": {**old["spec"], "type": "ExternalName", "externalName": "a.example"}}
    assert {"clusterIP", "clusterIPs"} & release_addresses(moved, old)["spec"].keys() == set()


def balanced(name: str = "web", policy: str = "Local", **spec: Any) -> Object:
    return service(name, type="LoadBalancer", externalTrafficPolicy=policy, **spec)


def health_check_port(obj: Object) -> int | None:
    number: int | None = obj["spec"].get("healthCheckNodePort")
    return number


def test_a_local_load_balancer_has_a_port_for_its_health_check() -> None:
    made = ALLOCATOR.allocate(balanced(), [])
    assert health_check_port(made) in NODE_PORTS
    assert health_check_port(made) not in numbers(made)
    for other in (balanced(policy="Cluster"), node_port("web", None), service()):
        assert health_check_port(ALLOCATOR.allocate(other, [])) is None


def test_no_two_services_share_a_port() -> None:
    services: list[Object] = []
    for number in range(200):
        services.append(ALLOCATOR.allocate(balanced(f"web-{number}"), services))
    used = [port for one in services for port in (health_check_port(one), *numbers(one))]
    assert len(set(used)) == 400


def test_a_taken_port_of_a_health_check_is_an_internal_error() -> None:
    there = ALLOCATOR.allocate(balanced(healthCheckNodePort=30081), [])
    assert health_check_port(ALLOCATOR.allocate(there, [there], there)) == 30081
    with pytest.raises(StatusError) as refused:
        ALLOCATOR.allocate(balanced("other", healthCheckNodePort=30081), [there])
    assert str(refused.value) == (
        "Internal error occurred: failed to allocate requested HealthCheck NodePort 30081: "
        "provided port is already allocated"
    )


def test_the_port_of_a_health_check_is_kept_and_released() -> None:
    old = balanced(healthCheckNodePort=30081)
    assert health_check_port(keep_addresses(balanced(), old)) == 30081
    for new in (balanced(policy="Cluster"), service(type="NodePort"), service(type="ClusterIP")):
        new["spec"]["healthCheckNodePort"] = 30081
        assert health_check_port(release_addresses(new, old)) is None
    assert health_check_port(release_addresses(old, old)) == 30081
