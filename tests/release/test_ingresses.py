"""Where an Ingress leads to a Service."""

from __future__ import annotations

import pytest

from canarylab.clusters.base import Object
from canarylab.release.connection import Connection
from canarylab.release.ingresses import addresses, read_ingresses
from tests.needs import needs


def ingress(path: str = "/", host: str | None = None, place: Object | None = None) -> Object:
    paths = [{"path": path, "backend": {"service": {"name": "web"}}}]
    rule: Object = {"http": {"paths": paths}, **({"host": host} if host else {})}
    status = {"loadBalancer": {"ingress": [place or {"ip": "192.0.2.7"}]}}
    return {"spec": {"rules": [rule]}, "status": status}


def test_a_rule_for_everybody_leads_there_and_chooses_for_each_request() -> None:
    (found,) = addresses([ingress()], "web")

    assert (found.url, found.is_guess, found.chosen_for) == ("http://192.0.2.7", True, "request")


@pytest.mark.parametrize(
    "other", [ingress(host="foo.bar.com"), ingress(path="/canary"), {"spec": {}}]
)
def test_others_do_not(other: Object) -> None:
    assert addresses([other], "web") == []


def test_nor_does_one_for_another_service() -> None:
    assert addresses([ingress()], "shop") == []


def test_a_default_backend_does() -> None:
    backend = {"defaultBackend": {"service": {"name": "web"}}}

    assert len(addresses([{**ingress(), "spec": backend}], "web")) == 1


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ({"hostname": "lb.example"}, "http://lb.example"),
        ({"ip": "fd00::7"}, "http://[fd00::7]"),
        (
            {"ip": "127.0.0.1", "ports": [{"port": 8080, "protocol": "TCP"}]},
            "http://127.0.0.1:8080",
        ),
        ({"ip": "192.0.2.7", "ports": [{"port": 443}, {"port": 80}]}, "http://192.0.2.7"),
        ({"ip": "192.0.2.7", "ports": [{"port": 81, "error": "Taken"}]}, "http://192.0.2.7"),
    ],
)
def test_a_place_may_be_a_name_or_an_address(place: Object, url: str) -> None:
    assert [each.url for each in addresses([ingress(place=place)], "web")] == [url]


@needs("linux")
def test_a_cluster_without_ingresses_has_none(connection: Connection) -> None:
    assert read_ingresses(connection) == []
