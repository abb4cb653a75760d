from __future__ import annotations

from typing import Any

from canarylab.playground.controllers import garbage
from canarylab.playground.controllers.garbage import (
    FOREGROUND,
    ORPHAN,
    Deletion,
    Family,
    Plan,
    affected,
    plan,
)
from canarylab.playground.kube.api import DeleteOptions, Key, Object, WatchEvent
from canarylab.playground.kube.objects import owner_reference
from tests.playground.controllers.world import (
    SPACE,
    THEN,
    at_work,
    deployment,
    meta,
    owned,
    pod,
    pods,
    replica_set,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

OWNER = meta(replica_set(), uid="u-owner")
OTHER = meta(replica_set(name="web-2"), uid="u-other")


def dependant(uid: str = "u-pod", **fields: Any) -> Object:
    return meta(owned(pod(), OWNER), uid=uid, **fields)


def shared() -> Object:
    """It has two owners."""
    return meta(
        pod(), uid="u-pod", ownerReferences=[owner_reference(OWNER), owner_reference(OTHER)]
    )


def test_who_has_no_owner_left_goes() -> None:
    orphan = dependant()
    assert plan(Family(None, [orphan], gone={"u-owner"})).delete == [Deletion(orphan)]


def test_who_has_another_owner_only_forgets_this_one() -> None:
    todo = plan(Family(None, [shared()], gone={"u-owner"}))
    assert [one["metadata"]["ownerReferences"] for one in todo.update] == [[owner_reference(OTHER)]]
    assert todo.delete == []


def test_with_both_owners_gone_it_goes() -> None:
    todo = plan(Family(None, [shared()], gone={"u-owner", "u-other"}))
    assert len(todo.delete) == 1


def test_an_owner_that_came_just_now_is_not_gone() -> None:
    assert plan(Family(None, [dependant()], gone=set())) == Plan([], [])


def test_who_is_on_its_way_out_is_not_told_twice() -> None:
    leaving = dependant(deletionTimestamp=THEN)
    assert plan(Family(None, [leaving], gone={"u-owner"})) == Plan([], [])


def test_an_owner_that_stays_keeps_its_own() -> None:
    assert plan(Family(OWNER, [dependant()])) == Plan()


def test_in_the_foreground_dependants_go_first() -> None:
    owner = meta(OWNER, finalizers=[FOREGROUND], deletionTimestamp=THEN)
    todo = plan(Family(owner, [dependant()]))
    assert [one.propagation for one in todo.delete] == ["Background"]
    assert todo.update == ()


def test_each_after_its_own_dependants() -> None:
    owner = meta(OWNER, finalizers=[FOREGROUND], deletionTimestamp=THEN)
    todo = plan(Family(owner, [dependant()], parents={"u-pod"}))
    assert [one.propagation for one in todo.delete] == ["Foreground"]


def test_then_the_owner_is_free() -> None:
    owner = meta(OWNER, finalizers=[FOREGROUND, "somebody/else"], deletionTimestamp=THEN)
    [freed] = plan(Family(owner, [])).update
    assert freed["metadata"]["finalizers"] == ["somebody/else"]


def test_nobody_waits_for_a_dependant_that_does_not_block() -> None:
    owner = meta(OWNER, finalizers=[FOREGROUND], deletionTimestamp=THEN)
    reference = {**owner_reference(OWNER), "blockOwnerDeletion": False}
    todo = plan(Family(owner, [meta(pod(), uid="u-pod", ownerReferences=[reference])]))
    assert [one["metadata"]["finalizers"] for one in todo.update] == [[]]


def test_orphans_forget_their_owner_and_stay() -> None:
    owner = meta(OWNER, finalizers=[ORPHAN], deletionTimestamp=THEN)
    orphan, freed = plan(Family(owner, [dependant()])).update
    assert orphan["metadata"]["ownerReferences"] == []
    assert freed["metadata"]["finalizers"] == []


async def test_a_change_of_no_consequence_is_no_reason_to_look() -> None:
    assert await affected(FakeApi(), WatchEvent("MODIFIED", dependant())) == []


async def test_coming_and_going_concern_the_owner() -> None:
    assert await affected(FakeApi(), WatchEvent("ADDED", dependant())) == [Key(SPACE, "u-owner")]
    keys = await affected(FakeApi(), WatchEvent("DELETED", dependant()))
    assert keys == [Key(SPACE, "u-pod"), Key(SPACE, "u-owner")]


async def a_family(api: FakeApi) -> None:
    """Deployment, ReplicaSet, two pods."""
    web = await api.create(deployment())
    owner = await api.create(owned(replica_set(), web))
    for name in ("one", "two"):
        await api.create(owned(pod(name), owner))


async def only_pods_are_left(api: FakeApi) -> bool:
    return not [*await api.list("Deployment"), *await api.list("ReplicaSet")]


async def test_a_family_goes_with_its_head() -> None:
    api = FakeApi()
    await a_family(api)
    async with at_work(api, garbage.controller):
        await api.delete("Deployment", Key(SPACE, "web"))
        await until(lambda: nobody_is_left(api))


async def nobody_is_left(api: FakeApi) -> bool:
    return await only_pods_are_left(api) and not await pods(api)


async def test_a_head_that_went_while_nobody_watched_is_missed_all_the_same() -> None:
    api = FakeApi()
    await a_family(api)
    await api.delete("Deployment", Key(SPACE, "web"))
    async with at_work(api, garbage.controller):
        await until(lambda: nobody_is_left(api))


async def test_in_the_foreground_the_head_goes_last() -> None:
    api = FakeApi()
    await a_family(api)
    async with at_work(api, garbage.controller):
        options = DeleteOptions(propagation="Foreground")
        await api.delete("Deployment", Key(SPACE, "web"), options)
        await until(lambda: nobody_is_left(api))
    removed = [name for verb, _, name in api.writes if verb == "remove"]
    assert sorted(removed[:2]) == ["one", "two"]
    assert removed[2:] == ["web-1", "web"]


async def test_orphans_stay() -> None:
    api = FakeApi()
    await a_family(api)
    async with at_work(api, garbage.controller):
        owner = Key(SPACE, "web-1")
        await api.delete("ReplicaSet", owner, DeleteOptions(propagation="Orphan"))
        await until(lambda: orphaned(api))
    assert len(await pods(api)) == 2


async def orphaned(api: FakeApi) -> bool:
    return await api.list("ReplicaSet") == [] and all(
        not one["metadata"].get("ownerReferences") for one in await pods(api)
    )


async def test_who_belongs_to_something_we_do_not_know_is_left_alone() -> None:
    api = FakeApi()
    reference = {"apiVersion": "v1", "kind": "Unknown", "name": "x", "uid": "u-x"}
    await api.create(meta(pod("kept"), ownerReferences=[reference]))
    await a_family(api)
    await api.delete("Deployment", Key(SPACE, "web"))
    async with at_work(api, garbage.controller):
        await until(lambda: only_pods_are_left(api))
        await until(lambda: have_pods(api, 1))


async def have_pods(api: FakeApi, number: int) -> bool:
    return len(await pods(api)) == number
