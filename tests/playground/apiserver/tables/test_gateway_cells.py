"""What stands in the rows of Gateways and routes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from canarylab.playground.apiserver.tables import table_of
from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import complete, gateway, gateway_class, http_route

NOW = datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC)
BORN = {"creationTimestamp": "2026-11-22T21:45:20Z"}


def cells(document: Object, **fields: Any) -> list[Any]:
    made = {**complete(document), **fields}
    made["metadata"] = {**made["metadata"], **BORN}
    [row] = table_of(made["kind"], [made], NOW)["rows"]
    return list(row["cells"])


def test_a_gateway_that_nobody_serves() -> None:
    assert cells(gateway()) == ["canarylab", "nginx", None, "Unknown", "3s"]


def test_a_gateway_that_is_served() -> None:
    status = {
        "addresses": [{"value": "127.0.0.1"}, {"value": "127.0.0.2"}],
        "conditions": [{"type": "Programmed", "status": "True"}],
    }
    assert cells(gateway(), status=status)[2:4] == ["127.0.0.1", "True"]


def test_a_class() -> None:
    assert cells(gateway_class(description="for the lab")) == [
        "canarylab", "example.com/controller", "Unknown", "3s", "for the lab",
    ]  # fmt: skip


def test_a_route() -> None:
    assert cells(http_route(hostnames=["a.b", "c.d"])) == ["canarylab", '["a.b","c.d"]', "3s"]


def test_a_route_for_every_host() -> None:
    assert cells(http_route(hostnames=None))[1] is None
