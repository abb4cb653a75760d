from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

import pytest

from canarylab.errors import ConflictError
from canarylab.playground.controllers.looking import itself
from canarylab.playground.controllers.loop import WORKERS, Controller, Reconcile, backoff_s, run
from canarylab.playground.kube.api import Api, Key
from tests.playground.contract_objects import SPACE, changed, config_map
from tests.playground.controllers.test_queue import HandClock
from tests.playground.controllers.world import at_work
from tests.playground.fake_api import FakeApi
from tests.waiting import until


def watching_config_maps(reconcile: Reconcile) -> Controller:
    return Controller("trial", reconcile, {"ConfigMap": itself})


class Looks:
    """Counts looks; `meanwhile` is what each of them does."""

    def __init__(self, meanwhile: Callable[[Key], object] | None = None) -> None:
        self.count: Counter[str] = Counter()
        self.meanwhile = meanwhile

    async def reconcile(self, _: Api, key: Key) -> float | None:
        self.count[key.name] += 1
        if self.meanwhile is not None:
            self.meanwhile(key)
        return None


async def test_what_was_there_before_is_looked_at() -> None:
    api, looks = FakeApi(), Looks()
    await api.create(config_map("colours"))
    async with at_work(api, watching_config_maps(looks.reconcile)):
        await until(lambda: looks.count["colours"] == 1)


async def test_every_change_is_followed_by_a_look_that_sees_it() -> None:
    api = FakeApi()
    seen: list[str] = []

    async def reconcile(api: Api, key: Key) -> None:
        await asyncio.sleep(0)
        seen.append((await api.get("ConfigMap", key))["data"]["stable"])

    made = await api.create(config_map("colours", stable="0"))
    async with at_work(api, watching_config_maps(reconcile)):
        for number in range(1, 50):
            made = await api.update(changed(made, data={"stable": str(number)}))
        await until(lambda: seen and seen[-1] == "49")


async def test_many_events_about_one_object_collapse() -> None:
    api, looks = FakeApi(), Looks()
    gate = asyncio.Event()

    async def reconcile(api: Api, key: Key) -> None:
        await looks.reconcile(api, key)
        await gate.wait()

    made = await api.create(config_map("colours"))
    async with at_work(api, watching_config_maps(reconcile)):
        await until(lambda: looks.count["colours"] == 1)
        for number in range(20):
            made = await api.update(changed(made, data={"stable": str(number)}))
        await asyncio.sleep(0.01)
        gate.set()
        await until(lambda: looks.count["colours"] == 2)
        await asyncio.sleep(0.01)
        assert looks.count["colours"] == 2


async def test_one_object_is_never_looked_at_twice_at_once() -> None:
    api, busy, worst = FakeApi(), Counter[Key](), Counter[Key]()

    async def reconcile(_: Api, key: Key) -> None:
        busy[key] += 1
        worst[key] = max(worst[key], busy[key])
        await asyncio.sleep(0.001)
        busy[key] -= 1

    made = await api.create(config_map("colours"))
    async with at_work(api, watching_config_maps(reconcile)):
        for number in range(30):
            made = await api.update(changed(made, data={"stable": str(number)}))
            await asyncio.sleep(0.0005)
    assert worst == {Key(SPACE, "colours"): 1}


async def test_a_look_that_hangs_does_not_hold_up_the_others() -> None:
    api, looks = FakeApi(), Looks()

    async def reconcile(api: Api, key: Key) -> None:
        await looks.reconcile(api, key)
        if key.name.startswith("slow"):
            await asyncio.Event().wait()

    for number in range(WORKERS - 1):
        await api.create(config_map(f"slow-{number}"))
    await api.create(config_map("swift"))
    async with at_work(api, watching_config_maps(reconcile)):
        await until(lambda: looks.count["swift"] == 1)


async def test_a_controller_that_never_pauses_lets_others_run() -> None:
    class Instant(FakeApi):
        async def get(self, kind: str, key: Key) -> dict[str, object]:
            return self._stored(kind, key)  # without giving way, as the real one

    api, looks = Instant(), Looks()

    async def restless(_: Api, key: Key) -> float:
        await looks.reconcile(api, key)
        return 0.0

    await api.create(config_map("colours"))
    async with at_work(api, watching_config_maps(restless)):
        await until(lambda: looks.count["colours"] > 10)


@pytest.mark.parametrize(
    "problem", [ConflictError("configmaps", "", "colours"), RuntimeError("a mistake of ours")]
)
async def test_a_look_that_fails_is_tried_again(problem: Exception) -> None:
    def fail_twice(key: Key) -> None:
        if looks.count[key.name] < 3:
            raise problem

    api, looks = FakeApi(), Looks(fail_twice)
    await api.create(config_map("colours"))
    async with at_work(api, watching_config_maps(looks.reconcile)):
        await until(lambda: looks.count["colours"] == 3)


async def test_one_object_that_always_fails_does_not_stop_the_rest() -> None:
    def fail(key: Key) -> None:
        if key.name == "bad":
            raise RuntimeError("again")

    api, looks = FakeApi(), Looks(fail)
    await api.create(config_map("bad"))
    async with at_work(api, watching_config_maps(looks.reconcile)):
        await until(lambda: looks.count["bad"] > 1)
        await api.create(config_map("good"))
        await until(lambda: looks.count["good"] == 1)


async def test_a_failure_is_logged_with_the_object_and_the_next_try(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail_once(key: Key) -> None:
        if looks.count[key.name] == 1:
            raise RuntimeError("a mistake of ours")

    api, looks = FakeApi(), Looks(fail_once)
    await api.create(config_map("colours"))
    with caplog.at_level(logging.WARNING):
        async with at_work(api, watching_config_maps(looks.reconcile)):
            await until(lambda: looks.count["colours"] == 2)
    said = "trial lab/colours: RuntimeError('a mistake of ours'); trying again in 0.005 s"
    assert caplog.messages == [said]


def test_retries_come_later_and_later_up_to_a_limit() -> None:
    waits = [backoff_s(failures) for failures in range(1, 100)]
    assert waits[0] == 0.005
    assert waits == sorted(waits)
    assert waits[-1] == 5.0


async def test_a_look_that_failed_waits_by_the_clock_it_was_given() -> None:
    def fail(_: Key) -> None:
        raise RuntimeError("again")

    api, looks, clock = FakeApi(), Looks(fail), HandClock()
    await api.create(config_map("colours"))
    task = asyncio.create_task(run(watching_config_maps(looks.reconcile), api, clock=clock))
    for failures in range(1, 8):
        await until(lambda: clock.alarms)
        assert looks.count["colours"] == failures
        clock.pass_by(backoff_s(failures))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_look_may_ask_for_another_without_any_event() -> None:
    api, looks, clock = FakeApi(), Looks(), HandClock()

    async def reconcile(api: Api, key: Key) -> float:
        await looks.reconcile(api, key)
        return 600.0

    await api.create(config_map("colours"))
    task = asyncio.create_task(run(watching_config_maps(reconcile), api, clock=clock))
    await until(lambda: clock.alarms)
    clock.pass_by(600)
    await until(lambda: looks.count["colours"] == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nothing_is_left_when_it_ends() -> None:
    api, looks = FakeApi(), Looks()
    before = len(asyncio.all_tasks())
    async with at_work(api, watching_config_maps(looks.reconcile)):
        await until(lambda: len(asyncio.all_tasks()) > before)
    assert len(asyncio.all_tasks()) == before
