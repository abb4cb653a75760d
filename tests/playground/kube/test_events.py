"""Events: their names, their order and their counts."""

from __future__ import annotations

import asyncio
import gc
import re

import pytest

from canarylab.kube_objects import Key, Object
from canarylab.playground.kube import events
from canarylab.playground.kube.events import (
    EventDetails,
    EventNames,
    EventRecorder,
    record_event,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

SPACE = "default"
POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": SPACE, "uid": "u-1"},
}


def told(message: str = "hello", **fields: str) -> EventDetails:
    return EventDetails("Told", message, "tester", **fields)


async def listed(api: FakeApi) -> list[tuple[str, int]]:
    """The messages and counts of all events, in the order of a list."""
    return [(event["message"], event["count"]) for event in await api.list("Event", SPACE)]


async def test_events_of_one_second_are_listed_in_the_order_of_time() -> None:
    api, messages = FakeApi(), [f"number {number}" for number in (5, 3, 8, 1, 9, 2, 7)]
    for message in messages:
        await record_event(api, POD, told(message))
    assert [message for message, _ in await listed(api)] == messages


async def test_the_name_ends_in_the_nanosecond_of_the_first_occurrence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 0x18A1B2C3D4E5F607)
    api = FakeApi()
    for _ in range(2):
        await record_event(api, POD, told())
    [event] = await api.list("Event", SPACE)
    assert event["metadata"]["name"] == "web.18a1b2c3d4e5f607"


async def test_events_have_different_names_while_the_clock_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1)
    api = FakeApi()
    for message in "cab":
        await record_event(api, POD, told(message))
    assert await listed(api) == [("c", 1), ("a", 1), ("b", 1)]


async def test_a_repeated_event_is_counted() -> None:
    api = FakeApi()
    for message in ("a", "b", "a", "a"):
        await record_event(api, POD, told(message))
    assert await listed(api) == [("a", 3), ("b", 1)]


@pytest.mark.parametrize(
    "other",
    [
        told("other"),
        told(type="Warning"),
        told(field_path="spec.containers{web}"),
        told(host="playground"),
        EventDetails("Said", "hello", "tester"),
        EventDetails("Told", "hello", "somebody"),
    ],
)
async def test_an_event_that_differs_is_another_one(other: EventDetails) -> None:
    api = FakeApi()
    for details in (told(), other):
        await record_event(api, POD, details)
    assert [count for _, count in await listed(api)] == [1, 1]


async def test_the_next_object_of_a_name_has_events_of_its_own() -> None:
    api = FakeApi()
    for uid in ("u-1", "u-2"):
        await record_event(api, {**POD, "metadata": {**POD["metadata"], "uid": uid}}, told())
    assert [count for _, count in await listed(api)] == [1, 1]


async def test_an_event_that_was_removed_is_a_new_one_last_in_the_list() -> None:
    api = FakeApi()
    await record_event(api, POD, told("a"))
    [first] = await api.list("Event", SPACE)
    await record_event(api, POD, told("b"))
    await api.delete("Event", Key(SPACE, first["metadata"]["name"]))
    for _ in range(2):
        await record_event(api, POD, told("a"))
    assert await listed(api) == [("b", 1), ("a", 2)]


async def test_a_long_message_is_cut_and_counted() -> None:
    api = FakeApi()
    for _ in range(2):
        await record_event(api, POD, told("x" * 5_000))
    [(message, count)] = await listed(api)
    assert (len(message), message[-4:], count) == (1024, "x...", 2)


def test_of_many_names_the_one_that_occurred_least_recently_is_forgotten() -> None:
    names = EventNames(limit=2)
    a, _ = names.add(POD, told("a")), names.add(POD, told("b"))
    assert names.find(POD, told("a")) == a
    names.add(POD, told("c"))
    assert names.find(POD, told("b")) == ""
    assert names.find(POD, told("a")) == a


async def test_nothing_is_kept_for_a_component_that_is_gone() -> None:
    api, before = FakeApi(), len(events._NAMES)
    await record_event(api, POD, told())
    assert len(events._NAMES) == before + 1
    del api
    gc.collect()
    assert len(events._NAMES) <= before


async def test_an_event_of_the_kubelet_names_its_node() -> None:
    api = FakeApi()
    recorder = EventRecorder(api, "kubelet", "playground")
    recorder.event(POD, "Told", "hello")
    running = asyncio.create_task(recorder.run())
    await until(lambda: api.list("Event", SPACE))
    running.cancel()
    [event] = await api.list("Event", SPACE)
    assert event["source"] == {"component": "kubelet", "host": "playground"}
    assert event["reportingInstance"] == "playground"
    assert re.fullmatch(r"web\.[0-9a-f]{16}", event["metadata"]["name"])
