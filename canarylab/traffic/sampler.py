"""How is an address asked many times, and what comes back written down?

Each request opens a connection of its own, because a Service chooses a pod for each connection:
only then is every answer a new choice. A few workers take turns from one plan and write into one
list; a turn is a request, whether it is answered or fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from canarylab.traffic.connection import Connection
from canarylab.traffic.failure import EXPECTED, UNSERVED, StaleError, kind
from canarylab.traffic.patience import Patience
from canarylab.traffic.plan import Plan
from canarylab.traffic.reply import Reply
from canarylab.traffic.request import Request, Target
from canarylab.traffic.route import Opener, find, unserved
from canarylab.traffic.sample import Answer, Sample

OnProgress = Callable[[int, int], None]
"""Called with how many requests are done, and how many of those failed."""

PLAIN_GET = Request()
_PROGRESS_EVERY_S = 0.1
_FIRST_ERROR = 400  # HTTP status


async def send(
    url: str,
    plan: Plan,
    *,
    request: Request = PLAIN_GET,
    on_progress: OnProgress | None = None,
) -> Sample:
    """Ask the URL as planned. Redirects are answers; they are not followed.

    Raises TrafficError when nobody serves there: not one connection of the first round came
    about. Later failures are part of what was measured, and are in the sample.
    """
    target, patience = Target.parse(url), Patience(plan.timeout_s)
    opener = await find(target, request, patience)
    message = target.message(request, kept=plan.keep_alive > 0)
    started, turns = datetime.now(UTC), _Turns(plan)
    try:
        async with asyncio.TaskGroup() as beside:
            reporter = beside.create_task(_report(turns, on_progress))
            async with asyncio.TaskGroup() as workers:
                for _ in range(plan.workers):
                    workers.create_task(_Worker(opener, message, turns).work())
            reporter.cancel()
    finally:
        patience.close()
    if on_progress is not None:
        on_progress(len(turns.answers), turns.failed)
    if turns.unserved is not None:
        raise unserved(url, turns.unserved)
    return Sample(url, tuple(turns.answers), started, turns.elapsed(), plan.keep_alive)


class _Turns:
    """What the workers of one sample share: whose turn it is, and what came back."""

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.perf_counter) -> None:
        self.plan, self._clock, self._start = plan, clock, clock()
        self.answers: list[Answer] = []
        self.failed = self._taken = self._opened = 0
        self.unserved: str | None = None
        """Why nobody serves there, once the first round has shown it."""
        self._reached = False

    def take(self) -> float | None:
        """How long to wait before the next request, in seconds; None when there is none."""
        if self._taken >= self.plan.most or self.unserved is not None:
            return None
        pace = self.plan.per_second
        starts = max(self._taken / pace if pace else 0.0, self.elapsed())
        if self.plan.seconds is not None and starts >= self.plan.seconds:
            return None
        self._taken += 1
        return starts - self.elapsed()

    def opens(self) -> int:
        """The number of a new connection."""
        self._opened += 1
        return self._opened - 1

    def write(self, answer: Answer) -> None:
        """Keep what one request brought back."""
        self.answers.append(answer)
        self.failed += answer.failure is not None
        self._reached = self._reached or answer.failure not in UNSERVED
        if not self._reached and self.failed >= self.plan.workers:
            self.unserved = answer.failure

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start


class _Worker:
    """Sends one request after the other, over one connection or over one each."""

    def __init__(self, opener: Opener, message: bytes, turns: _Turns) -> None:
        self._opener, self._message, self._turns = opener, message, turns
        self._connection: Connection | None = None
        self._number = 0

    async def work(self) -> None:
        """Take turns until there are none."""
        try:
            while (wait_s := self._turns.take()) is not None:
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                self._turns.write(await self._once())
        finally:
            self._hang_up()

    async def _once(self) -> Answer:
        began = self._turns.elapsed()
        try:
            reply = await self._ask()
        except EXPECTED as exc:
            self._hang_up()
            latency = self._turns.elapsed() - began
            return Answer(began, latency, failure=kind(exc), connection=self._number)
        if not (self._turns.plan.keep_alive and reply.keeps):
            self._hang_up()
        failure = f"status {reply.status}" if reply.status >= _FIRST_ERROR else None
        latency = self._turns.elapsed() - began
        return Answer(began, latency, reply.version, reply.pod, reply.status, failure, self._number)

    async def _ask(self) -> Reply:
        try:
            return await self._line().ask(self._message)
        except StaleError:  # as a browser does: the server had hung up, so dial again
            self._hang_up()
            return await self._line().ask(self._message)

    def _line(self) -> Connection:
        if self._connection is None:
            self._connection, self._number = self._opener(), self._turns.opens()
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def _report(turns: _Turns, on_progress: OnProgress | None) -> None:
    while on_progress is not None:
        await asyncio.sleep(_PROGRESS_EVERY_S)
        on_progress(len(turns.answers), turns.failed)
