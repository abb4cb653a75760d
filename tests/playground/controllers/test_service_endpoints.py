"""What EndpointSlices and Endpoints have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from canarylab.kube_objects import Key, Object, parse_timestamp
from canarylab.playground.controllers import service_endpoints
from canarylab.playground.controllers.service_endpoints import CHANGED_AT, HEADLESS_LABEL
from tests.playground.controllers.builders import (
    LABELS,
    NODE,
    SPACE,
    THEN,
    meta,
    pod,
    running_controllers,
    running_status,
    service,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

NOW = parse_timestamp(THEN)
WEB = meta(service(), uid="s-1")


def web(**spec: Any) -> Object:
    return {**WEB, "spec": {**WEB["spec"], **spec}}


def at(last: int, *, ready: bool = True, **spec: Any) -> Object:
    """A pod at 127.64.0.`last`."""
    bare = meta(pod(f"web-{last}", nodeName=NODE, **spec), uid=f"u-{last}")
    return {**bare, "status": running_status(f"127.64.0.{last}", ready=ready)}


def terminating(obj: Object) -> Object:
    return meta(obj, deletionTimestamp=THEN)


def with_port(obj: Object, name: str, number: int) -> Object:
    [container] = obj["spec"]["containers"]
    named = {**container, "ports": [{"name": name, "containerPort": number, "protocol": "TCP"}]}
    return {**obj, "spec": {**obj["spec"], "containers": [named]}}


def slices_of(svc: Object, *pods: Object) -> list[Object]:
    return service_endpoints.plan_slices(svc, list(pods), [], NOW).create


def endpoints_of(svc: Object, *pods: Object) -> Object:
    return service_endpoints.plan_endpoints(svc, list(pods), None, NOW) or {}


@pytest.mark.parametrize(
    "useless",
    [
        meta(at(2), labels={"app": "another"}),
        {**at(2), "status": {"phase": "Pending"}},
        {**at(2), "status": {"phase": "Succeeded", "podIP": "127.64.0.2"}},
        {**at(2), "status": {"phase": "Failed", "podIP": "127.64.0.2"}},
    ],
    ids=["not selected", "without address", "succeeded", "failed"],
)
def test_only_selected_running_pods_with_an_address_are_endpoints(useless: Object) -> None:
    assert slices_of(WEB, useless)[0]["endpoints"] == []
    assert "subsets" not in endpoints_of(WEB, useless)


def test_addresses_are_sorted_by_number() -> None:
    [only] = slices_of(WEB, at(10), at(9), at(100))
    addresses = [one["addresses"][0] for one in only["endpoints"]]
    assert addresses == ["127.64.0.9", "127.64.0.10", "127.64.0.100"]


def test_the_endpoints_of_a_headless_service_have_its_label() -> None:
    headless = web(clusterIP="None", ports=[])
    [only] = slices_of(headless, at(2))
    assert only["metadata"]["labels"][HEADLESS_LABEL] == ""
    assert endpoints_of(headless, at(2))["metadata"]["labels"][HEADLESS_LABEL] == ""
    assert endpoints_of(headless, at(2))["subsets"][0].keys() == {"addresses"}


def test_a_hostname_below_the_service_is_listed() -> None:
    named = at(2, hostname="first", subdomain="web")
    assert slices_of(WEB, named)[0]["endpoints"][0]["hostname"] == "first"
    assert endpoints_of(WEB, named)["subsets"][0]["addresses"][0]["hostname"] == "first"


async def test_slices_and_endpoints_follow_every_change() -> None:
    api, key = FakeApi(), Key(SPACE, "web")

    async def both() -> tuple[list[str], list[str]]:
        [one] = await api.list("EndpointSlice", SPACE)
        subsets = (await api.get("Endpoints", key)).get("subsets", [])
        return (
            [each["addresses"][0][-1] for each in one["endpoints"]],
            [each["ip"][-1] for subset in subsets for each in subset.get("addresses", [])],
        )

    async def they_say(*last: str) -> None:
        async def do_they() -> bool:
            there = await api.list("EndpointSlice", SPACE) and await api.list("Endpoints", SPACE)
            return bool(there) and await both() == ([*last], [*last])

        await until(do_they)

    await api.put(at(2))
    await api.put(service())
    async with running_controllers(
        api, service_endpoints.slices_controller, service_endpoints.endpoints_controller
    ):
        await they_say("2")
        await api.put(at(3))
        await they_say("2", "3")
        moved = await api.get("Pod", Key(SPACE, "web-2"))
        await api.update(meta(moved, labels={"app": "another"}))
        await they_say("3")
        await api.update(meta(await api.get("Pod", Key(SPACE, "web-2")), labels=LABELS))
        await they_say("2", "3")
        [lost] = await api.list("EndpointSlice", SPACE)
        await api.delete("EndpointSlice", Key(SPACE, lost["metadata"]["name"]))
        await api.delete("Endpoints", key)
        await they_say("2", "3")
        await api.delete("Service", key)

        async def all_gone() -> bool:
            return not [*await api.list("EndpointSlice"), *await api.list("Endpoints")]

        await until(all_gone)


def test_a_slice_is_as_on_a_real_cluster() -> None:
    assert slices_of(WEB, at(2)) == [
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
        (terminating(at(2)), (False, True, True)),
        (terminating(at(2, ready=False)), (False, False, True)),
    ],
)
def test_a_slice_has_the_conditions_of_a_pod(
    one: Object, conditions: tuple[bool, bool, bool]
) -> None:
    [only] = slices_of(WEB, one)
    assert tuple(only["endpoints"][0]["conditions"].values()) == conditions


def test_publish_not_ready_addresses_makes_all_ready_in_a_slice() -> None:
    [only] = slices_of(web(publishNotReadyAddresses=True), at(2, ready=False), terminating(at(3)))
    assert [one["conditions"]["ready"] for one in only["endpoints"]] == [True, True]


def test_without_pods_there_is_an_empty_slice() -> None:
    [only] = slices_of(WEB)
    assert (only["endpoints"], only["ports"]) == ([], [])


def test_pods_with_other_ports_of_the_same_name_have_a_slice_of_their_own() -> None:
    by_name = web(ports=[{"port": 80, "targetPort": "http"}])
    both = slices_of(by_name, with_port(at(2), "http", 3333), with_port(at(3), "http", 4444))
    assert [one["ports"][0]["port"] for one in both] == [3333, 4444]


@pytest.mark.parametrize(("policy", "numbers"), [("Always", [9000]), (None, [])])
def test_a_port_of_a_sidecar_has_a_name_as_well(policy: str | None, numbers: list[int]) -> None:
    beside = {"name": "beside", "ports": [{"name": "admin", "containerPort": 9000}]}
    found = at(2)
    found["spec"]["initContainers"] = [{**beside, **({"restartPolicy": policy} if policy else {})}]
    [only] = slices_of(web(ports=[{"port": 80, "targetPort": "admin"}]), found)
    assert [port["port"] for port in only["ports"]] == numbers


def test_the_application_protocol_is_copied() -> None:
    [only] = slices_of(web(ports=[{"port": 80, "appProtocol": "http"}]), at(2))
    assert only["ports"][0]["appProtocol"] == "http"


def test_a_slice_that_is_right_is_left_alone() -> None:
    there = slices_of(WEB, at(2))
    later = service_endpoints.plan_slices(WEB, [at(2)], there, NOW + timedelta(hours=1))
    assert later == service_endpoints.EndpointSlicePlan([], [], [])


def test_null_endpoints_and_ports_are_empty() -> None:
    [empty] = slices_of(WEB)
    there = [{**empty, "endpoints": None, "ports": None}]
    assert service_endpoints.plan_slices(
        WEB, [], there, NOW
    ) == service_endpoints.EndpointSlicePlan([], [], [])


def test_a_change_updates_the_existing_slice_and_its_change_time() -> None:
    there, later = slices_of(WEB, at(2)), NOW + timedelta(seconds=1)
    todo = service_endpoints.plan_slices(WEB, [at(2), at(3)], there, later)
    [changed] = todo.update
    assert len(changed["endpoints"]) == 2
    assert changed["metadata"]["annotations"][CHANGED_AT] != THEN
    assert todo.create == todo.delete == []


def test_a_surplus_slice_is_deleted() -> None:
    there = [*slices_of(WEB, at(2)), *slices_of(WEB, at(2))]
    assert len(service_endpoints.plan_slices(WEB, [at(2)], there, NOW).delete) == 1


@pytest.mark.parametrize(
    "svc",
    [None, web(selector=None), web(type="ExternalName")],
    ids=["gone", "without selector", "external"],
)
def test_without_a_service_with_a_selector_slices_are_deleted(svc: Object | None) -> None:
    there = slices_of(WEB, at(2))
    assert service_endpoints.plan_slices(svc, [at(2)], there, NOW).delete == there


def test_the_order_of_fields_in_ports_does_not_matter() -> None:
    by_name = web(ports=[{"port": 80, "targetPort": "http"}])
    pods = [with_port(at(last), "http", 3000 + last) for last in range(2, 12)]
    there = [
        {**one, "ports": [dict(reversed(port.items())) for port in one["ports"]]}
        for one in reversed(slices_of(by_name, *pods))
    ]
    assert service_endpoints.plan_slices(
        by_name, pods, there, NOW
    ) == service_endpoints.EndpointSlicePlan([], [], [])


def test_endpoints_are_as_on_a_real_cluster() -> None:
    def address(last: int) -> Object:
        target = {"kind": "Pod", "name": f"web-{last}", "namespace": SPACE, "uid": f"u-{last}"}
        return {"ip": f"127.64.0.{last}", "nodeName": NODE, "targetRef": target}

    assert endpoints_of(WEB, at(3), at(2), at(4, ready=False)) == {
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
    assert "subsets" not in endpoints_of(WEB)


def test_a_terminating_pod_is_not_in_endpoints() -> None:
    assert "subsets" not in endpoints_of(WEB, terminating(at(2)))


def test_publish_not_ready_addresses_lists_all_in_endpoints() -> None:
    [only] = endpoints_of(web(publishNotReadyAddresses=True), terminating(at(2, ready=False)))[
        "subsets"
    ]
    assert len(only["addresses"]) == 1


def test_a_named_port_keeps_the_name_that_the_service_gives_it() -> None:
    [only] = endpoints_of(web(ports=[{"name": "web", "port": 80, "targetPort": 3333}]), at(2))[
        "subsets"
    ]
    assert only["ports"] == [{"name": "web", "port": 3333, "protocol": "TCP"}]


def test_a_pod_without_the_named_port_is_not_in_endpoints() -> None:
    by_name = web(ports=[{"port": 80, "targetPort": "http"}])
    [only] = endpoints_of(by_name, at(2), with_port(at(3), "http", 3333))["subsets"]
    assert [one["ip"] for one in only["addresses"]] == ["127.64.0.3"]


def test_endpoints_that_are_right_are_left_alone() -> None:
    there = endpoints_of(WEB, at(2))
    assert service_endpoints.plan_endpoints(WEB, [at(2)], there, NOW + timedelta(hours=1)) is there


def test_endpoints_of_somebody_else_are_left_alone() -> None:
    theirs = {"metadata": {"name": "web", "namespace": SPACE}, "subsets": []}
    assert service_endpoints.plan_endpoints(web(selector=None), [at(2)], theirs, NOW) is theirs
    assert service_endpoints.plan_endpoints(None, [at(2)], theirs, NOW) is theirs


def test_managed_endpoints_are_deleted_with_the_service() -> None:
    assert service_endpoints.plan_endpoints(None, [at(2)], endpoints_of(WEB, at(2)), NOW) is None
