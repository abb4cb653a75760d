from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.controllers import scheduler
from canarylab.playground.controllers.scheduler import Place, is_waiting, plan
from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import find_condition
from tests.playground.controllers.world import NODE, SPACE, THEN, at_work, meta, node, pod, told
from tests.playground.fake_api import FakeApi
from tests.waiting import until


def test_a_pod_goes_to_the_first_node_that_takes_it() -> None:
    assert plan(pod(), [node("full", unschedulable=True), node("free")]) == Place("free")


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([], "no nodes available to schedule pods"),
        ([node(unschedulable=True)], "0/1 nodes are available: 1 node(s) were unschedulable."),
        (
            [node(ready=False)],
            "0/1 nodes are available: "
            "1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
        ),
        (
            [node("a", unschedulable=True), node("b", unschedulable=True), node("c", ready=False)],
            "0/3 nodes are available: 1 node(s) had untolerated taint "
            "{node.kubernetes.io/not-ready: }, 2 node(s) were unschedulable.",
        ),
    ],
)
def test_without_a_place_it_says_why(nodes: list[Object], why: str) -> None:
    assert plan(pod(), nodes) == Place(None, why)


def test_a_pod_may_ask_for_labels_of_its_node() -> None:
    picky = pod(nodeSelector={"kubernetes.io/hostname": "b"})
    assert plan(picky, [node("a"), node("b")]) == Place("b")
    words = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    assert plan(picky, [node("a")]) == Place(None, words)


@pytest.mark.parametrize(
    ("one", "waits"),
    [
        (pod(), True),
        (pod(nodeName=NODE), False),
        (pod(schedulerName="another"), False),
        (meta(pod(), deletionTimestamp=THEN), False),
    ],
)
def test_only_who_has_no_node_and_wants_ours_waits(one: Object, waits: bool) -> None:
    assert is_waiting(one) is waits


async def the_pod(api: FakeApi) -> Any:
    return await api.get("Pod", Key(SPACE, "web"))


async def test_it_binds_and_tells() -> None:
    api = FakeApi()
    await api.put(node())
    async with at_work(api, scheduler.controller):
        await api.create(pod("web"))
        await until(lambda: told(api, "Scheduled"))
    assert (await the_pod(api))["spec"]["nodeName"] == NODE
    assert await told(api, "Scheduled") == ["Successfully assigned lab/web to playground"]


async def test_who_waits_is_placed_when_a_node_comes() -> None:
    api = FakeApi()
    await api.create(pod("web"))
    async with at_work(api, scheduler.controller):
        await until(lambda: told(api, "FailedScheduling"))
        unscheduled = find_condition(await the_pod(api), "PodScheduled") or {}
        assert (unscheduled["status"], unscheduled["reason"]) == ("False", "Unschedulable")
        await api.put(node())
        await until(lambda: told(api, "Scheduled"))
    assert (find_condition(await the_pod(api), "PodScheduled") or {})["status"] == "True"


async def test_a_complaint_is_made_once_for_every_reason() -> None:
    api = FakeApi()
    await api.put(node(unschedulable=True))
    await api.create(pod("web"))
    async with at_work(api, scheduler.controller):
        await until(lambda: told(api, "FailedScheduling"))
        [closed] = await api.list("Node")
        await api.update(meta(closed, labels={"another": "label"}))
        await api.put(node("second", unschedulable=True))
        await until(lambda: two_complaints(api))
        await api.put(node("third"))
        await until(lambda: told(api, "Scheduled"))
    complaints = [one for one in await api.list("Event") if one["reason"] == "FailedScheduling"]
    assert [one["count"] for one in complaints] == [1, 1]


async def two_complaints(api: FakeApi) -> bool:
    return len(await told(api, "FailedScheduling")) == 2
