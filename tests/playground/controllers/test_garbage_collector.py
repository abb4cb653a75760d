from __future__ import annotations

from typing import Any

from canarylab.kube_objects import Key, Object, owner_reference
from canarylab.playground.controllers import garbage_collector
from canarylab.playground.controllers.garbage_collector import (
    Deletion,
    GarbagePlan,
    OwnerAndDependants,
    keys_for_owners,
    plan,
)
from canarylab.playground.kube.api import (
    FOREGROUND_FINALIZER,
    ORPHAN_FINALIZER,
    DeleteOptions,
    WatchEvent,
)
from tests.playground.controllers.builders import (
    SPACE,
    THEN,
    deployment,
    meta,
    owned,
    pod,
    pods,
    replica_set,
    running_controllers,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

OWNER = meta(replica_set(), uid="u-owner")
OTHER = meta(replica_set(name="web-2"), uid="u-other")


def dependant(uid: str = "u-pod", **fields: Any) -> Object:
    return meta(owned(pod(), OWNER), uid=uid, **fields)


def shared() -> Object:
    """A pod with two owners."""
    return meta(
        pod(), uid="u-pod", ownerReferences=[owner_reference(OWNER), owner_reference(OTHER)]
    )


def test_a_dependant_without_owners_is_deleted() -> None:
    orphan = dependant()
    assert plan(OwnerAndDependants(None, [orphan], absent={"u-owner"})).delete == [Deletion(orphan)]


def test_a_dependant_with_another_owner_only_loses_the_reference() -> None:
    todo = plan(OwnerAndDependants(None, [shared()], absent={"u-owner"}))
    assert [one["metadata"]["ownerReferences"] for one in todo.update] == [[owner_reference(OTHER)]]
    assert todo.delete == []


def test_a_dependant_is_deleted_when_both_owners_are_gone() -> None:
    todo = plan(OwnerAndDependants(None, [shared()], absent={"u-owner", "u-other"}))
    assert len(todo.delete) == 1


def test_an_owner_that_was_just_created_is_not_absent() -> None:
    assert plan(OwnerAndDependants(None, [dependant()], absent=set())) == GarbagePlan([], [])


def test_a_terminating_dependant_is_not_deleted_again() -> None:
    terminating = dependant(deletionTimestamp=THEN)
    assert plan(OwnerAndDependants(None, [terminating], absent={"u-owner"})) == GarbagePlan([], [])


def test_an_owner_that_stays_keeps_its_dependants() -> None:
    assert plan(OwnerAndDependants(OWNER, [dependant()])) == GarbagePlan()


def test_foreground_deletion_deletes_dependants_first() -> None:
    owner = meta(OWNER, finalizers=[FOREGROUND_FINALIZER], deletionTimestamp=THEN)
    todo = plan(OwnerAndDependants(owner, [dependant()]))
    assert [one.propagation for one in todo.delete] == ["Background"]
    assert todo.update == ()


def test_foreground_deletion_goes_on_to_dependants_of_dependants() -> None:
    owner = meta(OWNER, finalizers=[FOREGROUND_FINALIZER], deletionTimestamp=THEN)
    todo = plan(OwnerAndDependants(owner, [dependant()], owning={"u-pod"}))
    assert [one.propagation for one in todo.delete] == ["Foreground"]


def test_foreground_deletion_then_removes_the_finalizer() -> None:
    owner = meta(OWNER, finalizers=[FOREGROUND_FINALIZER, "somebody/else"], deletionTimestamp=THEN)
    [freed] = plan(OwnerAndDependants(owner, [])).update
    assert freed["metadata"]["finalizers"] == ["somebody/else"]


def test_foreground_deletion_ignores_dependants_that_do_not_block() -> None:
    owner = meta(OWNER, finalizers=[FOREGROUND_FINALIZER], deletionTimestamp=THEN)
    reference = {**owner_reference(OWNER), "blockOwnerDeletion": False}
    todo = plan(OwnerAndDependants(owner, [meta(pod(), uid="u-pod", ownerReferences=[reference])]))
    assert [one["metadata"]["finalizers"] for one in todo.update] == [[]]


def test_orphans_lose_the_reference_and_stay() -> None:
    owner = meta(OWNER, finalizers=[ORPHAN_FINALIZER], deletionTimestamp=THEN)
    orphan, freed = plan(OwnerAndDependants(owner, [dependant()])).update
    assert orphan["metadata"]["ownerReferences"] == []
    assert freed["metadata"]["finalizers"] == []


async def test_a_modified_dependant_reconciles_nothing() -> None:
    assert await keys_for_owners(FakeApi(), WatchEvent("MODIFIED", dependant())) == []


async def test_created_and_deleted_dependants_reconcile_the_owner() -> None:
    assert await keys_for_owners(FakeApi(), WatchEvent("ADDED", dependant())) == [
        Key(SPACE, "u-owner")
    ]
    keys = await keys_for_owners(FakeApi(), WatchEvent("DELETED", dependant()))
    assert keys == [Key(SPACE, "u-pod"), Key(SPACE, "u-owner")]


async def create_deployment_with_pods(api: FakeApi) -> None:
    """Deployment, ReplicaSet, two pods."""
    web = await api.create(deployment())
    owner = await api.create(owned(replica_set(), web))
    for name in ("one", "two"):
        await api.create(owned(pod(name), owner))


async def only_pods_are_left(api: FakeApi) -> bool:
    return not [*await api.list("Deployment"), *await api.list("ReplicaSet")]


async def test_deleting_a_deployment_deletes_its_replica_sets_and_pods() -> None:
    api = FakeApi()
    await create_deployment_with_pods(api)
    async with running_controllers(api, garbage_collector.controller):
        await api.delete("Deployment", Key(SPACE, "web"))
        await until(lambda: nothing_is_left(api))


async def nothing_is_left(api: FakeApi) -> bool:
    return await only_pods_are_left(api) and not await pods(api)


async def test_an_owner_deleted_before_the_start_is_noticed() -> None:
    api = FakeApi()
    await create_deployment_with_pods(api)
    await api.delete("Deployment", Key(SPACE, "web"))
    async with running_controllers(api, garbage_collector.controller):
        await until(lambda: nothing_is_left(api))


async def test_with_foreground_deletion_the_deployment_goes_last() -> None:
    api = FakeApi()
    await create_deployment_with_pods(api)
    async with running_controllers(api, garbage_collector.controller):
        options = DeleteOptions(propagation="Foreground")
        await api.delete("Deployment", Key(SPACE, "web"), options)
        await until(lambda: nothing_is_left(api))
    removed = [name for verb, _, name in api.writes if verb == "remove"]
    assert sorted(removed[:2]) == ["one", "two"]
    assert removed[2:] == ["web-1", "web"]


async def test_with_orphan_deletion_the_pods_stay() -> None:
    api = FakeApi()
    await create_deployment_with_pods(api)
    async with running_controllers(api, garbage_collector.controller):
        owner = Key(SPACE, "web-1")
        await api.delete("ReplicaSet", owner, DeleteOptions(propagation="Orphan"))
        await until(lambda: orphaned(api))
    assert len(await pods(api)) == 2


async def orphaned(api: FakeApi) -> bool:
    return await api.list("ReplicaSet") == [] and all(
        not one["metadata"].get("ownerReferences") for one in await pods(api)
    )


async def test_a_dependant_of_an_unknown_kind_is_left_alone() -> None:
    api = FakeApi()
    reference = {"apiVersion": "v1", "kind": "Unknown", "name": "x", "uid": "u-x"}
    await api.create(meta(pod("kept"), ownerReferences=[reference]))
    await create_deployment_with_pods(api)
    await api.delete("Deployment", Key(SPACE, "web"))
    async with running_controllers(api, garbage_collector.controller):
        await until(lambda: only_pods_are_left(api))
        await until(lambda: have_pods(api, 1))


async def have_pods(api: FakeApi, number: int) -> bool:
    return len(await pods(api)) == number
