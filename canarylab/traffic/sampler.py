"""Load sampler: send many requests to one URL and record each result.

Each request opens a new connection, because a Service chooses a pod for each connection: only then
is every response an independent draw. Without a rate, workers send one request after another; with
a rate, each request is sent at its scheduled time (`sampling_plan.py` says why that matters).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from canarylab import runtime
from canarylab.display import Report, StatusLine, status_stream
from canarylab.text import count_noun
from canarylab.traffic.connection import (
    REQUEST_ERRORS,
    UNREACHABLE_REASONS,
    ConnectionFactory,
    HttpConnection,
    SharedTimeout,
    StaleConnectionError,
    failure_kind,
    resolve,
    unreachable_error,
)
from canarylab.traffic.expectations import Observation, as_applied, expectations_of, leaving_pods
from canarylab.traffic.http import ParsedResponse, Request, Target
from canarylab.traffic.sample import RequestResult, Sample
from canarylab.traffic.sampling_plan import LATE_S, SamplerUse, SamplingPlan, limit_of

Clock = Callable[[], float]
"""Seconds that never jump: `time.perf_counter`."""
Observed = Callable[[], Sequence[Observation]]
"""Returns which pods were ready, and when; called when the last request has ended."""

DEFAULT_COUNT = 100
PLAIN_GET = Request()

_PROGRESS_EVERY_S = 0.1
_FIRST_ERROR_STATUS = 400


class Progress(NamedTuple):
    """A sample under way, as a callback gets it, at most ten times a second."""

    done: int
    failed: int
    results: Sequence[RequestResult]
    """All results so far. The sequence grows: read from where you stopped, and do not change it."""
    sample: Callable[[], Sample]
    """Makes a `Sample` of them; costs one copy of the sequence."""


class SampleInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sample; `sample` is what there was until then."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        super().__init__(*sample.notes)


OnProgress = Callable[[Progress], None]
"""Called on the event loop that sends the requests, so it must be quick."""


def sample(
    url: str,
    *,
    count: int | None = None,
    seconds: float | None = None,
    concurrency: int = 16,
    keep_alive: int = 0,
) -> Sample:
    """Send `count` requests to the URL, or requests for that many seconds, and count the versions.

    Each request opens a new connection, as a new visitor would; `keep_alive=1` sends all of
    them over one connection, as a browser does.

    >>> sample("http://127.0.0.1:32089/", count=0)
    Traceback (most recent call last):
    ValueError: The number of requests cannot be 0. Give a whole number from 1 to 200,000.
    """
    if count is None and seconds is None:
        count = DEFAULT_COUNT
    plan = SamplingPlan(
        count=count, seconds=seconds, concurrency=concurrency, keep_alive=keep_alive
    )
    line = StatusLine(status_stream())
    try:
        return measure(url, plan, on_progress=ProgressLine(plan, line.show))
    finally:
        line.clear()


def measure(
    url: str,
    plan: SamplingPlan,
    *,
    request: Request = PLAIN_GET,
    on_progress: OnProgress | None = None,
    observed: Observed | None = None,
) -> Sample:
    """Like `sample`, without a progress line and with a full plan: rate, timeout, headers, Host.

    >>> measure("ftp://127.0.0.1/", SamplingPlan(count=1))
    Traceback (most recent call last):
    ValueError: 'ftp://127.0.0.1/' does not start with http:// or https://. Write it in full.

    After Ctrl-C it raises SampleInterrupted, which holds the results so far, if there are any.
    """
    sampler = Sampler(url, plan, request=request, on_progress=on_progress, observed=observed)
    try:
        return runtime.run(sampler.run())
    except KeyboardInterrupt as exc:
        if (found := sampler.interrupted()) is not None:
            raise SampleInterrupted(found) from exc
        raise


async def send_requests(
    url: str,
    plan: SamplingPlan,
    *,
    request: Request = PLAIN_GET,
    on_progress: OnProgress | None = None,
    observed: Observed | None = None,
) -> Sample:
    """Send the requests of a plan. Redirects are results; they are not followed.

    Raises TrafficError when nothing serves the URL: no connection of the first round succeeded.
    Later failures are part of what was measured, and are in the sample.
    """
    sampler = Sampler(url, plan, request=request, on_progress=on_progress, observed=observed)
    return await sampler.run()


class Sampler:
    """One sample: `run` takes it; meanwhile `sample` shows it, and `stop` ends it early."""

    def __init__(
        self,
        url: str,
        plan: SamplingPlan,
        *,
        request: Request = PLAIN_GET,
        on_progress: OnProgress | None = None,
        observed: Observed | None = None,
    ) -> None:
        self.plan, self._request = plan, request
        self._on_progress, self._observed = on_progress, observed
        self._target = Target.parse(url)
        self.url = self._target.url
        self._state = _SampleState(plan, time.perf_counter)
        self._started = datetime.now(UTC)
        self._sender: asyncio.Task[None] | None = None
        self._workers: list[_Worker] = []

    async def run(self, clock: Clock = time.perf_counter) -> Sample:
        """Send the requests; the clock must be that of the observations."""
        timeout = SharedTimeout(self.plan.timeout_s, clock)
        connect = await resolve(self._target, self._request, timeout)
        message = self._target.message(self._request, kept=self.plan.keep_alive > 0)
        self._started, is_stopped = datetime.now(UTC), self._state.is_stopped
        self._state = state = _SampleState(self.plan, clock)
        state.is_stopped = is_stopped
        cpu_before = time.thread_time()
        try:
            async with asyncio.TaskGroup() as background:
                reporter = background.create_task(self._report())
                async with asyncio.TaskGroup() as tasks:
                    self._start(tasks, lambda: _Worker(connect, message, state))
                reporter.cancel()
        finally:
            timeout.close()
            for worker in self._workers:
                worker.close()
        self._tell_progress()
        if state.unreachable_reason is not None:
            raise unreachable_error(self.url, state.unreachable_reason)
        cpu_s = time.thread_time() - cpu_before
        # A last look at the pods waits for the cluster, and this loop may serve what it asks.
        seen = await asyncio.to_thread(self._observed) if self._observed else ()
        return self._complete(cpu_s, seen)

    def stop(self) -> None:
        """Send no further request; those in flight are waited for. To be called on its loop."""
        self._state.is_stopped = True
        if self._sender is not None:
            self._sender.cancel()

    def sample(self) -> Sample:
        """The sample so far."""
        state, plan = self._state, self.plan
        return Sample(
            *(self.url, tuple(state.results), self._started, state.elapsed(), plan.keep_alive),
            rate=plan.rate,
            version_source=str(self._request.version_source),
        )

    def interrupted(self) -> Sample | None:
        """The sample so far, with a note that it is not whole; None without any result."""
        seen = self._observed() if self._observed and self._state.results else ()
        found = self._complete(0.0, seen)
        if not found.results:
            return None
        done = count_noun(found.total, "request")
        if self.plan.count:
            done = f"{found.total:,} of {count_noun(self.plan.count, 'request')}"
        return replace(found, limit="", notes=(f"Interrupted after {done}.",))

    def _start(self, tasks: asyncio.TaskGroup, new_worker: Callable[[], _Worker]) -> None:
        if self.plan.rate:
            pool = _WorkerPool(tasks, self._state, new_worker, self._workers)
            self._sender = tasks.create_task(pool.send_at_rate(self.plan.rate))
        else:
            self._workers += [new_worker() for _ in range(self.plan.workers)]
            for worker in self._workers:
                tasks.create_task(worker.run())

    def _complete(self, cpu_s: float, seen: Sequence[Observation]) -> Sample:
        state, whole = self._state, self.sample()
        late = [each.late_s for each in whole.results if each.late_s > LATE_S]
        use = SamplerUse(
            *(state.ended_sending_s or whole.seconds, whole.total, len(late)),
            *(max(late, default=0.0), len(self._workers), cpu_s),
        )
        answers = (
            (each.pod, state.start + each.when_s) for each in whole.results if not each.failure
        )
        with_traffic = seen if self.plan.keep_alive else as_applied(seen, answers)
        return replace(
            whole,
            limit=limit_of(self.plan, use),
            leaving=leaving_pods(seen, state.start),
        ).with_expectations(expectations_of(with_traffic, state.start))

    async def _report(self) -> None:
        while self._on_progress is not None:
            await asyncio.sleep(_PROGRESS_EVERY_S)
            self._tell_progress()

    def _tell_progress(self) -> None:
        if self._on_progress is not None:
            state = self._state
            self._on_progress(
                Progress(len(state.results), state.failed, state.results, self.sample)
            )


class _SampleState:
    """Shared by the workers of one sample: the plan's progress and the results so far."""

    def __init__(self, plan: SamplingPlan, clock: Clock) -> None:
        self.plan, self._clock, self.start = plan, clock, clock()
        self.results: list[RequestResult] = []
        self.failed = self._started = self._connections = 0
        self.ended_sending_s: float | None = None
        self.unreachable_reason: str | None = None
        """Why nothing serves the URL, once the first round has shown it."""
        self.is_stopped = False
        self._is_reachable = False

    def claim(self) -> bool:
        """Claim the next request; False when the plan is done."""
        if self._started >= self.plan.max_requests or self.unreachable_reason is not None:
            return False
        if self.is_stopped or (
            self.plan.seconds is not None and self.elapsed() >= self.plan.seconds
        ):
            return False
        self._started += 1
        return True

    def next_connection_number(self) -> int:
        self._connections += 1
        return self._connections - 1

    def record(self, result: RequestResult) -> None:
        self.results.append(result)
        self.failed += result.failure is not None
        self._is_reachable = self._is_reachable or result.failure not in UNREACHABLE_REASONS
        if not self._is_reachable and self.failed >= self.plan.first_round:
            self.unreachable_reason = result.failure

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self.start


class _Worker:
    """Sends one request after another, over one connection or over a new one each time."""

    def __init__(self, connect: ConnectionFactory, message: bytes, state: _SampleState) -> None:
        self._connect, self._message, self._state = connect, message, state
        self._connection: HttpConnection | None = None
        self._number = 0

    async def run(self) -> None:
        """Send requests until the plan is done."""
        while self._state.claim():
            self._state.record(await self._send())

    async def send_due(self, due_s: float) -> None:
        """Send the request that was scheduled for `due_s` seconds from the start."""
        self._state.record(await self._send(due_s))

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _send(self, due_s: float | None = None) -> RequestResult:
        """Latencies are seconds from the scheduled time, if there is one."""
        state = self._state
        sent_s = state.elapsed()
        since_s = sent_s if due_s is None else due_s
        late_s = sent_s - since_s
        try:
            response, connection = await self._exchange()
        except REQUEST_ERRORS as exc:
            self.close()
            kind, latency = failure_kind(exc), state.elapsed() - since_s
            return RequestResult(
                sent_s, latency, failure=kind, connection=self._number, late_s=late_s
            )
        latency = state.elapsed() - since_s
        if not (state.plan.keep_alive and response.keep_alive):
            self.close()
        status, version, pod = response.status, response.version, response.pod
        failure = f"status {status}" if status >= _FIRST_ERROR_STATUS else None
        first_byte_s = connection.first_byte_at - state.start - since_s
        return RequestResult(
            *(sent_s, latency, version, pod, status, failure, self._number, first_byte_s, late_s)
        )

    async def _exchange(self) -> tuple[ParsedResponse, HttpConnection]:
        connection = self._open()
        try:
            return await connection.send(self._message), connection
        except StaleConnectionError:
            # the server closed the kept connection: connect again, as a browser does
            self.close()
            connection = self._open()
            return await connection.send(self._message), connection

    def _open(self) -> HttpConnection:
        if self._connection is None:
            self._connection, self._number = self._connect(), self._state.next_connection_number()
        return self._connection


class _WorkerPool:
    """Sends each request at its scheduled time, with as many workers as that needs."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        state: _SampleState,
        new_worker: Callable[[], _Worker],
        workers: list[_Worker],
    ) -> None:
        self._tasks, self._state, self._new_worker = tasks, state, new_worker
        self._workers = workers
        self._free: deque[_Worker] = deque()
        self._slots = asyncio.Semaphore(state.plan.workers)

    async def send_at_rate(self, rate: float) -> None:
        """Send requests until the plan is done or this is cancelled, and wait for their answers."""
        state, plan, number = self._state, self._state.plan, 0
        with suppress(asyncio.CancelledError):
            while plan.seconds is None or number < plan.seconds * rate:
                due_s = number / rate
                await asyncio.sleep(max(0.0, due_s - state.elapsed()))
                await self._slots.acquire()
                if not state.claim():
                    break
                self._tasks.create_task(self._send(self._take(), due_s))
                number += 1
        state.ended_sending_s = state.elapsed()

    def _take(self) -> _Worker:
        """A worker without a request in flight; of kept connections, each in its turn."""
        can_add = len(self._workers) < self._state.plan.workers
        if self._free and not (can_add and self._state.plan.keep_alive):
            return self._free.popleft()
        self._workers.append(self._new_worker())
        return self._workers[-1]

    async def _send(self, worker: _Worker, due_s: float) -> None:
        await worker.send_due(due_s)
        self._free.append(worker)
        self._slots.release()


class ProgressLine:
    """Reports how many requests are done."""

    def __init__(self, plan: SamplingPlan, report: Report) -> None:
        self._plan, self._report = plan, report

    def __call__(self, progress: Progress) -> None:
        self._report(self._text(progress.done, progress.failed))

    def _text(self, done: int, failed: int) -> str:
        goal = f" of {self._plan.count:,}" if self._plan.count else ""
        limit = f" ({self._plan.seconds:g} s in all)" if self._plan.seconds else ""
        return f"{done:,}{goal} requests done{limit}, {count_noun(failed, 'failure')}"
