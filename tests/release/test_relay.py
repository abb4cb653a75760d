"""A Service on a port of this machine, by way of the API server."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing

import pytest

from canarylab import traffic
from canarylab.errors import TrafficError
from canarylab.release.connection import Connection
from canarylab.release.relay import Relay
from canarylab.release.stages import SERVICE
from canarylab.traffic.http import get
from tests.needs import needs

pytestmark = needs("linux")


@pytest.fixture
def relay(production: Connection) -> Iterator[Relay]:
    """To the Service of three pods."""
    with closing(Relay(production, SERVICE, 80)) as relay:
        yield relay


def status(relay: Relay, method: str, host: str) -> int:
    asking = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=10)
    with closing(asking):
        asking.request(method, "/", headers={"Host": host})
        return asking.getresponse().status


def test_a_pod_answers_with_its_headers(relay: Relay) -> None:
    reply = get(relay.url)

    assert (reply.body, reply.headers["X-Version"]) == ('"Version 1.0"', "1.0")


def test_each_request_may_reach_another_pod(relay: Relay) -> None:
    sample = traffic.sample(relay.url, count=60, keep_alive=1)

    assert (sample.failed, len(sample.by_pod)) == (0, 3)


def test_a_path_and_a_query_arrive(relay: Relay) -> None:
    assert get(f"{relay.url}/nowhere?a=b").status == 404


def test_an_answer_without_a_body(relay: Relay) -> None:
    assert status(relay, "HEAD", f"127.0.0.1:{relay.port}") == 200


def test_nothing_can_be_changed_through_it(relay: Relay) -> None:
    assert status(relay, "POST", f"127.0.0.1:{relay.port}") == 405


def test_a_page_from_elsewhere_cannot_use_it(relay: Relay) -> None:
    assert status(relay, "GET", "foo.bar.com") == 403


def test_an_api_server_that_is_gone_is_said(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "server", "https://127.0.0.1:1")

    reply = get(relay.url)

    assert reply.status == 502
    assert reply.body.startswith("The API server did not answer: ")


def test_after_close_nobody_listens(production: Connection) -> None:
    relay = Relay(production, SERVICE, 80)

    relay.close()

    with pytest.raises(TrafficError, match="refused"):
        get(relay.url)
