from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from canarylab.errors import ConflictError, InvalidError
from canarylab.kube_objects import Key, key_of
from canarylab.playground.controllers.loop import (
    WORKERS,
    Controller,
    RateLimiter,
    Reconcile,
    WorkQueue,
    keys_for_object,
    run_controller,
)
from canarylab.playground.kube.api import Api, WatchEvent
from tests.playground.api_contract import SPACE, changed, config_map
from tests.playground.controllers.builders import (
    running_controllers,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

A, B = Key("lab", "a"), Key("lab", "b")


@dataclass
class ManualTimers:
    """A `call_later` whose time passes when a test says so."""

    now_s: float = 0.0
    timers: list[ManualTimer] = field(default_factory=list)

    def call_later(self, delay: float, callback: Callable[[Key], None], key: Key, /) -> ManualTimer:
        self.timers.append(ManualTimer(self.now_s + delay, callback, key))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
        for timer in [one for one in self.timers if one.due_s <= self.now_s]:
            self.timers.remove(timer)
            if not timer.is_cancelled:
                timer.callback(timer.key)


@dataclass(eq=False)
class ManualTimer:
    due_s: float
    callback: Callable[[Key], None]
    key: Key
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


@pytest.fixture
def timers() -> ManualTimers:
    return ManualTimers()


@pytest.fixture
def queue(timers: ManualTimers) -> WorkQueue:
    return WorkQueue(timers.call_later)


async def take_all(queue: WorkQueue) -> list[Key]:
    """Take all keys that are waiting."""
    keys = []
    while True:
        try:
            async with asyncio.timeout(0.01):
                keys.append(await queue.get())
        except TimeoutError:
            return keys


async def test_keys_come_in_the_order_in_which_they_were_added(queue: WorkQueue) -> None:
    for key in (B, A, B):
        queue.add(key)
    assert await take_all(queue) == [B, A]


async def test_a_key_added_many_times_comes_once(queue: WorkQueue) -> None:
    for _ in range(100):
        queue.add(A)
    assert await take_all(queue) == [A]


async def test_a_key_is_with_one_worker_at_a_time(queue: WorkQueue) -> None:
    queue.add(A)
    await queue.get()
    queue.add(A)
    assert await take_all(queue) == []


async def test_a_key_added_during_its_reconcile_comes_again(queue: WorkQueue) -> None:
    queue.add(A)
    await queue.get()
    queue.add(A)
    queue.done(A)
    assert await take_all(queue) == [A]


async def test_a_key_in_work_does_not_hold_up_another(queue: WorkQueue) -> None:
    queue.add(A)
    await queue.get()
    queue.add(A)
    queue.add(B)
    assert await take_all(queue) == [B]


async def test_a_waiting_worker_is_woken(queue: WorkQueue) -> None:
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.add(A)
    assert await waiting == A


async def test_every_one_of_many_waiting_workers_gets_its_key(queue: WorkQueue) -> None:
    waiting = [asyncio.ensure_future(queue.get()) for _ in range(5)]
    await asyncio.sleep(0)
    keys = {Key("lab", str(number)) for number in range(5)}
    for key in keys:
        queue.add(key)
    assert set(await asyncio.gather(*waiting)) == keys


async def test_a_key_can_be_added_after_a_delay(queue: WorkQueue, timers: ManualTimers) -> None:
    queue.add(A)
    queue.done(await queue.get())
    queue.add_after(A, 10)
    timers.advance(9)
    assert await take_all(queue) == []
    timers.advance(1)
    assert await take_all(queue) == [A]


async def test_taking_a_key_cancels_its_delayed_addition(
    queue: WorkQueue, timers: ManualTimers
) -> None:
    queue.add(A)
    queue.done(await queue.get())
    queue.add_after(A, 10)
    queue.add(A)
    queue.done(await queue.get())
    timers.advance(10)
    assert await take_all(queue) == []


async def test_no_key_is_added_after_shutdown(queue: WorkQueue, timers: ManualTimers) -> None:
    queue.add(A)
    queue.done(await queue.get())
    queue.add_after(A, 10)
    queue.shut_down()
    timers.advance(10)
    assert await take_all(queue) == []


def watching_config_maps(reconcile: Reconcile) -> Controller:
    return Controller("trial", reconcile, {"ConfigMap": keys_for_object})


class Reconciles:
    """Counts reconciles; `action` is what each of them does."""

    def __init__(self, action: Callable[[Key], object] | None = None) -> None:
        self.count: Counter[str] = Counter()
        self.action = action

    async def reconcile(self, _: Api, key: Key) -> float | None:
        self.count[key.name] += 1
        if self.action is not None:
            self.action(key)
        return None


async def test_existing_objects_are_reconciled() -> None:
    api, reconciles = FakeApi(), Reconciles()
    await api.create(config_map("colours"))
    async with running_controllers(api, watching_config_maps(reconciles.reconcile)):
        await until(lambda: reconciles.count["colours"] == 1)


async def test_every_change_is_followed_by_a_reconcile_that_sees_it() -> None:
    api = FakeApi()
    seen: list[str] = []

    async def reconcile(api: Api, key: Key) -> None:
        await asyncio.sleep(0)
        seen.append((await api.get("ConfigMap", key))["data"]["stable"])

    made = await api.create(config_map("colours", stable="0"))
    async with running_controllers(api, watching_config_maps(reconcile)):
        for number in range(1, 50):
            made = await api.update(changed(made, data={"stable": str(number)}))
        await until(lambda: seen and seen[-1] == "49")


async def test_many_events_about_one_object_collapse() -> None:
    api, reconciles = FakeApi(), Reconciles()
    gate = asyncio.Event()

    async def reconcile(api: Api, key: Key) -> None:
        await reconciles.reconcile(api, key)
        await gate.wait()

    made = await api.create(config_map("colours"))
    async with running_controllers(api, watching_config_maps(reconcile)):
        await until(lambda: reconciles.count["colours"] == 1)
        for number in range(20):
            made = await api.update(changed(made, data={"stable": str(number)}))
        await asyncio.sleep(0.01)
        gate.set()
        await until(lambda: reconciles.count["colours"] == 2)
        await asyncio.sleep(0.01)
        assert reconciles.count["colours"] == 2


async def test_one_object_is_never_reconciled_twice_at_once() -> None:
    api, busy, worst = FakeApi(), Counter[Key](), Counter[Key]()

    async def reconcile(_: Api, key: Key) -> None:
        busy[key] += 1
        worst[key] = max(worst[key], busy[key])
        await asyncio.sleep(0.001)
        busy[key] -= 1

    made = await api.create(config_map("colours"))
    async with running_controllers(api, watching_config_maps(reconcile)):
        for number in range(30):
            made = await api.update(changed(made, data={"stable": str(number)}))
            await asyncio.sleep(0.0005)
    assert worst == {Key(SPACE, "colours"): 1}


async def test_a_reconcile_that_hangs_does_not_hold_up_the_others() -> None:
    api, reconciles = FakeApi(), Reconciles()

    async def reconcile(api: Api, key: Key) -> None:
        await reconciles.reconcile(api, key)
        if key.name.startswith("slow"):
            await asyncio.Event().wait()

    for number in range(WORKERS - 1):
        await api.create(config_map(f"slow-{number}"))
    await api.create(config_map("swift"))
    async with running_controllers(api, watching_config_maps(reconcile)):
        await until(lambda: reconciles.count["swift"] == 1)


async def test_a_controller_that_never_pauses_lets_others_run() -> None:
    class Instant(FakeApi):
        async def get(self, kind: str, key: Key) -> dict[str, object]:
            return self._stored(kind, key)  # without giving way, as the real one

    api, reconciles = Instant(), Reconciles()

    async def restless(_: Api, key: Key) -> float:
        await reconciles.reconcile(api, key)
        return 0.0

    await api.create(config_map("colours"))
    async with running_controllers(api, watching_config_maps(restless)):
        await until(lambda: reconciles.count["colours"] > 10)


@pytest.mark.parametrize(
    "problem", [ConflictError("configmaps", "", "colours"), RuntimeError("a mistake of ours")]
)
async def test_a_reconcile_that_fails_is_tried_again(problem: Exception) -> None:
    def fail_twice(key: Key) -> None:
        if reconciles.count[key.name] < 3:
            raise problem

    api, reconciles = FakeApi(), Reconciles(fail_twice)
    await api.create(config_map("colours"))
    async with running_controllers(api, watching_config_maps(reconciles.reconcile)):
        await until(lambda: reconciles.count["colours"] == 3)


async def test_one_object_that_always_fails_does_not_stop_the_rest() -> None:
    def fail(key: Key) -> None:
        if key.name == "bad":
            raise RuntimeError("again")

    api, reconciles = FakeApi(), Reconciles(fail)
    await api.create(config_map("bad"))
    async with running_controllers(api, watching_config_maps(reconciles.reconcile)):
        await until(lambda: reconciles.count["bad"] > 1)
        await api.create(config_map("good"))
        await until(lambda: reconciles.count["good"] == 1)


async def test_an_event_that_cannot_be_mapped_does_not_stop_the_watch() -> None:
    async def map_func(api: Api, event: WatchEvent) -> list[Key]:
        if event.object["metadata"]["name"] == "bad":
            raise KeyError("spec")
        return [key_of(event.object)]

    api, reconciles = FakeApi(), Reconciles()
    await api.create(config_map("bad"))
    await api.create(config_map("good"))
    controller = Controller("trial", reconciles.reconcile, {"ConfigMap": map_func})
    async with running_controllers(api, controller):
        await until(lambda: reconciles.count["good"] == 1)


async def test_a_watch_that_fails_begins_again() -> None:
    class Interrupted(FakeApi):
        failures = 3

        async def watch(self, kind: str) -> AsyncIterator[WatchEvent]:
            self.failures -= 1
            if self.failures >= 0:
                raise KeyError("spec")
            async for event in super().watch(kind):
                yield event

    api, reconciles = Interrupted(), Reconciles()
    await api.create(config_map("colours"))
    async with running_controllers(api, watching_config_maps(reconciles.reconcile)):
        await until(lambda: reconciles.count["colours"] == 1)


async def test_a_failure_is_logged_with_the_object_and_the_next_try(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail_once(key: Key) -> None:
        if reconciles.count[key.name] == 1:
            raise RuntimeError("a mistake of ours")

    api, reconciles = FakeApi(), Reconciles(fail_once)
    await api.create(config_map("colours"))
    with caplog.at_level(logging.WARNING):
        async with running_controllers(api, watching_config_maps(reconciles.reconcile)):
            await until(lambda: reconciles.count["colours"] == 2)
    said = "trial lab/colours: RuntimeError('a mistake of ours'); trying again in 0.005 s"
    assert caplog.messages == [said]


def test_retries_come_later_and_later_up_to_a_limit() -> None:
    rate_limiter = RateLimiter()
    waits = [rate_limiter.when(A) for _ in range(99)]
    assert waits[0] == 0.005
    assert waits == sorted(waits)
    assert waits[-1] == 5.0


async def test_a_failed_reconcile_waits_for_the_rate_limiter() -> None:
    def fail(_: Key) -> None:
        raise RuntimeError("again")

    api, reconciles, timers = FakeApi(), Reconciles(fail), ManualTimers()
    await api.create(config_map("colours"))
    task = asyncio.create_task(
        run_controller(
            watching_config_maps(reconciles.reconcile), api, call_later=timers.call_later
        )
    )
    for failures, delay_s in enumerate((0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32), start=1):
        await until(lambda: timers.timers)
        assert reconciles.count["colours"] == failures
        timers.advance(delay_s)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_reconcile_can_ask_for_another_without_any_event() -> None:
    api, reconciles, timers = FakeApi(), Reconciles(), ManualTimers()

    async def reconcile(api: Api, key: Key) -> float:
        await reconciles.reconcile(api, key)
        return 600.0

    await api.create(config_map("colours"))
    task = asyncio.create_task(
        run_controller(watching_config_maps(reconcile), api, call_later=timers.call_later)
    )
    await until(lambda: timers.timers)
    timers.advance(600)
    await until(lambda: reconciles.count["colours"] == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nothing_is_left_when_it_ends() -> None:
    api, reconciles = FakeApi(), Reconciles()
    before = len(asyncio.all_tasks())
    async with running_controllers(api, watching_config_maps(reconciles.reconcile)):
        await until(lambda: len(asyncio.all_tasks()) > before)
    assert len(asyncio.all_tasks()) == before


async def test_a_refusal_is_logged_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(key: Key) -> None:
        raise InvalidError("Pod", "", key.name, [])

    api, reconciles = FakeApi(), Reconciles(refuse)
    await api.create(config_map("colours"))
    async with running_controllers(api, watching_config_maps(reconciles.reconcile)):
        await until(lambda: "trying again" in caplog.text)
    assert "Traceback" not in caplog.text
