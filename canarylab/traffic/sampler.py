"""Load sampler: send many requests to one URL and record each result.

Each request opens a new connection, because a Service chooses a pod for each connection: only then
is every response an independent draw. Workers take requests from one plan and record into one list.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

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
from canarylab.traffic.http import ParsedResponse, Request, Target
from canarylab.traffic.sample import RequestResult, Sample

OnRequestProgress = Callable[[int, int], None]
"""Called with how many requests are done, and how many of those failed."""

DEFAULT_COUNT = 100
MAX_REQUESTS = 200_000
MAX_DURATION_S = 600.0
MAX_CONCURRENCY = 256  # connections
MAX_TIMEOUT_S = 60.0
MAX_RATE = 100_000.0  # requests per second
PLAIN_GET = Request()

_PROGRESS_EVERY_S = 0.1
_FIRST_ERROR_STATUS = 400


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
    ValueError: count cannot be 0. Give a whole number from 1 to 200,000.
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
    on_progress: OnRequestProgress | None = None,
) -> Sample:
    """Like `sample`, without a progress line and with a full plan: rate, timeout, headers, Host.

    >>> measure("ftp://127.0.0.1/", SamplingPlan(count=1))
    Traceback (most recent call last):
    ValueError: 'ftp://127.0.0.1/' does not start with http:// or https://. Write it in full.
    """
    return runtime.run(send_requests(url, plan, request=request, on_progress=on_progress))


@dataclass(frozen=True, kw_only=True)
class SamplingPlan:
    """The bounds of one sample: a number of requests or a time, one of the two.

    >>> SamplingPlan(count=40).workers
    16
    >>> SamplingPlan(seconds=2, keep_alive=4).workers
    4
    """

    count: int | None = None
    seconds: float | None = None
    """No request starts later than this; it ends earlier at `MAX_REQUESTS`."""
    concurrency: int = 16
    """Requests in flight at once; with `keep_alive` it is one per connection."""
    keep_alive: int = 0
    """How many connections are opened and kept; 0 opens a new one for each request."""
    per_second: float | None = None
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        if (self.count is None) == (self.seconds is None):
            given = "neither" if self.count is None else "both"
            raise ValueError(
                f"A sample is bounded by a number of requests or by a time, and here {given} "
                "is given. Give count=200, or seconds=10."
            )
        _check_range("count", self.count, 1, MAX_REQUESTS)
        _check_positive("seconds", self.seconds, MAX_DURATION_S)
        _check_range("concurrency", self.concurrency, 1, MAX_CONCURRENCY)
        _check_range("keep_alive", self.keep_alive, 0, MAX_CONCURRENCY)
        _check_positive("per_second", self.per_second, MAX_RATE)
        _check_positive("timeout_s", self.timeout_s, MAX_TIMEOUT_S)

    @property
    def workers(self) -> int:
        """Requests in flight at once."""
        return min(self.keep_alive or self.concurrency, self.max_requests)

    @property
    def max_requests(self) -> int:
        """Upper limit on requests, also if the plan is bounded by time."""
        return self.count or MAX_REQUESTS


async def send_requests(
    url: str,
    plan: SamplingPlan,
    *,
    request: Request = PLAIN_GET,
    on_progress: OnRequestProgress | None = None,
) -> Sample:
    """Send the requests of a plan. Redirects are results; they are not followed.

    Raises TrafficError when nothing serves the URL: no connection of the first round succeeded.
    Later failures are part of what was measured, and are in the sample.
    """
    target, timeout = Target.parse(url), SharedTimeout(plan.timeout_s)
    connect = await resolve(target, request, timeout)
    message = target.message(request, kept=plan.keep_alive > 0)
    started, state = datetime.now(UTC), _SampleState(plan)
    try:
        async with asyncio.TaskGroup() as background:
            reporter = background.create_task(_report(state, on_progress))
            async with asyncio.TaskGroup() as workers:
                for _ in range(plan.workers):
                    workers.create_task(_Worker(connect, message, state).run())
            reporter.cancel()
    finally:
        timeout.close()
    if on_progress is not None:
        on_progress(len(state.results), state.failed)
    if state.unreachable_reason is not None:
        raise unreachable_error(url, state.unreachable_reason)
    return Sample(url, tuple(state.results), started, state.elapsed(), plan.keep_alive)


class _SampleState:
    """Shared by the workers of one sample: the plan's progress and the results so far."""

    def __init__(self, plan: SamplingPlan, clock: Callable[[], float] = time.perf_counter) -> None:
        self.plan, self._clock, self._start = plan, clock, clock()
        self.results: list[RequestResult] = []
        self.failed = self._started = self._connections = 0
        self.unreachable_reason: str | None = None
        """Why nothing serves the URL, once the first round has shown it."""
        self._is_reachable = False

    def next_delay_s(self) -> float | None:
        """Claim the next request: seconds to wait before it, or None when the plan is done."""
        if self._started >= self.plan.max_requests or self.unreachable_reason is not None:
            return None
        pace = self.plan.per_second
        starts = max(self._started / pace if pace else 0.0, self.elapsed())
        if self.plan.seconds is not None and starts >= self.plan.seconds:
            return None
        self._started += 1
        return starts - self.elapsed()

    def next_connection_number(self) -> int:
        self._connections += 1
        return self._connections - 1

    def record(self, result: RequestResult) -> None:
        self.results.append(result)
        self.failed += result.failure is not None
        self._is_reachable = self._is_reachable or result.failure not in UNREACHABLE_REASONS
        if not self._is_reachable and self.failed >= self.plan.workers:
            self.unreachable_reason = result.failure

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start


class _Worker:
    """Sends one request after another, over one connection or over a new one each time."""

    def __init__(self, connect: ConnectionFactory, message: bytes, state: _SampleState) -> None:
        self._connect, self._message, self._state = connect, message, state
        self._connection: HttpConnection | None = None
        self._number = 0

    async def run(self) -> None:
        """Send requests until the plan is done."""
        try:
            while (wait_s := self._state.next_delay_s()) is not None:
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                self._state.record(await self._send_once())
        finally:
            self._close_connection()

    async def _send_once(self) -> RequestResult:
        started = self._state.elapsed()
        try:
            response = await self._exchange()
        except REQUEST_ERRORS as exc:
            self._close_connection()
            latency = self._state.elapsed() - started
            return RequestResult(
                started, latency, failure=failure_kind(exc), connection=self._number
            )
        if not (self._state.plan.keep_alive and response.keep_alive):
            self._close_connection()
        failure = f"status {response.status}" if response.status >= _FIRST_ERROR_STATUS else None
        latency = self._state.elapsed() - started
        return RequestResult(
            started, latency, response.version, response.pod, response.status, failure, self._number
        )

    async def _exchange(self) -> ParsedResponse:
        try:
            return await self._open_connection().send(self._message)
        except (
            StaleConnectionError
        ):  # the server closed the kept connection: connect again, as a browser does
            self._close_connection()
            return await self._open_connection().send(self._message)

    def _open_connection(self) -> HttpConnection:
        if self._connection is None:
            self._connection, self._number = self._connect(), self._state.next_connection_number()
        return self._connection

    def _close_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def _report(state: _SampleState, on_progress: OnRequestProgress | None) -> None:
    while on_progress is not None:
        await asyncio.sleep(_PROGRESS_EVERY_S)
        on_progress(len(state.results), state.failed)


class ProgressLine:
    """Reports how many requests are done."""

    def __init__(self, plan: SamplingPlan, report: Report) -> None:
        self._plan, self._report = plan, report

    def __call__(self, done: int, failed: int) -> None:
        self._report(self._text(done, failed))

    def _text(self, done: int, failed: int) -> str:
        goal = f" of {self._plan.count:,}" if self._plan.count else ""
        limit = f" in {self._plan.seconds:g} s" if self._plan.seconds else ""
        return f"{done:,}{goal} requests done{limit}, {count_noun(failed, 'failure')}"


def _check_range(name: str, value: int | None, least: int, most: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(
            f"{name} cannot be {value!r}. Give a whole number from {least} to {most:,}."
        )


def _check_positive(name: str, value: float | None, most: float) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most:
        raise ValueError(f"{name} cannot be {value!r}. Give a number above 0, {most:,.0f} at most.")
