"""Requests at a rate: sent at their scheduled times, whatever the server does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from canarylab.errors import TrafficError
from canarylab.traffic import Progress, Sample, SamplingPlan, sampler, send_requests
from canarylab.traffic.sampler import Sampler
from tests.traffic.conftest import Serve
from tests.traffic.server import Server, Visit, answering, response
from tests.waiting import until


class Clock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now, self.readings = 1_000.0, 0

    def __call__(self) -> float:
        self.readings += 1
        return self.now


async def at_rate(server: Server, count: int = 20, **plan: float) -> Sample:
    return await send_requests(server.url, SamplingPlan(count=count, rate=1_000.0, **plan))  # type: ignore[arg-type]


def holding_until(released: asyncio.Event) -> Callable[[Visit], Awaitable[None]]:
    """A server that answers each request once that event is set."""

    async def hold(visit: Visit) -> None:
        await visit.request()
        await released.wait()
        await visit.reply(response())

    return hold


async def test_a_request_is_sent_though_earlier_ones_wait_for_their_answers(serve: Serve) -> None:
    all_there = asyncio.Event()

    async def wait_for_all(visit: Visit) -> None:
        await visit.request()
        if len(server.visits) == 40:
            all_there.set()
        await all_there.wait()
        await visit.reply(response())

    server = await serve(wait_for_all)
    assert (await at_rate(server, 40)).answered == 40


async def test_without_a_rate_a_request_waits_for_an_earlier_answer(serve: Serve) -> None:
    released = asyncio.Event()

    server = await serve(holding_until(released))
    sampling = asyncio.create_task(send_requests(server.url, SamplingPlan(count=40)))
    await until(lambda: len(server.requests) == 16)
    released.set()
    assert (await sampling).answered == 40


async def test_no_request_is_sent_before_its_time(serve: Serve) -> None:
    sample = await at_rate(await serve(answering(response())))
    assert all(each.late_s >= 0 for each in sample.results)


async def test_when_it_was_sent_and_how_late_give_the_schedule(serve: Serve) -> None:
    sample = await at_rate(await serve(answering(response())))
    scheduled = sorted(each.when_s - each.late_s for each in sample.results)
    assert scheduled == pytest.approx([number / 1_000 for number in range(20)])


async def test_without_a_rate_no_request_is_late(serve: Serve) -> None:
    server = await serve(answering(response()))
    sample = await send_requests(server.url, SamplingPlan(count=20))
    assert {each.late_s for each in sample.results} == {0.0}


async def slow(serve: Serve, clock: Clock) -> Server:
    """A server that needs a second for each request."""

    async def act(visit: Visit) -> None:
        await visit.request()
        clock.now += 1.0
        await visit.reply(response())

    return await serve(act)


async def test_a_latency_counts_from_the_scheduled_time(serve: Serve) -> None:
    clock = Clock()
    server = await slow(serve, clock)
    plan = SamplingPlan(count=4, rate=1_000.0, concurrency=1)
    sample = await Sampler(server.url, plan).run(clock)
    assert [each.latency_s for each in sample.results] == pytest.approx([1, 1.999, 2.998, 3.997])


async def test_who_was_late_says_so(serve: Serve) -> None:
    clock = Clock()
    server = await slow(serve, clock)
    plan = SamplingPlan(count=4, rate=1_000.0, concurrency=1)
    sample = await Sampler(server.url, plan).run(clock)
    assert "3 of 4 requests were sent late, by up to 3 s" in sample.limit


async def test_what_a_rate_asks_for_and_time_does_not_allow_is_not_sent(serve: Serve) -> None:
    clock = Clock()
    server = await slow(serve, clock)
    plan = SamplingPlan(seconds=3, rate=10.0, concurrency=1)
    sample = await Sampler(server.url, plan).run(clock)
    assert sample.total == 3
    assert "and 27 were not sent" in sample.limit


async def test_kept_connections_take_turns(serve: Serve) -> None:
    server = await serve(answering(response()))
    sample = await at_rate(server, 20, keep_alive=4)
    assert (len(server.visits), sample.connections) == (4, 4)


async def test_kept_connections_are_closed_at_the_end(serve: Serve) -> None:
    server = await serve(answering(response()))
    await at_rate(server, 20, keep_alive=4)
    await until(lambda: server.open == 0)


async def test_who_is_stopped_waits_for_the_answers_under_way(serve: Serve) -> None:
    released = asyncio.Event()

    server = await serve(holding_until(released))
    running = Sampler(server.url, SamplingPlan(seconds=600, rate=1_000.0))
    sampling = asyncio.create_task(running.run())
    await until(lambda: len(server.requests) >= 3)
    running.stop()
    released.set()
    sample = await sampling
    assert sample.answered == sample.total == len(server.visits)


async def test_who_is_stopped_before_the_start_sends_nothing(serve: Serve) -> None:
    server = await serve(answering(response()))
    running = Sampler(server.url, SamplingPlan(seconds=600, rate=1_000.0))
    running.stop()
    assert (await running.run()).total == 0


async def test_without_a_rate_who_is_stopped_ends_too(serve: Serve) -> None:
    server = await serve(answering(response()))
    running = Sampler(server.url, SamplingPlan(seconds=600))
    sampling = asyncio.create_task(running.run())
    await until(lambda: len(server.visits) > 20)
    running.stop()
    assert (await sampling).total > 20


async def test_who_is_interrupted_leaves_no_connection_open(serve: Serve) -> None:
    async def never(visit: Visit) -> None:
        await visit.reader.read()

    server = await serve(never)
    sampling = asyncio.create_task(at_rate(server, 1_000))
    await until(lambda: server.open >= 20)
    sampling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sampling
    await until(lambda: server.open == 0)


async def test_a_url_that_nobody_serves_ends_it(nobody: str) -> None:
    with pytest.raises(TrafficError, match="the connection was refused"):
        await asyncio.wait_for(
            send_requests(nobody, SamplingPlan(seconds=600, rate=1_000.0)), timeout=10
        )


async def test_the_first_byte_comes_before_the_last(serve: Serve) -> None:
    clock = Clock()

    async def pause_in_between(visit: Visit) -> None:
        await visit.request()
        clock.now += 2.0
        readings = clock.readings
        await visit.reply(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await until(lambda: clock.readings > readings)
        clock.now += 3.0
        await visit.reply(b"ok")

    server = await serve(pause_in_between)
    (only,) = (await Sampler(server.url, SamplingPlan(count=1)).run(clock)).results
    assert (only.first_byte_s, only.latency_s) == (2.0, 5.0)


async def test_a_failure_has_no_first_byte(serve: Serve) -> None:
    server = await serve(answering(b"garbage\r\n\r\n"))
    (only,) = (await send_requests(server.url, SamplingPlan(count=1))).results
    assert only.first_byte_s is None


async def test_a_clock_that_jumps_ahead_ends_a_timed_sample(serve: Serve) -> None:
    clock = Clock()

    async def sleep_like_a_laptop(visit: Visit) -> None:
        await visit.request()
        clock.now += 3_600.0
        await visit.reply(response())

    server = await serve(sleep_like_a_laptop)
    plan = SamplingPlan(seconds=600, concurrency=1)
    assert (await Sampler(server.url, plan).run(clock)).total == 1


async def test_the_clock_on_the_wall_may_jump(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards(datetime):
        """Each reading is a day before the last."""

        day = 28

        @classmethod
        def now(cls, tz: object = None) -> Backwards:
            cls.day -= 1
            return cls(2026, 11, cls.day, tzinfo=UTC)

    monkeypatch.setattr(sampler, "datetime", Backwards)
    sample = await at_rate(await serve(answering(response())))
    assert sample.seconds > 0
    assert all(each.latency_s > 0 for each in sample.results)


async def test_the_sample_so_far_can_be_seen_under_way(serve: Serve) -> None:
    server = await serve(answering(response()))
    seen: list[tuple[int, int]] = []

    def look(so_far: Progress) -> None:
        seen.append((so_far.sample().total, len(so_far.results)))

    await send_requests(server.url, SamplingPlan(count=20), on_progress=look)
    assert seen[-1] == (20, 20)
