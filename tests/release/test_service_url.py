"""The URL at which this machine reaches a Service."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from canarylab.clusters.base import ServiceAddress, local_node_port
from canarylab.errors import ApiRefusedError, ClusterError
from canarylab.kube_objects import Object
from canarylab.manifests import SERVICE
from canarylab.release import service_url
from canarylab.release.connection import Connection
from canarylab.release.endpoints import ready_endpoints
from canarylab.release.service_url import Addresses, ServiceUrl, ServiceUrls
from canarylab.traffic.http import get
from tests.needs import needs
from tests.running_playground import RunningPlayground

pytestmark = needs("linux")
NOBODY = ServiceAddress("http://127.0.0.1:1", "a port where nobody listens", needs_check=True)
Maker = Callable[[Addresses], ServiceUrls]


@pytest.fixture
def service_urls(production: Connection) -> Iterator[Maker]:
    """Makes one for a list of addresses, and closes it."""
    made: list[ServiceUrls] = []

    def make(addresses: Addresses) -> ServiceUrls:
        made.append(ServiceUrls(production, addresses))
        return made[-1]

    yield make
    for each in made:
        each.close()


def offering(*addresses: ServiceAddress) -> Addresses:
    def offer(service: Mapping[str, Any], hosts: Collection[str]) -> list[ServiceAddress]:
        return list(addresses)

    return offer


@pytest.fixture
def node_port(playground: RunningPlayground) -> Addresses:
    return offering(NOBODY, ServiceAddress(playground.node_port_url, "node port", needs_check=True))


def test_an_address_that_is_no_guess_is_not_tried(service_urls: Maker) -> None:
    sure = ServiceAddress(NOBODY.url, "sure")

    assert service_urls(offering(sure)).find(SERVICE) == ServiceUrl(NOBODY.url, "sure")


def test_a_guess_is_believed_when_a_pod_of_the_service_answers(
    production: Connection, service_urls: Maker, node_port: Addresses
) -> None:
    assert service_urls(node_port).find(SERVICE).description == "node port"


def test_the_best_address_wins_also_when_another_one_answers_before_it(
    production: Connection, service_urls: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    best, second, last = (f"http://127.0.0.1:{port}" for port in (1, 2, 3))
    tried: list[str] = []

    def late_but_there(url: str) -> str | None:
        tried.append(url)
        is_there = url != best or tried.count(best) == 3
        return ready_endpoints(production, SERVICE)[0].pod if is_there else None

    monkeypatch.setattr(service_url, "answering_pod", late_but_there)
    monkeypatch.setattr(service_url, "CHECK_EVERY_S", 0)
    found = service_urls(offering(*(NOBODY._replace(url=url) for url in (best, second, last))))

    assert found.find(SERVICE).url == best
    assert tried == [best, second, best, best]


def test_somebody_else_at_the_address_is_not_believed(
    production: Connection, service_urls: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_url, "CHECK_FOR_S", 0)
    with closing(ServiceUrls(production, offering())) as other:
        elsewhere = ServiceAddress(
            other.find(SERVICE).url, "the proxy of another Service", needs_check=True
        )
        monkeypatch.setattr(service_url, "answering_pod", lambda url: "somebody")

        found = service_urls(offering(elsewhere)).find(SERVICE)

    assert found.description == "the API server's proxy"


def test_where_no_address_is_left_the_api_server_hands_requests_on(
    production: Connection, service_urls: Maker
) -> None:
    found = service_urls(offering()).find(SERVICE)

    assert (found.description, found.balanced_per) == ("the API server's proxy", "request")
    assert get(found.url).body == '"Version 1.0"'


def test_the_api_servers_proxy_stays_where_it_is(service_urls: Maker) -> None:
    urls = service_urls(offering())

    assert urls.find(SERVICE) == urls.find(SERVICE)


def test_what_was_found_out_is_not_tried_again(
    production: Connection,
    service_urls: Maker,
    monkeypatch: pytest.MonkeyPatch,
    node_port: Addresses,
) -> None:
    urls = service_urls(node_port)
    first = urls.find(SERVICE)
    monkeypatch.setattr(service_url, "answering_pod", None)  # another request would fail

    assert urls.find(SERVICE) == first


def test_kube_proxy_gets_its_time_before_the_first_connection(
    production: Connection, service_urls: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(time, "sleep", lambda s: done.append("wait" if s > 0.9 else "no wait"))
    monkeypatch.setattr(service_url, "answering_pod", lambda url: done.append("request"))
    monkeypatch.setattr(service_url, "CHECK_FOR_S", 0)
    urls = service_urls(offering(NOBODY._replace(sync_delay_s=1000)))

    urls.find(SERVICE)

    assert done == ["wait", "request"]


def test_without_ready_pods_nothing_is_concluded(
    production: Connection, service_urls: Maker, node_port: Addresses
) -> None:
    ports: list[Object] = [{"port": 80, "targetPort": 3333}]
    spec = {"type": "NodePort", "selector": {"app": "nobody"}, "ports": ports}
    meta = {"name": "lonely", "labels": {"app": "nodeapp"}}
    production.core.create_namespaced_service("default", {"metadata": meta, "spec": spec})

    found = service_urls(node_port).find("lonely")

    assert found.description == "the API server's proxy"
    assert get(found.url).status == 503


@pytest.mark.parametrize(
    ("name", "spec", "said"),
    [
        (
            "headless",
            {"clusterIP": "None", "ports": [{"port": 80}]},
            "Service headless is headless (`clusterIP: None`): its name means its pods, and it can "
            "have no node port. Make another Service of `type: NodePort` with its selector, or "
            "reach one pod with `kubectl port-forward`.",
        ),
        (
            "portless",
            {"clusterIP": "None"},
            "Service portless has no ports, so that nothing can connect to it. "
            "Add one to its `spec.ports`.",
        ),
        (
            "elsewhere",
            {"type": "ExternalName", "externalName": "example.com"},
            "Service elsewhere is of type ExternalName: it is another name for example.com, and "
            "has no address of its own. Send requests to example.com.",
        ),
        (
            "inside",
            {"ports": [{"port": 80}]},
            "Service inside is of type ClusterIP and has no node port. "
            "Give it `type: NodePort` to reach it from outside the cluster.",
        ),
    ],
)
def test_a_service_without_a_node_port_is_told_what_it_can_have(
    production: Connection, service_urls: Maker, name: str, spec: Object, said: str
) -> None:
    meta = {"name": name, "labels": {"app": "nodeapp"}}
    given = {"selector": {"app": "nodeapp"}, **spec}
    production.core.create_namespaced_service("default", {"metadata": meta, "spec": given})
    urls = service_urls(lambda service, hosts: [local_node_port(service)])

    with pytest.raises(ClusterError) as refused:
        urls.find(name)

    assert str(refused.value) == said


def test_a_headless_service_is_reached_through_the_api_server(
    production: Connection, service_urls: Maker
) -> None:
    meta = {"name": "proxied", "labels": {"app": "nodeapp"}}
    spec = {"clusterIP": "None", "selector": {"app": "nodeapp"}, "ports": [{"port": 80}]}
    production.core.create_namespaced_service("default", {"metadata": meta, "spec": spec})

    assert service_urls(offering()).find("proxied").description == "the API server's proxy"


def test_an_empty_name_is_refused(service_urls: Maker) -> None:
    with pytest.raises(ValueError, match="The name of the Service is empty"):
        service_urls(offering()).find("")


def test_a_service_that_is_not_there(service_urls: Maker) -> None:
    with pytest.raises(ApiRefusedError, match='services "nowhere" not found'):
        service_urls(offering()).find("nowhere")
