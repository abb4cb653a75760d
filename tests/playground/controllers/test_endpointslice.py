from __future__ import annotations

from datetime import timedelta

import pytest

from canarylab.playground.controllers import endpointslice
from canarylab.playground.controllers.backends import CHANGED_AT
from canarylab.playground.kube.api import Object
from tests.playground.controllers.test_backends import (
    NOW,
    WEB,
    at,
    leaving,
    slices,
    web,
    with_port,
)
from tests.playground.controllers.world import NODE, SPACE, THEN


def test_it_looks_as_on_a_real_cluster() -> None:
    assert slices(WEB, at(2)) == [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "annotations": {CHANGED_AT: THEN},
                "generateName": "web-",
                "labels": {
                    "app": "nodeapp",
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                    "kubernetes.io/service-name": "web",
                },
                "namespace": SPACE,
                "ownerReferences": [
                    {
                        "apiVersion": "v1",
                        "blockOwnerDeletion": True,
                        "controller": True,
                        "kind": "Service",
                        "name": "web",
                        "uid": "s-1",
                    }
                ],
            },
            "addressType": "IPv4",
            "endpoints": [
                {
                    "addresses": ["127.64.0.2"],
                    "conditions": {"ready": True, "serving": True, "terminating": False},
                    "nodeName": NODE,
                    "targetRef": {
                        "kind": "Pod",
                        "name": "web-2",
                        "namespace": SPACE,
                        "uid": "u-2",
                    },
                }
            ],
            "ports": [{"name": "", "port": 3333, "protocol": "TCP"}],
        }
    ]


@pytest.mark.parametrize(
    ("one", "conditions"),
    [
        (at(2), (True, True, False)),
        (at(2, ready=False), (False, False, False)),
        (leaving(at(2)), (False, True, True)),
        (leaving(at(2, ready=False)), (False, False, True)),
    ],
)
def test_a_pod_says_how_it_is(one: Object, conditions: tuple[bool, bool, bool]) -> None:
    [only] = slices(WEB, one)
    assert tuple(only["endpoints"][0]["conditions"].values()) == conditions


def test_who_wants_them_all_gets_them_all_as_ready() -> None:
    [only] = slices(web(publishNotReadyAddresses=True), at(2, ready=False), leaving(at(3)))
    assert [one["conditions"]["ready"] for one in only["endpoints"]] == [True, True]


def test_without_pods_there_is_an_empty_one() -> None:
    [only] = slices(WEB)
    assert (only["endpoints"], only["ports"]) == ([], [])


def test_pods_with_other_ports_of_the_same_name_have_a_slice_of_their_own() -> None:
    by_name = web(ports=[{"port": 80, "targetPort": "http"}])
    both = slices(by_name, with_port(at(2), "http", 3333), with_port(at(3), "http", 4444))
    assert [one["ports"][0]["port"] for one in both] == [3333, 4444]


def test_an_application_protocol_goes_along() -> None:
    [only] = slices(web(ports=[{"port": 80, "appProtocol": "http"}]), at(2))
    assert only["ports"][0]["appProtocol"] == "http"


def test_what_is_as_it_should_be_is_left_alone() -> None:
    there = slices(WEB, at(2))
    later = endpointslice.plan(WEB, [at(2)], there, NOW + timedelta(hours=1))
    assert later == endpointslice.Plan([], [], [])


def test_a_server_that_says_null_means_the_same() -> None:
    [empty] = slices(WEB)
    there = [{**empty, "endpoints": None, "ports": None}]
    assert endpointslice.plan(WEB, [], there, NOW) == endpointslice.Plan([], [], [])


def test_a_change_is_written_into_the_slice_there_is_and_dated() -> None:
    there, later = slices(WEB, at(2)), NOW + timedelta(seconds=1)
    todo = endpointslice.plan(WEB, [at(2), at(3)], there, later)
    [changed] = todo.update
    assert len(changed["endpoints"]) == 2
    assert changed["metadata"]["annotations"][CHANGED_AT] != THEN
    assert todo.create == todo.delete == []


def test_a_slice_too_many_goes() -> None:
    there = [*slices(WEB, at(2)), *slices(WEB, at(2))]
    assert len(endpointslice.plan(WEB, [at(2)], there, NOW).delete) == 1


@pytest.mark.parametrize(
    "svc",
    [None, web(selector=None), web(type="ExternalName")],
    ids=["gone", "without selector", "external"],
)
def test_without_a_service_that_selects_there_is_none(svc: Object | None) -> None:
    there = slices(WEB, at(2))
    assert endpointslice.plan(svc, [at(2)], there, NOW).delete == there


def test_several_slices_keep_their_ports_however_the_server_writes_them_down() -> None:
    by_name = web(ports=[{"port": 80, "targetPort": "http"}])
    pods = [with_port(at(last), "http", 3000 + last) for last in range(2, 12)]
    there = [
        {**one, "ports": [dict(reversed(port.items())) for port in one["ports"]]}
        for one in reversed(slices(by_name, *pods))
    ]
    assert endpointslice.plan(by_name, pods, there, NOW) == endpointslice.Plan([], [], [])
