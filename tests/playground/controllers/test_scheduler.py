from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Key, Object, find_condition, key_of
from canarylab.playground.controllers import scheduler
from canarylab.playground.controllers.scheduler import ScheduleResult, is_unscheduled, plan
from tests.playground.controllers.builders import (
    NODE,
    SPACE,
    THEN,
    event_messages,
    meta,
    node,
    pod,
    running_controllers,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

UNHELPFUL = "Preemption is not helpful for scheduling"


def preemption(why: str, *, of: int = 1) -> str:
    """The end of the message."""
    return f"no new claims to deallocate, preemption: 0/{of} nodes are available: {of} {why}."


def test_a_pod_goes_to_the_first_node_that_takes_it() -> None:
    assert plan(pod(), [node("full", unschedulable=True), node("free")]) == ScheduleResult("free")


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([], "no nodes available to schedule pods"),
        (
            [node(unschedulable=True)],
            f"0/1 nodes are available: 1 node(s) were unschedulable. {preemption(UNHELPFUL)}",
        ),
        (
            [node(ready=False)],
            f"0/1 nodes are available: 1 node(s) had untolerated taint(s). {preemption(UNHELPFUL)}",
        ),
        (
            [node("a", unschedulable=True), node("b", unschedulable=True), node("c", ready=False)],
            "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) were "
            f"unschedulable. {preemption(UNHELPFUL, of=3)}",
        ),
    ],
)
def test_without_a_node_the_message_says_why(nodes: list[Object], why: str) -> None:
    assert plan(pod(), nodes) == ScheduleResult(None, why)


async def test_a_pod_that_waits_has_a_condition_with_the_fields_of_a_pods() -> None:
    api = FakeApi()
    await api.put(node(unschedulable=True))
    waiting = await api.put(pod())
    await scheduler.reconcile(api, key_of(waiting))
    [condition] = (await api.get("Pod", key_of(waiting)))["status"]["conditions"]
    assert condition.keys() == {
        "lastProbeTime", "lastTransitionTime", "message", "observedGeneration", "reason",
        "status", "type",
    }  # fmt: skip


def test_a_node_selector_must_match() -> None:
    selective = pod(nodeSelector={"kubernetes.io/hostname": "b"})
    assert plan(selective, [node("a"), node("b")]) == ScheduleResult("b")
    words = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    message = f"{words} {preemption(UNHELPFUL)}"
    assert plan(selective, [node("a")]) == ScheduleResult(None, message)


IMPOSSIBLE = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}]}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"tolerations": [{"key": "another", "operator": "Exists"}]},
        {
            "affinity": {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": IMPOSSIBLE}
            }
        },
        {
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
            ]
        },
        {"priorityClassName": "none"},
        {"schedulingGates": [{"name": "example.com/closed"}]},
    ],
)
def test_taints_affinity_and_their_like_have_no_effect(spec: dict[str, Any]) -> None:
    tainted = node("a", taints=[{"key": "canary", "effect": "NoSchedule"}])
    assert plan(pod(**spec), [tainted]) == ScheduleResult("a")


@pytest.mark.parametrize(
    ("one", "waits"),
    [
        (pod(), True),
        (pod(nodeName=NODE), False),
        (pod(schedulerName="another"), False),
        (meta(pod(), deletionTimestamp=THEN), False),
    ],
)
def test_only_pods_without_a_node_and_of_this_scheduler_are_unscheduled(
    one: Object, waits: bool
) -> None:
    assert is_unscheduled(one) is waits


async def the_pod(api: FakeApi) -> Any:
    return await api.get("Pod", Key(SPACE, "web"))


async def test_a_bound_pod_gets_an_event() -> None:
    api = FakeApi()
    await api.put(node())
    async with running_controllers(api, scheduler.controller):
        await api.create(pod("web"))
        await until(lambda: event_messages(api, "Scheduled"))
    assert (await the_pod(api))["spec"]["nodeName"] == NODE
    assert await event_messages(api, "Scheduled") == ["Successfully assigned lab/web to playground"]


async def test_a_waiting_pod_is_bound_when_a_node_comes() -> None:
    api = FakeApi()
    await api.create(pod("web"))
    async with running_controllers(api, scheduler.controller):
        await until(lambda: event_messages(api, "FailedScheduling"))
        unscheduled = find_condition(await the_pod(api), "PodScheduled") or {}
        assert (unscheduled["status"], unscheduled["reason"]) == ("False", "Unschedulable")
        await api.put(node())
        await until(lambda: event_messages(api, "Scheduled"))
    assert (find_condition(await the_pod(api), "PodScheduled") or {})["status"] == "True"


async def test_a_failure_is_reported_once_for_every_message() -> None:
    api = FakeApi()
    await api.put(node(unschedulable=True))
    await api.create(pod("web"))
    async with running_controllers(api, scheduler.controller):
        await until(lambda: event_messages(api, "FailedScheduling"))
        [closed] = await api.list("Node")
        await api.update(meta(closed, labels={"another": "label"}))
        await api.put(node("second", unschedulable=True))
        await until(lambda: two_failures(api))
        await api.put(node("third"))
        await until(lambda: event_messages(api, "Scheduled"))
    failures = [one for one in await api.list("Event") if one["reason"] == "FailedScheduling"]
    assert [one["count"] for one in failures] == [1, 1]


async def two_failures(api: FakeApi) -> bool:
    return len(await event_messages(api, "FailedScheduling")) == 2


def full_node(most: int) -> Object:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {
        "metadata": {"name": "here"},
        "spec": {},
        "status": {**ready, "allocatable": {"pods": str(most)}},
    }


def test_a_node_takes_no_more_pods_than_it_can_run() -> None:
    bound = {"metadata": {"name": "a"}, "spec": {"nodeName": "here"}}
    assert plan({"spec": {}}, [full_node(2)], [bound]).node == "here"
    full = plan({"spec": {}}, [full_node(2)], [bound, bound])
    no_victims = preemption("No preemption victims found for incoming pod")
    assert full.message == f"0/1 nodes are available: 1 Too many pods. {no_victims}"


def test_a_pod_that_has_finished_leaves_its_place() -> None:
    done = {"metadata": {}, "spec": {"nodeName": "here"}, "status": {"phase": "Succeeded"}}
    assert plan({"spec": {}}, [full_node(1)], [done]).node == "here"
