from __future__ import annotations

from datetime import timedelta

from canarylab.playground.controllers import endpoints
from canarylab.playground.controllers.backends import CHANGED_AT
from canarylab.playground.kube.api import Object
from tests.playground.controllers.test_backends import (
    NOW,
    WEB,
    at,
    leaving,
    told,
    web,
    with_port,
)
from tests.playground.controllers.world import NODE, SPACE, THEN


def test_they_look_as_on_a_real_cluster() -> None:
    def address(last: int) -> Object:
        target = {"kind": "Pod", "name": f"web-{last}", "namespace": SPACE, "uid": f"u-{last}"}
        return {"ip": f"127.64.0.{last}", "nodeName": NODE, "targetRef": target}

    assert told(WEB, at(3), at(2), at(4, ready=False)) == {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "annotations": {CHANGED_AT: THEN},
            "labels": {
                "app": "nodeapp",
                "endpoints.kubernetes.io/managed-by": "endpoint-controller",
            },
            "name": "web",
            "namespace": SPACE,
        },
        "subsets": [
            {
                "addresses": [address(2), address(3)],
                "notReadyAddresses": [address(4)],
                "ports": [{"port": 3333, "protocol": "TCP"}],
            }
        ],
    }


def test_without_pods_there_are_no_subsets() -> None:
    assert "subsets" not in told(WEB)


def test_a_pod_on_its_way_out_is_left_out() -> None:
    assert "subsets" not in told(WEB, leaving(at(2)))


def test_who_wants_them_all_gets_them_all() -> None:
    [only] = told(web(publishNotReadyAddresses=True), leaving(at(2, ready=False)))["subsets"]
    assert len(only["addresses"]) == 1


def test_a_named_port_keeps_the_name_that_the_service_gives_it() -> None:
    [only] = told(web(ports=[{"name": "web", "port": 80, "targetPort": 3333}]), at(2))["subsets"]
    assert only["ports"] == [{"name": "web", "port": 3333, "protocol": "TCP"}]


def test_a_pod_without_the_port_has_nothing_to_offer() -> None:
    by_name = web(ports=[{"port": 80, "targetPort": "http"}])
    [only] = told(by_name, at(2), with_port(at(3), "http", 3333))["subsets"]
    assert [one["ip"] for one in only["addresses"]] == ["127.64.0.3"]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    there = told(WEB, at(2))
    assert endpoints.plan(WEB, [at(2)], there, NOW + timedelta(hours=1)) is there


def test_those_of_somebody_else_are_left_alone() -> None:
    theirs = {"metadata": {"name": "web", "namespace": SPACE}, "subsets": []}
    assert endpoints.plan(web(selector=None), [at(2)], theirs, NOW) is theirs
    assert endpoints.plan(None, [at(2)], theirs, NOW) is theirs


def test_ours_go_with_the_service() -> None:
    assert endpoints.plan(None, [at(2)], told(WEB, at(2)), NOW) is None
