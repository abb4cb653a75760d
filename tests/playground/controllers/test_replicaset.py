from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import permutations, product

import pytest

from canarylab.playground.controllers import replicaset, scheduler
from canarylab.playground.controllers.replicaset import Plan, plan, pod_from, status
from canarylab.playground.kube.api import DeleteOptions, Key, Object
from canarylab.playground.kube.objects import controller_of, key_of, parse_timestamp, uid_of
from tests.playground.controllers.test_pods import a_fleet, ready_since
from tests.playground.controllers.world import (
    SPACE,
    THEN,
    at_work,
    edit,
    meta,
    node,
    pod,
    pods,
    ready_pods,
    replica_set,
    told,
    with_node,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

LATER = "2026-11-22T21:42:19Z"
NOW = parse_timestamp(LATER)


@pytest.mark.parametrize(("wanted", "there"), [*product(range(6), range(6))])
def test_the_plan_comes_to_the_wanted_number(wanted: int, there: int) -> None:
    todo = plan(wanted, [pod(f"web-{number}") for number in range(there)])
    assert there + todo.create - len(todo.delete) == wanted
    assert not (todo.create and todo.delete)


def test_the_least_useful_goes_first_whatever_the_order() -> None:
    fleet = a_fleet()
    for shuffled in permutations(fleet[2:]):
        assert plan(3, list(shuffled)).delete == fleet[2:5]


def test_a_pod_is_cut_from_the_template() -> None:
    owner = meta(replica_set(), uid="u-1")
    made = pod_from(owner)
    assert made["metadata"]["generateName"] == "web-1-"
    assert made["metadata"]["labels"] == owner["spec"]["template"]["metadata"]["labels"]
    assert (controller_of(made) or {})["uid"] == "u-1"
    assert made["spec"] is owner["spec"]["template"]["spec"]


def test_a_zero_is_said_only_where_kubernetes_says_it() -> None:
    owner = meta(replica_set(0), generation=1)
    said = {"observedGeneration": 1, "replicas": 0, "terminatingReplicas": 0}
    assert status(owner, [], NOW) == said


def test_the_status_counts_every_kind_of_pod() -> None:
    ending = meta(pod(ready=True), deletionTimestamp=LATER)
    over = {**pod(ready=True), "status": {"phase": "Succeeded"}}
    unlike = meta(pod(ready=False), labels={"app": "nodeapp"})
    owner = meta(replica_set(), generation=2)
    assert status(owner, [pod(ready=True), pod(ready=True), unlike, ending, over], NOW) == {
        "availableReplicas": 2,
        "fullyLabeledReplicas": 2,
        "observedGeneration": 2,
        "readyReplicas": 2,
        "replicas": 3,
        "terminatingReplicas": 1,
    }


@pytest.mark.parametrize(("age_s", "available"), [(0, 0), (4, 0), (5, 1), (600, 1)])
def test_a_pod_is_available_after_its_time_of_proof(age_s: int, available: int) -> None:
    owner, ready = meta(replica_set(minReadySeconds=5), generation=1), [ready_since(THEN)]
    said = status(owner, ready, parse_timestamp(THEN) + timedelta(seconds=age_s))
    assert said.get("availableReplicas", 0) == available


async def counted(api: FakeApi, number: int) -> bool:
    return len(await ready_pods(api)) == len(await pods(api)) == number


async def test_it_converges_after_every_change_and_loss() -> None:
    api = FakeApi()
    await api.put(node())
    await api.create(replica_set(3))
    async with with_node(api), at_work(api, replicaset.controller, scheduler.controller):
        await until(lambda: counted(api, 3))
        await api.delete("Pod", key_of((await pods(api))[0]))
        await until(lambda: counted(api, 3))
        for replicas in (1, 5, 0, 2):
            await edit(api, "ReplicaSet", "web-1", replicas=replicas)
            await until(partial(counted, api, replicas))


async def test_it_tells_what_it_did() -> None:
    api = FakeApi()
    await api.create(replica_set(1))
    async with at_work(api, replicaset.controller):
        await until(lambda: told(api, "SuccessfulCreate"))
        name = (await pods(api))[0]["metadata"]["name"]
        await edit(api, "ReplicaSet", "web-1", replicas=0)
        await until(lambda: told(api, "SuccessfulDelete"))
    assert await told(api, "SuccessfulCreate") == [f"Created pod: {name}"]
    assert await told(api, "SuccessfulDelete") == [f"Deleted pod: {name}"]


async def test_an_orphan_that_fits_is_adopted() -> None:
    api = FakeApi()
    await api.create(pod("orphan"))
    await api.create(replica_set(1))
    async with at_work(api, replicaset.controller):
        await until(lambda: told_status(api, 1))
    [only] = await pods(api)
    assert (only["metadata"]["name"], (controller_of(only) or {})["name"]) == ("orphan", "web-1")


async def test_an_orphan_that_comes_later_is_adopted_and_one_too_many() -> None:
    api = FakeApi()
    await api.create(replica_set(1))
    async with at_work(api, replicaset.controller):
        await until(lambda: told_status(api, 1))
        await api.create(pod("orphan"))
        await until(lambda: told(api, "SuccessfulDelete"))
    assert len(await pods(api)) == 1


async def test_a_pod_that_no_longer_fits_is_let_go_and_replaced() -> None:
    api = FakeApi()
    await api.create(replica_set(1))
    async with at_work(api, replicaset.controller):
        await until(lambda: told_status(api, 1))
        [first] = await pods(api)
        await api.update(meta(first, labels={"app": "free"}))
        await until(lambda: have_pods(api, 2))
    free = await api.get("Pod", key_of(first))
    assert controller_of(free) is None


async def test_names_return_and_uids_do_not() -> None:
    """A pod of an earlier ReplicaSet of the same name is not ours."""
    api = FakeApi()
    stranger = {**replica_set(1)["metadata"], "uid": "earlier"}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": stranger}
    reference = {"kind": "ReplicaSet", "name": "web-1", "uid": uid_of(owner), "controller": True}
    await api.create(meta(pod("theirs"), ownerReferences=[reference]))
    await api.create(replica_set(1))
    async with at_work(api, replicaset.controller):
        await until(lambda: have_pods(api, 2))


async def test_a_replica_set_on_its_way_out_makes_no_more_pods() -> None:
    api = FakeApi()
    made = await api.create(replica_set(2))
    await api.delete("ReplicaSet", key_of(made), DeleteOptions(propagation="Foreground"))
    async with at_work(api, replicaset.controller):
        await until(lambda: told_status(api, 0))
    assert await pods(api) == []


async def test_the_plan_can_be_somebody_elses() -> None:
    def always_one_more(wanted: int, there: list[Object]) -> Plan:
        return Plan(create=max(0, wanted + 1 - len(there)), delete=[])

    api = FakeApi()
    await api.create(replica_set(2))
    async with at_work(api, replicaset.controller_with(always_one_more)):
        await until(lambda: told_status(api, 3))


async def have_pods(api: FakeApi, number: int) -> bool:
    return len(await pods(api)) == number


async def told_status(api: FakeApi, replicas: int) -> bool:
    said = (await api.get("ReplicaSet", Key(SPACE, "web-1"))).get("status", {})
    return bool(said.get("replicas") == replicas)
