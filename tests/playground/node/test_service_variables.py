"""The variables of a container that name Services."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.node.service_variables import service_variables


def pod(namespace: str = "lab", **spec: Any) -> Object:
    return {"metadata": {"name": "web-1", "namespace": namespace}, "spec": spec}


def service(name: str, *ports: Object, namespace: str = "lab", ip: str = "127.64.8.9") -> Object:
    spec = {"clusterIP": ip, "ports": list(ports)}
    return {"kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


API = service("kubernetes", {"name": "https", "port": 443}, namespace="default", ip="127.64.8.1")


def test_a_service_has_its_own_variables_and_those_of_a_docker_link() -> None:
    ports = {"port": 6379, "protocol": "TCP"}, {"name": "dns-udp", "port": 53, "protocol": "UDP"}
    assert service_variables(pod(), [service("redis-master", *ports)]) == {
        "REDIS_MASTER_SERVICE_HOST": "127.64.8.9",
        "REDIS_MASTER_SERVICE_PORT": "6379",
        "REDIS_MASTER_SERVICE_PORT_DNS_UDP": "53",
        "REDIS_MASTER_PORT": "tcp://127.64.8.9:6379",
        "REDIS_MASTER_PORT_6379_TCP": "tcp://127.64.8.9:6379",
        "REDIS_MASTER_PORT_6379_TCP_PROTO": "tcp",
        "REDIS_MASTER_PORT_6379_TCP_PORT": "6379",
        "REDIS_MASTER_PORT_6379_TCP_ADDR": "127.64.8.9",
        "REDIS_MASTER_PORT_53_UDP": "udp://127.64.8.9:53",
        "REDIS_MASTER_PORT_53_UDP_PROTO": "udp",
        "REDIS_MASTER_PORT_53_UDP_PORT": "53",
        "REDIS_MASTER_PORT_53_UDP_ADDR": "127.64.8.9",
    }


@pytest.mark.parametrize("spec", [{}, {"enableServiceLinks": True}, {"enableServiceLinks": False}])
def test_the_api_server_is_named_in_every_namespace(spec: Object) -> None:
    found = service_variables({**pod(), "spec": spec}, [API])
    assert found["KUBERNETES_SERVICE_HOST"] == "127.64.8.1"
    assert found["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"


@pytest.mark.parametrize(
    "other",
    [
        service("web", {"port": 80}, namespace="other"),
        service("web", {"port": 80}, ip="None"),
        service("web", {"port": 80}, ip=""),
        service("web", {"port": 80}, namespace="default"),
    ],
)
def test_a_service_elsewhere_or_without_an_address_is_not_named(other: Object) -> None:
    assert service_variables(pod(), [other]) == {}


def test_without_links_the_services_of_the_namespace_are_not_named() -> None:
    found = service_variables(pod(enableServiceLinks=False), [service("web", {"port": 80})])
    assert found == {}


def test_a_service_of_the_namespace_may_hide_the_api_server() -> None:
    own = service("kubernetes", {"port": 80})
    for services in ([own, API], [API, own]):
        assert service_variables(pod(), services)["KUBERNETES_SERVICE_PORT"] == "80"
