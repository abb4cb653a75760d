"""How this machine reaches a Service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from canarylab import traffic
from canarylab.clusters.base import Address
from canarylab.errors import RefusedError
from canarylab.playground.kube.api import Object
from canarylab.release.connection import Connection
from canarylab.release.reach import Addresses, Reach
from canarylab.release.stages import SERVICE
from canarylab.traffic.http import get
from tests.needs import needs

pytestmark = needs("linux")
NOBODY = Address("http://127.0.0.1:1", "a port where nobody listens", is_guess=True)
Maker = Callable[[Addresses], Reach]


@pytest.fixture
def reach(production: Connection) -> Iterator[Maker]:
    """Makes one for a list of addresses, and closes it."""
    made: list[Reach] = []

    def make(addresses: Addresses) -> Reach:
        made.append(Reach(production, addresses))
        return made[-1]

    yield make
    for each in made:
        each.close()


def offering(*addresses: Address) -> Addresses:
    def offer(service: Mapping[str, Any], hosts: Collection[str]) -> list[Address]:
        return list(addresses)

    return offer


def node_port(service: Mapping[str, Any], hosts: Collection[str]) -> list[Address]:
    port = service["spec"]["ports"][0]["nodePort"]
    return [NOBODY, Address(f"http://127.0.0.1:{port}", "node port", is_guess=True)]


def test_an_address_that_is_no_guess_is_not_tried(reach: Maker) -> None:
    sure = Address(NOBODY.url, "sure")

    assert reach(offering(sure)).find(SERVICE) == (NOBODY.url, "sure", "connection")


def test_a_guess_is_believed_when_a_pod_of_the_service_answers(
    production: Connection, reach: Maker
) -> None:
    assert reach(node_port).find(SERVICE).way == "node port"


def test_somebody_else_at_the_address_is_not_believed(
    production: Connection, reach: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canarylab.release.reach.TRIED_FOR_S", 0.1)
    with closing(Reach(production, offering())) as other:
        elsewhere = Address(other.find(SERVICE).url, "the relay of another Service", is_guess=True)
        _rename_pods_seen(monkeypatch)

        found = reach(offering(elsewhere)).find(SERVICE)

    assert found.way == "the API server's proxy"


def _rename_pods_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the pods that answer there were none of ours."""
    sample = traffic.Sample.typed(["1.0"])
    monkeypatch.setattr(traffic, "measure", lambda *args, **kwargs: sample)


def test_where_no_address_is_left_the_api_server_hands_requests_on(
    production: Connection, reach: Maker
) -> None:
    found = reach(offering()).find(SERVICE)

    assert (found.way, found.chosen_for) == ("the API server's proxy", "request")
    assert get(found.url).body == '"Version 1.0"'


def test_a_relay_stays_where_it_is(reach: Maker) -> None:
    ways = reach(offering())

    assert ways.find(SERVICE) == ways.find(SERVICE)


def test_what_was_found_out_is_not_tried_again(
    production: Connection, reach: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = reach(node_port)
    first = ways.find(SERVICE)
    monkeypatch.setattr(traffic, "measure", None)  # asking again would fail

    assert ways.find(SERVICE) == first


def test_without_ready_pods_nothing_is_concluded(production: Connection, reach: Maker) -> None:
    ports: list[Object] = [{"port": 80, "targetPort": 3333}]
    spec = {"type": "NodePort", "selector": {"app": "nobody"}, "ports": ports}
    meta = {"name": "lonely", "labels": {"app": "nodeapp"}}
    production.core.create_namespaced_service("default", {"metadata": meta, "spec": spec})

    found = reach(node_port).find("lonely")

    assert found.way == "the API server's proxy"
    assert get(found.url).status == 503


def test_a_service_that_is_not_there(reach: Maker) -> None:
    with pytest.raises(RefusedError, match='services "nowhere" not found'):
        reach(offering()).find("nowhere")
