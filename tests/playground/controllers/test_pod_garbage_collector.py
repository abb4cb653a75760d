"""Pods that no kubelet will end: those of a node that does not exist, and those without one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from canarylab.kube_objects import Key, key_of, parse_timestamp
from canarylab.playground.controllers import namespace, replicaset
from canarylab.playground.controllers.pod_garbage_collector import (
    QUARANTINE,
    failed_status,
    make_controller,
    plan,
)
from canarylab.playground.kube.api import WatchEvent
from tests.playground.api_contract import namespace as a_namespace
from tests.playground.controllers.builders import (
    NODE,
    SPACE,
    THEN,
    meta,
    pod,
    pods,
    replica_set,
    running_controllers,
    template,
)
from tests.playground.controllers.builders import node as a_node
from tests.playground.fake_api import FakeApi
from tests.waiting import until

NOW = parse_timestamp(THEN)
GHOST = Key("", "ghost")
LOST = pod("lost", nodeName="ghost")
ENDING = meta(pod("ending"), deletionTimestamp=THEN)
SECOND = timedelta(seconds=1)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(
    ("node", "found"),
    [("ghost", ["lost"]), ("", ["ending"]), ("other", [])],
    ids=["of a node", "without a node", "of another"],
)
def test_the_pods_of_a_node_are_chosen(node: str, found: list[str]) -> None:
    chosen = plan(node, [LOST, ENDING, pod("waiting")])
    assert [one["metadata"]["name"] for one in chosen] == found


def test_a_pod_of_a_missing_node_has_failed_and_says_why() -> None:
    scheduled = {"type": "PodScheduled", "status": "True"}
    known = meta({**LOST, "status": {"phase": "Pending", "conditions": [scheduled]}}, generation=2)
    assert failed_status(known, NOW) == {
        "phase": "Failed",
        "observedGeneration": 2,
        "conditions": [
            scheduled,
            {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "DeletionByPodGC",
                "message": "PodGC: node no longer exists",
                "lastProbeTime": None,
                "lastTransitionTime": THEN,
                "observedGeneration": 2,
            },
        ],
    }


def test_a_pod_that_never_had_a_node_has_failed_without_a_condition() -> None:
    assert failed_status(meta(ENDING, generation=1), NOW) == {
        "phase": "Failed",
        "observedGeneration": 1,
    }


async def test_a_node_is_missing_for_a_while_before_its_pods_are_deleted() -> None:
    api, clock = FakeApi(), Clock()
    reconcile = make_controller(clock).reconcile
    await api.put(LOST)
    assert await reconcile(api, GHOST) == QUARANTINE.total_seconds() == 40
    clock.now += QUARANTINE - SECOND
    assert await reconcile(api, GHOST) == 1
    assert len(await pods(api)) == 1
    clock.now += SECOND
    assert await reconcile(api, GHOST) is None
    assert await pods(api) == []
    assert api.writes[-2:] == [("update_status", "Pod", "lost"), ("remove", "Pod", "lost")]


async def test_a_node_that_registers_keeps_its_pods() -> None:
    api, clock = FakeApi(), Clock()
    reconcile = make_controller(clock).reconcile
    await api.put(LOST)
    await reconcile(api, GHOST)
    await api.put(a_node("ghost"))
    clock.now += QUARANTINE
    assert await reconcile(api, GHOST) is None
    await api.delete("Node", GHOST)
    assert await reconcile(api, GHOST) == 40
    assert len(await pods(api)) == 1


async def test_the_next_pods_of_a_missing_node_have_a_quarantine_of_their_own() -> None:
    api, clock = FakeApi(), Clock()
    reconcile = make_controller(clock).reconcile
    await api.put(LOST)
    await reconcile(api, GHOST)
    clock.now += QUARANTINE
    await reconcile(api, GHOST)
    await api.put(pod("next", nodeName="ghost"))
    assert await reconcile(api, GHOST) == 40


async def test_a_pod_that_has_ended_keeps_its_phase() -> None:
    api, clock = FakeApi(), Clock()
    reconcile = make_controller(clock).reconcile
    await api.put({**meta(LOST, finalizers=["x.io/y"]), "status": {"phase": "Succeeded"}})
    await reconcile(api, GHOST)
    clock.now += QUARANTINE
    await reconcile(api, GHOST)
    [left] = await pods(api)
    assert (left["status"], "deletionTimestamp" in left["metadata"]) == (
        {"phase": "Succeeded"},
        True,
    )


async def test_a_pod_that_ends_without_a_node_fails_at_once() -> None:
    api = FakeApi()
    held = await api.put(meta(pod("held"), finalizers=["x.io/y"]))
    async with running_controllers(api, make_controller()):
        await api.delete("Pod", key_of(held))

        async def has_failed() -> bool:
            [left] = await pods(api)
            return bool(left["status"]["phase"] == "Failed")

        await until(has_failed)


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        (WatchEvent("ADDED", LOST), [GHOST]),
        (WatchEvent("DELETED", LOST), []),
        (WatchEvent("MODIFIED", ENDING), [Key("", "")]),
        (WatchEvent("ADDED", pod("waiting")), []),
        (WatchEvent("ADDED", pod("running", nodeName=NODE)), []),
    ],
    ids=["lost", "gone", "ending without a node", "waiting", "on its node"],
)
async def test_only_pods_without_a_kubelet_are_looked_at(
    event: WatchEvent, keys: list[Key]
) -> None:
    api = FakeApi()
    await api.put(a_node())
    assert list(await make_controller().watches["Pod"](api, event)) == keys


async def test_a_namespace_with_a_pod_of_a_missing_node_is_removed() -> None:
    api, clock = FakeApi(), Clock()
    collector = make_controller(clock)
    await api.create(a_namespace(SPACE))
    await api.create(LOST)

    async def is_terminating() -> bool:
        return all("deletionTimestamp" in one["metadata"] for one in await pods(api))

    async def is_gone() -> bool:
        return await api.list("Namespace") == []

    await collector.reconcile(api, GHOST)
    clock.now += QUARANTINE
    async with running_controllers(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await until(is_terminating)
        await collector.reconcile(api, GHOST)
        await until(is_gone)


async def test_a_replica_set_replaces_what_is_deleted() -> None:
    api, clock = FakeApi(), Clock()
    collector = make_controller(clock)
    owner = replica_set(1, template=template(nodeName="ghost"))

    async def names() -> set[str]:
        return {one["metadata"]["name"] for one in await pods(api)}

    async def has_one(*, besides: set[str]) -> bool:
        return len(await names() - besides) == 1

    async with running_controllers(api, replicaset.controller):
        await api.create(owner)
        await until(lambda: has_one(besides=set()))
        before: set[str] = await names()
        await collector.reconcile(api, GHOST)
        clock.now += QUARANTINE
        await collector.reconcile(api, GHOST)
        await until(lambda: has_one(besides=before))
