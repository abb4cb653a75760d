"""What EndpointSlices and Endpoints have in common."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.controllers import endpoints, endpointslice
from canarylab.playground.controllers.backends import HEADLESS
from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import parse_timestamp
from tests.playground.controllers.world import (
    LABELS,
    NODE,
    SPACE,
    THEN,
    at_work,
    meta,
    pod,
    running,
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
    return {**bare, "status": running(f"127.64.0.{last}", ready=ready)}


def leaving(obj: Object) -> Object:
    return meta(obj, deletionTimestamp=THEN)


def with_port(obj: Object, name: str, number: int) -> Object:
    [container] = obj["spec"]["containers"]
    named = {**container, "ports": [{"name": name, "containerPort": number, "protocol": "TCP"}]}
    return {**obj, "spec": {**obj["spec"], "containers": [named]}}


def slices(svc: Object, *pods: Object) -> list[Object]:
    return endpointslice.plan(svc, list(pods), [], NOW).create


def told(svc: Object, *pods: Object) -> Object:
    return endpoints.plan(svc, list(pods), None, NOW) or {}


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
def test_only_selected_pods_with_an_address_stand_behind_a_service(useless: Object) -> None:
    assert slices(WEB, useless)[0]["endpoints"] == []
    assert "subsets" not in told(WEB, useless)


def test_addresses_are_in_the_order_of_numbers() -> None:
    [only] = slices(WEB, at(10), at(9), at(100))
    addresses = [one["addresses"][0] for one in only["endpoints"]]
    assert addresses == ["127.64.0.9", "127.64.0.10", "127.64.0.100"]


def test_a_headless_service_marks_its_endpoints() -> None:
    headless = web(clusterIP="None", ports=[])
    [only] = slices(headless, at(2))
    assert only["metadata"]["labels"][HEADLESS] == ""
    assert told(headless, at(2))["metadata"]["labels"][HEADLESS] == ""
    assert told(headless, at(2))["subsets"][0].keys() == {"addresses"}


def test_a_pod_with_a_name_below_the_service_says_it() -> None:
    named = at(2, hostname="first", subdomain="web")
    assert slices(WEB, named)[0]["endpoints"][0]["hostname"] == "first"
    assert told(WEB, named)["subsets"][0]["addresses"][0]["hostname"] == "first"


async def test_both_follow_every_change() -> None:
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
    async with at_work(api, endpointslice.controller, endpoints.controller):
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
