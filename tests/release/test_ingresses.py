"""Where an Ingress leads to a Service."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from kubernetes.client.exceptions import ApiException

from canarylab.clusters.base import Object
from canarylab.errors import RefusedError
from canarylab.release.connection import Connection
from canarylab.release.ingresses import addresses, read_ingresses


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


def connection(refusal: int) -> Connection:
    """To a cluster that answers the question for Ingresses with this status."""

    def refuse(namespace: str) -> None:
        raise ApiException(status=refusal, reason="no")

    networking = SimpleNamespace(list_namespaced_ingress=refuse)
    return cast(Connection, SimpleNamespace(namespace="lab", networking=networking))


@pytest.mark.parametrize("refusal", [403, 404])
def test_a_cluster_that_shows_or_knows_no_ingresses_has_none(refusal: int) -> None:
    assert read_ingresses(connection(refusal)) == []


def test_any_other_refusal_is_told() -> None:
    with pytest.raises(RefusedError, match="the Ingresses"):
        read_ingresses(connection(500))
