"""What the store promises to those who read and listen."""

from __future__ import annotations

import asyncio

import pytest

from canarylab.errors import GoneError
from canarylab.playground.apiserver.store import Change, Store, Subscription, Write
from canarylab.playground.kube.api import Key, Object


def thing(name: str, **fields: object) -> Object:
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": "lab"}, **fields}


def put(store: Store, name: str, **fields: object) -> Object:
    return store.commit(Write("write", thing(name, **fields)))


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.type, change.object["metadata"]["name"]) for change in changes]


async def take(subscription: Subscription) -> list[Change]:
    async with asyncio.timeout(5):
        return await subscription.take()


def test_every_write_moves_the_one_counter() -> None:
    store = Store()
    versions = [put(store, name)["metadata"]["resourceVersion"] for name in ("a", "b", "a")]
    assert versions == ["1", "2", "3"]


def test_a_write_leaves_what_was_handed_out_as_it_was() -> None:
    store = Store()
    before = put(store, "a", data={"n": "1"})
    put(store, "a", data={"n": "2"})
    assert before["data"] == {"n": "1"}
    assert before["metadata"]["resourceVersion"] == "1"


def test_what_was_removed_is_not_found() -> None:
    store = Store()
    store.commit(Write("remove", put(store, "a")))
    assert store.find("ConfigMap", Key("lab", "a")) is None


def test_nothing_to_do_is_nothing_done() -> None:
    store = Store()
    before = put(store, "a")
    assert store.commit(Write("nothing", before)) is before
    assert store.version == 1


def test_lists_are_in_the_order_of_names() -> None:
    store = Store()
    for name in ("c", "a", "b"):
        put(store, name)
    names = [obj["metadata"]["name"] for obj in store.all("ConfigMap", "lab")]
    assert names == ["a", "b", "c"]


async def test_a_subscription_hears_from_now_on() -> None:
    store = Store()
    put(store, "old")
    subscription = store.subscribe("ConfigMap")
    put(store, "new")
    assert told(await take(subscription)) == [("ADDED", "new")]


async def test_a_subscription_may_begin_in_the_past() -> None:
    store = Store()
    for name in ("a", "b", "a"):
        put(store, name)
    subscription = store.subscribe("ConfigMap", since=1)
    assert told(await take(subscription)) == [("ADDED", "b"), ("MODIFIED", "a")]


async def test_a_removal_has_a_version_of_its_own() -> None:
    store = Store()
    made = put(store, "a")
    subscription = store.subscribe("ConfigMap")
    store.commit(Write("remove", made))
    (change,) = await take(subscription)
    assert (change.type, change.object["metadata"]["resourceVersion"]) == ("DELETED", "2")


def test_what_is_forgotten_cannot_be_told() -> None:
    store = Store(history_size=2)
    for name in ("a", "b", "c", "d"):
        put(store, name)
    store.subscribe("ConfigMap", since=2)
    with pytest.raises(GoneError, match=r"too old resource version: 1 \(4\)"):
        store.subscribe("ConfigMap", since=1)


def test_a_version_from_the_future_belongs_to_another_cluster() -> None:
    with pytest.raises(GoneError):
        Store().subscribe("ConfigMap", since=1)


async def test_whoever_falls_behind_is_given_up_and_nobody_else() -> None:
    store = Store(backlog=3)
    slow, quick = store.subscribe("ConfigMap"), store.subscribe("ConfigMap")
    for number in range(4):
        put(store, f"a{number}")
        await take(quick)
    with pytest.raises(GoneError):
        await take(slow)
    put(store, "last")
    assert told(await take(quick)) == [("ADDED", "last")]


async def test_who_is_given_up_holds_nothing_any_more() -> None:
    store = Store(backlog=3)
    slow = store.subscribe("ConfigMap")
    for number in range(1000):
        put(store, f"a{number}")
    with pytest.raises(GoneError):
        await take(slow)
    put(store, "last")
    with pytest.raises(GoneError):
        await take(slow)


async def test_whoever_unsubscribed_is_not_told() -> None:
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
