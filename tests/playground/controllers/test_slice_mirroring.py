"""The EndpointSlices that mirror the Endpoints of a Service without a selector."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Key, Object, key_of
from canarylab.playground.controllers import service_endpoints, slice_mirroring
from canarylab.playground.controllers.service_endpoints import EndpointSlicePlan
from canarylab.playground.controllers.slice_mirroring import (
    LEADER_ANNOTATION,
    MANAGER,
    SKIP_LABEL,
    plan,
)
from tests.playground.controllers.builders import SPACE, THEN, running_controllers, service
from tests.playground.fake_api import FakeApi
from tests.waiting import until

OUTSIDE = service(selector=None)
PORT = {"port": 5432, "protocol": "TCP"}


def subset(*addresses: str, port: Object = PORT, **fields: Any) -> Object:
    return {"addresses": [{"ip": one} for one in addresses], "ports": [port], **fields}


def endpoints(*subsets: Object, **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": SPACE, "uid": "e-1", **metadata},
        "subsets": list(subsets or [subset("10.0.0.1")]),
    }


def slices_of(obj: Object, svc: Object = OUTSIDE) -> list[Object]:
    return plan(svc, obj, []).create


def test_a_slice_is_a_copy_of_the_endpoints() -> None:
    target = {"kind": "Pod", "name": "a"}
    listed = [{"ip": "10.0.0.1", "nodeName": "n", "hostname": "h", "targetRef": target}]
    late = [{"ip": "10.0.0.2"}]
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    changed = {service_endpoints.CHANGED_AT: THEN}
    obj = endpoints(
        {"addresses": listed, "notReadyAddresses": late, "ports": [PORT]},
        labels={"tier": "db", "kubernetes.io/service-name": "another"},
        annotations={"owner": "me", **applied, **changed},
    )
    assert slices_of(obj) == [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": "web-",
                "namespace": SPACE,
                "labels": {
                    "tier": "db",
                    "kubernetes.io/service-name": "web",
                    "endpointslice.kubernetes.io/managed-by": MANAGER,
                },
                "annotations": {"owner": "me"},
                "ownerReferences": [
                    {
                        "apiVersion": "v1",
                        "blockOwnerDeletion": True,
                        "controller": True,
                        "kind": "Endpoints",
                        "name": "web",
                        "uid": "e-1",
                    }
                ],
            },
            "addressType": "IPv4",
            "endpoints": [
                {
                    "addresses": ["10.0.0.1"],
                    "conditions": {"ready": True},
                    "hostname": "h",
                    "nodeName": "n",
                    "targetRef": target,
                },
                {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
            ],
            "ports": [{"name": "", **PORT}],
        }
    ]


def test_subsets_of_the_same_ports_are_one_slice() -> None:
    other = {"port": 5433, "protocol": "TCP"}
    obj = endpoints(subset("10.0.0.1"), subset("10.0.0.2", port=other), subset("10.0.0.3"))
    found = [[one["addresses"] for one in each["endpoints"]] for each in slices_of(obj)]
    assert found == [[["10.0.0.1"], ["10.0.0.3"]], [["10.0.0.2"]]]


def test_an_address_of_ipv6_is_left_out() -> None:
    assert slices_of(endpoints(subset("fd00::1"))) == []


@pytest.mark.parametrize(
    ("svc", "obj"),
    [
        (None, endpoints()),
        (OUTSIDE, None),
        (service(), endpoints()),
        (OUTSIDE, endpoints(labels={SKIP_LABEL: "true"})),
        (OUTSIDE, endpoints(annotations={LEADER_ANNOTATION: "{}"})),
        (OUTSIDE, {**endpoints(), "subsets": None}),
    ],
    ids=["no Service", "no Endpoints", "a selector", "skipped", "a leader", "empty"],
)
def test_what_is_not_mirrored_has_no_slices(svc: Object | None, obj: Object | None) -> None:
    there = slices_of(endpoints())
    assert plan(svc, obj, there) == EndpointSlicePlan([], [], there)


def test_a_slice_that_is_right_is_left_alone() -> None:
    there = slices_of(endpoints(annotations={"a": "b"}))
    assert plan(OUTSIDE, endpoints(annotations={"a": "b"}), there) == EndpointSlicePlan([], [], [])


@pytest.mark.parametrize(
    "changed",
    [endpoints(subset("10.0.0.9")), endpoints(labels={"a": "b"}), endpoints(annotations={})],
    ids=["addresses", "labels", "annotations"],
)
def test_a_change_updates_the_slice(changed: Object) -> None:
    there = slices_of(endpoints(annotations={"a": "b"}))
    assert plan(OUTSIDE, changed, there) == EndpointSlicePlan([], slices_of(changed), [])


def test_endpoints_that_are_being_deleted_get_no_new_slice() -> None:
    assert slices_of(endpoints(deletionTimestamp=THEN)) == []


async def test_slices_follow_the_endpoints() -> None:
    api, key = FakeApi(), Key(SPACE, "web")

    async def they_say(*addresses: str) -> None:
        async def do_they() -> bool:
            slices = await api.list("EndpointSlice", SPACE)
            found = [each["addresses"][0] for one in slices for each in one["endpoints"]]
            return found == [*addresses]

        await until(do_they)

    async with running_controllers(api, slice_mirroring.controller):
        await api.put(OUTSIDE)
        await api.put(endpoints())
        await they_say("10.0.0.1")
        there = await api.get("Endpoints", key)
        await api.update({**there, "subsets": [subset("10.0.0.2")]})
        await they_say("10.0.0.2")
        [lost] = await api.list("EndpointSlice", SPACE)
        await api.delete("EndpointSlice", key_of(lost))
        await they_say("10.0.0.2")
        await api.delete("Service", key)
        await they_say()
