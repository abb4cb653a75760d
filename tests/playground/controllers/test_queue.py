from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from canarylab.playground.controllers.queue import KeyQueue
from canarylab.playground.kube.api import Key

A, B = Key("lab", "a"), Key("lab", "b")


@dataclass
class HandClock:
    """Time passes when a test says so."""

    now_s: float = 0.0
    alarms: list[HandAlarm] = field(default_factory=list)

    def call_later(self, delay: float, callback: Callable[[Key], None], key: Key, /) -> HandAlarm:
        self.alarms.append(HandAlarm(self.now_s + delay, callback, key))
        return self.alarms[-1]

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds
        for alarm in [one for one in self.alarms if one.due_s <= self.now_s]:
            self.alarms.remove(alarm)
            if not alarm.is_cancelled:
                alarm.callback(alarm.key)


@dataclass(eq=False)
class HandAlarm:
    due_s: float
    callback: Callable[[Key], None]
    key: Key
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def queue(clock: HandClock) -> KeyQueue:
    return KeyQueue(clock)


async def taken(queue: KeyQueue) -> list[Key]:
    """All keys that can be had right now."""
    keys = []
    while True:
        try:
            async with asyncio.timeout(0.01):
                keys.append(await queue.take())
        except TimeoutError:
            return keys


async def test_keys_come_in_the_order_of_their_first_wish(queue: KeyQueue) -> None:
    for key in (B, A, B):
        queue.add(key)
    assert await taken(queue) == [B, A]


async def test_many_wishes_for_one_key_are_one_look(queue: KeyQueue) -> None:
    for _ in range(100):
        queue.add(A)
    assert await taken(queue) == [A]


async def test_a_key_is_out_with_one_worker_only(queue: KeyQueue) -> None:
    queue.add(A)
    await queue.take()
    queue.add(A)
    assert await taken(queue) == []


async def test_a_key_added_during_its_look_comes_once_more(queue: KeyQueue) -> None:
    queue.add(A)
    await queue.take()
    queue.add(A)
    queue.done(A)
    assert await taken(queue) == [A]


async def test_a_key_that_is_out_does_not_hold_up_another(queue: KeyQueue) -> None:
    queue.add(A)
    await queue.take()
    queue.add(A)
    queue.add(B)
    assert await taken(queue) == [B]


async def test_who_waits_is_woken(queue: KeyQueue) -> None:
    waiting = asyncio.ensure_future(queue.take())
    await asyncio.sleep(0)
    queue.add(A)
    assert await waiting == A


async def test_every_one_of_many_waiting_workers_gets_its_key(queue: KeyQueue) -> None:
    waiting = [asyncio.ensure_future(queue.take()) for _ in range(5)]
    await asyncio.sleep(0)
    keys = {Key("lab", str(number)) for number in range(5)}
    for key in keys:
        queue.add(key)
    assert set(await asyncio.gather(*waiting)) == keys


async def test_a_look_may_ask_for_another_later(queue: KeyQueue, clock: HandClock) -> None:
    queue.add(A)
    queue.done(await queue.take(), again_after_s=10)
    clock.pass_by(9)
    assert await taken(queue) == []
    clock.pass_by(1)
    assert await taken(queue) == [A]


async def test_only_the_latest_look_decides_about_the_next(
    queue: KeyQueue, clock: HandClock
) -> None:
    queue.add(A)
    queue.done(await queue.take(), again_after_s=10)
    queue.add(A)
    queue.done(await queue.take())
    clock.pass_by(10)
    assert await taken(queue) == []


async def test_no_alarm_rings_after_the_end(queue: KeyQueue, clock: HandClock) -> None:
    queue.add(A)
    queue.done(await queue.take(), again_after_s=10)
    queue.close()
    clock.pass_by(10)
    assert await taken(queue) == []
