from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import permutations, product
from typing import Any

import pytest

from canarylab.errors import ForbiddenError
from canarylab.kube_objects import Key, Object, controller_of, key_of, parse_timestamp, uid_of
from canarylab.playground.controllers import replicaset, scheduler
from canarylab.playground.controllers.pod_template import new_pod
from canarylab.playground.controllers.replicaset import (
    is_active,
    is_terminating_replica,
    next_available_after_s,
    plan,
    replica_set_status,
    scale_down_rank,
)
from canarylab.playground.kube.api import DeleteOptions
from tests.playground.controllers.builders import (
    SPACE,
    THEN,
    edit,
    event_messages,
    meta,
    node,
    pod,
    pods,
    ready_pods,
    replica_set,
    running_controllers,
    running_status,
    with_node,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until


def restarted(obj: Object, times: int) -> Object:
    return {**obj, "status": {**obj["status"], "containerStatuses": [{"restartCount": times}]}}


def ready_since(stamp: str) -> Object:
    return {**pod(ready=True), "status": running_status("127.64.0.2", ready=True, since=stamp)}


def pods_by_rank() -> list[Object]:
    """Pods in the order in which they are deleted."""
    return [
        pod(),
        {**pod(nodeName="playground"), "status": {"phase": "Pending"}},
        restarted(pod(ready=False), 3),
        pod(ready=False),
        ready_since(LATER),
        restarted(ready_since(THEN), 2),
        meta(ready_since(THEN), creationTimestamp=LATER),
        meta(ready_since(THEN), creationTimestamp=THEN),
    ]


def test_ranks_are_strictly_ordered() -> None:
    ranks = [scale_down_rank(one) for one in pods_by_rank()]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


def test_the_next_reconcile_is_when_the_next_pod_becomes_available() -> None:
    fleet = [ready_since(THEN), ready_since(LATER), pod(ready=False)]
    assert next_available_after_s(fleet, 30, NOW) == 20
    assert next_available_after_s(fleet, 5, NOW) == 5
    assert next_available_after_s(fleet, 0, NOW) is None


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        ({}, True),
        ({"status": {"phase": "Failed"}}, False),
        ({"status": {"phase": "Succeeded"}}, False),
        ({"metadata": {"deletionTimestamp": THEN}}, False),
    ],
)
def test_finished_and_terminating_pods_are_not_active(
    changes: dict[str, Any], active: bool
) -> None:
    assert is_active({**pod(ready=True), **changes}) is active


@pytest.mark.parametrize("phase", ["Running", "Succeeded", "Failed"])
def test_a_finished_pod_is_not_counted_as_terminating(phase: str) -> None:
    terminating = meta({**pod(), "status": {"phase": phase}}, deletionTimestamp=THEN)
    assert is_terminating_replica(terminating) is (phase == "Running")


LATER = "2026-11-22T21:42:19Z"
NOW = parse_timestamp(LATER)


@pytest.mark.parametrize(("wanted", "there"), [*product(range(6), range(6))])
def test_the_plan_leads_to_the_number_of_replicas(wanted: int, there: int) -> None:
    todo = plan(wanted, [pod(f"web-{number}") for number in range(there)])
    assert there + todo.create - len(todo.delete) == wanted
    assert not (todo.create and todo.delete)


def test_pods_are_deleted_by_rank_whatever_their_order() -> None:
    fleet = pods_by_rank()
    for shuffled in permutations(fleet[2:]):
        assert plan(3, list(shuffled)).delete == fleet[2:5]


def test_a_pod_is_built_from_the_template() -> None:
    owner = meta(replica_set(), uid="u-1")
    made = new_pod(owner)
    assert made["metadata"]["generateName"] == "web-1-"
    assert made["metadata"]["labels"] == owner["spec"]["template"]["metadata"]["labels"]
    assert (controller_of(made) or {})["uid"] == "u-1"
    assert made["spec"] is owner["spec"]["template"]["spec"]


def test_zeros_are_left_out_except_where_kubernetes_writes_them() -> None:
    owner = meta(replica_set(0), generation=1)
    said = {"observedGeneration": 1, "replicas": 0, "terminatingReplicas": 0}
    assert replica_set_status(owner, [], NOW) == said


def test_the_status_counts_every_kind_of_pod() -> None:
    ending = meta(pod(ready=True), deletionTimestamp=LATER)
    over = {**pod(ready=True), "status": {"phase": "Succeeded"}}
    unlike = meta(pod(ready=False), labels={"app": "nodeapp"})
    owner = meta(replica_set(), generation=2)
    assert replica_set_status(
        owner, [pod(ready=True), pod(ready=True), unlike, ending, over], NOW
    ) == {
        "availableReplicas": 2,
        "fullyLabeledReplicas": 2,
        "observedGeneration": 2,
        "readyReplicas": 2,
        "replicas": 3,
        "terminatingReplicas": 1,
    }


@pytest.mark.parametrize(("age_s", "available"), [(0, 0), (4, 0), (5, 1), (600, 1)])
def test_a_pod_is_available_after_min_ready_seconds(age_s: int, available: int) -> None:
    owner, ready = meta(replica_set(minReadySeconds=5), generation=1), [ready_since(THEN)]
    said = replica_set_status(owner, ready, parse_timestamp(THEN) + timedelta(seconds=age_s))
    assert said.get("availableReplicas", 0) == available


def test_without_min_ready_seconds_a_clock_that_is_set_back_changes_nothing() -> None:
    owner, ready = meta(replica_set(), generation=1), [ready_since(THEN)]
    before = parse_timestamp(THEN) - timedelta(seconds=120)
    assert replica_set_status(owner, ready, before)["availableReplicas"] == 1
    assert next_available_after_s(ready, 0, before) is None


async def counted(api: FakeApi, number: int) -> bool:
    return len(await ready_pods(api)) == len(await pods(api)) == number


async def test_it_converges_after_every_change_and_loss() -> None:
    api = FakeApi()
    await api.put(node())
    await api.create(replica_set(3))
    async with (
        with_node(api),
        running_controllers(api, replicaset.controller, scheduler.controller),
    ):
        await until(lambda: counted(api, 3))
        await api.delete("Pod", key_of((await pods(api))[0]))
        await until(lambda: counted(api, 3))
        for replicas in (1, 5, 0, 2):
            await edit(api, "ReplicaSet", "web-1", replicas=replicas)
            await until(partial(counted, api, replicas))


async def test_creating_and_deleting_pods_is_recorded_in_events() -> None:
    api = FakeApi()
    await api.create(replica_set(1))
    async with running_controllers(api, replicaset.controller):
        await until(lambda: event_messages(api, "SuccessfulCreate"))
        name = (await pods(api))[0]["metadata"]["name"]
        await edit(api, "ReplicaSet", "web-1", replicas=0)
        await until(lambda: event_messages(api, "SuccessfulDelete"))
    assert await event_messages(api, "SuccessfulCreate") == [f"Created pod: {name}"]
    assert await event_messages(api, "SuccessfulDelete") == [f"Deleted pod: {name}"]


async def test_a_matching_orphan_is_adopted() -> None:
    api = FakeApi()
    await api.create(pod("orphan"))
    await api.create(replica_set(1))
    async with running_controllers(api, replicaset.controller):
        await until(lambda: told_status(api, 1))
    [only] = await pods(api)
    assert (only["metadata"]["name"], (controller_of(only) or {})["name"]) == ("orphan", "web-1")


async def test_an_orphan_that_comes_later_is_adopted_and_a_surplus_pod_deleted() -> None:
    api = FakeApi()
    await api.create(replica_set(1))
    async with running_controllers(api, replicaset.controller):
        await until(lambda: told_status(api, 1))
        await api.create(pod("orphan"))
        await until(lambda: event_messages(api, "SuccessfulDelete"))
    assert len(await pods(api)) == 1


async def test_a_pod_that_no_longer_matches_is_released_and_replaced() -> None:
    api = FakeApi()
    await api.create(replica_set(1))
    async with running_controllers(api, replicaset.controller):
        await until(lambda: told_status(api, 1))
        [first] = await pods(api)
        await api.update(meta(first, labels={"app": "free"}))
        await until(lambda: have_pods(api, 2))
    free = await api.get("Pod", key_of(first))
    assert controller_of(free) is None


async def test_a_pod_of_an_earlier_replica_set_of_the_same_name_is_not_claimed() -> None:
    api = FakeApi()
    earlier = {**replica_set(1)["metadata"], "uid": "earlier"}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": earlier}
    reference = {"kind": "ReplicaSet", "name": "web-1", "uid": uid_of(owner), "controller": True}
    await api.create(meta(pod("theirs"), ownerReferences=[reference]))
    await api.create(replica_set(1))
    async with running_controllers(api, replicaset.controller):
        await until(lambda: have_pods(api, 2))


async def test_a_terminating_replica_set_creates_no_pods() -> None:
    api = FakeApi()
    made = await api.create(replica_set(2))
    await api.delete("ReplicaSet", key_of(made), DeleteOptions(propagation="Foreground"))
    async with running_controllers(api, replicaset.controller):
        await until(lambda: told_status(api, 0))
    assert await pods(api) == []


async def have_pods(api: FakeApi, number: int) -> bool:
    return len(await pods(api)) == number


async def told_status(api: FakeApi, replicas: int) -> bool:
    said = (await api.get("ReplicaSet", Key(SPACE, "web-1"))).get("status", {})
    return bool(said.get("replicas") == replicas)


class WithoutAccount(FakeApi):
    """Refuses pods, as long as their account is missing."""

    refuses = True

    async def create(self, obj: Object) -> Object:
        if obj["kind"] == "Pod" and self.refuses:
            raise ForbiddenError("pods", "", "web-1-", "no account")
        return await super().create(obj)


async def test_refused_pods_are_a_condition_until_they_are_made() -> None:
    api = WithoutAccount()
    made = await api.create(replica_set(1))
    with pytest.raises(ForbiddenError):
        await replicaset.reconcile(api, key_of(made))
    [condition] = (await api.get("ReplicaSet", key_of(made)))["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "ReplicaFailure",
        "True",
        "FailedCreate",
    )
    assert condition["message"] == 'pods "web-1-" is forbidden: no account'
    api.refuses = False
    await replicaset.reconcile(api, key_of(made))
    assert "conditions" not in (await api.get("ReplicaSet", key_of(made)))["status"]
