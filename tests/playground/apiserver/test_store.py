"""The store and its subscriptions."""

from __future__ import annotations

import asyncio

import pytest

from canarylab.errors import GoneError
from canarylab.kube_objects import Key, Object
from canarylab.playground.apiserver.store import (
    SENT_TOGETHER,
    Change,
    Limit,
    PlannedWrite,
    Store,
    Subscription,
)


def thing(name: str, **fields: object) -> Object:
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": "lab"}, **fields}


def put(store: Store, name: str, **fields: object) -> Object:
    return store.commit(PlannedWrite("write", thing(name, **fields)))


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.type, change.object["metadata"]["name"]) for change in changes]


async def take(subscription: Subscription) -> list[Change]:
    async with asyncio.timeout(5):
        return await subscription.take()


def test_every_write_increases_the_resource_version() -> None:
    store = Store()
    versions = [put(store, name)["metadata"]["resourceVersion"] for name in ("a", "b", "a")]
    assert versions == ["1", "2", "3"]


def test_a_write_does_not_change_objects_that_were_read() -> None:
    store = Store()
    before = put(store, "a", data={"n": "1"})
    put(store, "a", data={"n": "2"})
    assert before["data"] == {"n": "1"}
    assert before["metadata"]["resourceVersion"] == "1"


def test_a_removed_object_is_not_found() -> None:
    store = Store()
    store.commit(PlannedWrite("remove", put(store, "a")))
    assert store.find("ConfigMap", Key("lab", "a")) is None


def test_a_write_of_nothing_changes_nothing() -> None:
    store = Store()
    before = put(store, "a")
    assert store.commit(PlannedWrite("none", before)) is before
    assert store.version == 1


def test_lists_are_in_the_order_of_names() -> None:
    store = Store()
    for name in ("c", "a", "b"):
        put(store, name)
    names = [obj["metadata"]["name"] for obj in store.all("ConfigMap", "lab")]
    assert names == ["a", "b", "c"]


async def test_a_subscription_gets_later_changes() -> None:
    store = Store()
    put(store, "old")
    subscription = store.subscribe("ConfigMap")
    put(store, "new")
    assert told(await take(subscription)) == [("ADDED", "new")]


async def test_a_subscription_can_begin_at_an_earlier_version() -> None:
    store = Store()
    for name in ("a", "b", "a"):
        put(store, name)
    subscription = store.subscribe("ConfigMap", since=1)
    assert told(await take(subscription)) == [("ADDED", "b"), ("MODIFIED", "a")]


async def test_a_removal_has_a_version_of_its_own() -> None:
    store = Store()
    made = put(store, "a")
    subscription = store.subscribe("ConfigMap")
    store.commit(PlannedWrite("remove", made))
    (change,) = await take(subscription)
    assert (change.type, change.object["metadata"]["resourceVersion"]) == ("DELETED", "2")


def test_a_version_before_the_history_is_gone() -> None:
    store = Store(history=Limit(2))
    for name in ("a", "b", "c", "d"):
        put(store, name)
    store.subscribe("ConfigMap", since=2)
    with pytest.raises(GoneError, match=r"too old resource version: 1 \(4\)"):
        store.subscribe("ConfigMap", since=1)


def test_the_history_is_bounded_in_bytes() -> None:
    store = Store(history=Limit(1000, size=10_000))
    for number in range(20):
        put(store, "a", data={"n": "x" * 1000, "number": str(number)})
    store.subscribe("ConfigMap", since=15)
    with pytest.raises(GoneError):
        store.subscribe("ConfigMap", since=5)


def test_one_change_larger_than_the_history_is_kept() -> None:
    store = Store(history=Limit(1000, size=10))
    put(store, "a")
    put(store, "b")
    store.subscribe("ConfigMap", since=1)


async def test_the_queue_of_a_slow_watcher_is_bounded_in_bytes() -> None:
    store = Store(backlog=Limit(1000, size=10_000))
    slow = store.subscribe("ConfigMap")
    for _ in range(20):
        put(store, "a", data={"n": "x" * 1000})
    with pytest.raises(GoneError):
        await take(slow)


async def test_large_changes_are_taken_one_by_one_and_small_ones_together() -> None:
    store = Store()
    subscription = store.subscribe("ConfigMap")
    for name in ("a", "b"):
        put(store, name, data={"n": "x" * SENT_TOGETHER})
    for name in ("c", "d"):
        put(store, name)
    assert [told(await take(subscription)) for _ in range(3)] == [
        [("ADDED", "a")],
        [("ADDED", "b")],
        [("ADDED", "c"), ("ADDED", "d")],
    ]


def test_a_version_from_the_future_is_gone() -> None:
    with pytest.raises(GoneError):
        Store().subscribe("ConfigMap", since=1)


async def test_only_a_slow_subscription_overflows() -> None:
    store = Store(backlog=Limit(3))
    slow, quick = store.subscribe("ConfigMap"), store.subscribe("ConfigMap")
    for number in range(4):
        put(store, f"a{number}")
        await take(quick)
    with pytest.raises(GoneError):
        await take(slow)
    put(store, "last")
    assert told(await take(quick)) == [("ADDED", "last")]


async def test_an_overflowed_subscription_is_empty() -> None:
    store = Store(backlog=Limit(3))
    slow = store.subscribe("ConfigMap")
    for number in range(1000):
        put(store, f"a{number}")
    with pytest.raises(GoneError):
        await take(slow)
    put(store, "last")
    with pytest.raises(GoneError):
        await take(slow)


async def test_an_ended_subscription_gets_no_changes() -> None:
    store = Store()
    subscription = store.subscribe("ConfigMap")
    store.unsubscribe("ConfigMap", subscription)
    put(store, "a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await subscription.take()


def test_a_change_is_encoded_once() -> None:
    change = Change("ADDED", thing("a"), None, 1)
    assert change.line is change.line
