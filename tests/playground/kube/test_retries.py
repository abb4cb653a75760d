"""What fails is logged with its name and tried again; the rest goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.kube.api import WatchEvent
from canarylab.playground.kube.retries import RetryDelays, for_each_event, keep_running


class Failing:
    """Raises so many times, then returns."""

    def __init__(self, times: int) -> None:
        self.left, self.slept = times, list[float]()

    async def work(self) -> None:
        self.left -= 1
        if self.left >= 0:
            raise KeyError("port")

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)


async def test_a_task_that_fails_runs_again_later_each_time() -> None:
    task = Failing(4)
    await keep_running("web", task.work, delays=RetryDelays(1.0, 5.0), sleep=task.sleep)
    assert task.slept == [1.0, 2.0, 4.0, 5.0]


async def test_a_failure_is_logged_with_the_name(caplog: pytest.LogCaptureFixture) -> None:
    task = Failing(1)
    await keep_running("watch of Pod", task.work, sleep=task.sleep)
    assert "watch of Pod: KeyError('port'); trying again in 0.005 s" in caplog.text


async def test_a_number_of_tries_is_kept() -> None:
    task = Failing(10)
    await keep_running("web", task.work, tries=3, sleep=task.sleep)
    assert task.left == 7


async def test_cancelling_is_no_failure() -> None:
    task = asyncio.create_task(keep_running("web", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def named(name: str) -> Object:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "lab"}}


async def test_an_event_that_cannot_be_handled_does_not_stop_the_next() -> None:
    handled, failures = list[str](), 2

    async def events() -> AsyncIterator[WatchEvent]:
        for name in ("bad", "good"):
            yield WatchEvent("ADDED", named(name))

    async def act(event: WatchEvent) -> None:
        nonlocal failures
        if event.object["metadata"]["name"] == "bad" and failures:
            failures -= 1
            raise KeyError("port")
        handled.append(event.object["metadata"]["name"])

    async with asyncio.TaskGroup() as tasks:
        await for_each_event("event of", events(), act, tasks)
    assert handled == ["good", "bad"]
