"""A Service on a port of this machine, through the API server."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing

import pytest

from canarylab import traffic
from canarylab.errors import TrafficError
from canarylab.manifests import SERVICE
from canarylab.release.api_proxy import ApiServerProxy
from canarylab.release.connection import Connection
from canarylab.traffic.http import get
from tests.needs import needs

pytestmark = needs("linux")


@pytest.fixture
def proxy(production: Connection) -> Iterator[ApiServerProxy]:
    """To the Service of three pods."""
    with closing(ApiServerProxy(production, SERVICE, 80)) as proxy:
        yield proxy


def status(proxy: ApiServerProxy, method: str, host: str, path: str = "/") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    with closing(connection):
        connection.request(method, path, headers={"Host": host})
        return connection.getresponse().status


def test_a_pod_answers_with_its_headers(proxy: ApiServerProxy) -> None:
    reply = get(proxy.url)

    assert (reply.body, reply.headers["X-Version"]) == ('"Version 1.0"', "1.0")


def test_each_request_may_reach_another_pod(proxy: ApiServerProxy) -> None:
    sample = traffic.sample(proxy.url, count=60, keep_alive=1)

    assert (sample.failed, len(sample.by_pod)) == (0, 3)


def test_a_path_and_a_query_arrive(proxy: ApiServerProxy) -> None:
    assert get(f"{proxy.url}/nowhere?a=b").status == 404


def test_an_answer_without_a_body(proxy: ApiServerProxy) -> None:
    assert status(proxy, "HEAD", f"127.0.0.1:{proxy.port}") == 200


def test_nothing_can_be_changed_through_it(proxy: ApiServerProxy) -> None:
    assert status(proxy, "POST", f"127.0.0.1:{proxy.port}") == 405


@pytest.mark.parametrize("up", ["..", "%2e%2e", ".%2E", "x/../.."])
def test_a_path_does_not_lead_out_of_the_service(proxy: ApiServerProxy, up: str) -> None:
    path = f"/{up}/{up}/{SERVICE}"  # the Service itself, as the API server shows it
    assert status(proxy, "GET", f"127.0.0.1:{proxy.port}", path) == 400


def test_a_page_from_elsewhere_cannot_use_it(proxy: ApiServerProxy) -> None:
    assert status(proxy, "GET", "foo.bar.com") == 403


def test_an_api_server_that_is_gone_is_said(
    proxy: ApiServerProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "server", "https://127.0.0.1:1")

    reply = get(proxy.url)

    assert reply.status == 502
    assert reply.body.startswith("The API server did not answer: ")


def test_after_close_nobody_listens(production: Connection) -> None:
    proxy = ApiServerProxy(production, SERVICE, 80)

    proxy.close()

    with pytest.raises(TrafficError, match="refused"):
        get(proxy.url)
