"""The reconcile loop and the work queue that every controller runs on.

An event never says what to do; it only names the object to reconcile. So many events about one
object become one reconcile; a lost event does no harm, because the next one triggers the same
reconcile; and a reconcile that fails is tried again, a little later each time. The names are those
of controller-runtime and client-go. Read `replicaset.py` next: a controller is little more than a
`plan`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from canarylab.errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from canarylab.kube_objects import Key, key_of
from canarylab.playground.kube.api import Api, WatchEvent
from canarylab.playground.kube.retries import DELAYS, for_each_event, keep_running

logger = logging.getLogger(__name__)

WORKERS = (
    4  # reconciles at a time, each of another object, so that a slow one does not block the others
)

_EXPECTED = (AlreadyExistsError, ConflictError, ForbiddenError, NotFoundError)
"""Refusals that only mean that another writer was faster, or that a namespace is being emptied."""

MapFunc = Callable[[Api, WatchEvent], Awaitable[Iterable[Key]]]
"""Maps an event to the keys of the objects to reconcile because of it."""

Reconcile = Callable[[Api, Key], Awaitable[float | None]]
"""Brings one object closer to its spec.

Returns the seconds after which to reconcile again even if no event comes, or None.
"""


@dataclass(frozen=True)
class Controller:
    """A reconcile function, and the kinds to watch for it."""

    name: str
    reconcile: Reconcile
    watches: Mapping[str, MapFunc]
    manager: str = "kube-controller-manager"
    """The program that runs it on other clusters, which `managedFields` names."""


async def keys_for_object(api: Api, event: WatchEvent) -> list[Key]:
    """Reconcile the object that changed."""
    return [key_of(event.object)]


async def run_controller(
    controller: Controller, api: Api, *, call_later: CallLater | None = None
) -> None:
    """Run until cancelled."""
    queue = WorkQueue(call_later or asyncio.get_running_loop().call_later)
    rate_limiter = RateLimiter()
    try:
        async with asyncio.TaskGroup() as tasks:
            for kind, map_func in controller.watches.items():
                watch = partial(_watch, api, kind, map_func, queue, tasks)
                tasks.create_task(keep_running(f"{controller.name}: watch of {kind}", watch))
            for _ in range(WORKERS):
                tasks.create_task(_work(controller, api, queue, rate_limiter))
    finally:
        queue.shut_down()


class TimerHandle(Protocol):
    """A pending callback, as asyncio's `call_later` returns it."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[Key], None], Key], TimerHandle]


class WorkQueue:
    """Keys to reconcile, in the order in which they were added.

    Each is in the queue at most once, however often it was added, and with one worker at a time.
    Added while a worker has it, it comes again afterwards: that reconcile may have read the object
    before the change.
    """

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._waiting: dict[Key, None] = {}
        self._processing: set[Key] = set()
        self._timers: dict[Key, TimerHandle] = {}
        self._changed = asyncio.Event()

    def add(self, key: Key) -> None:
        """Add a key, unless it is waiting already."""
        self._waiting.setdefault(key)
        self._changed.set()

    def add_after(self, key: Key, delay_s: float) -> None:
        """Add a key later, unless it is taken from the queue before."""
        self._cancel_timer(key)
        self._timers[key] = self._call_later(delay_s, self.add, key)

    async def get(self) -> Key:
        """Take the next key; no other worker gets it until it is `done`."""
        while (key := self._next()) is None:
            self._changed.clear()
            await self._changed.wait()
        del self._waiting[key]
        self._processing.add(key)
        self._cancel_timer(key)
        return key

    def done(self, key: Key) -> None:
        """Mark the end of a reconcile."""
        self._processing.discard(key)
        self._changed.set()

    def shut_down(self) -> None:
        """Cancel all timers."""
        for key in list(self._timers):
            self._cancel_timer(key)

    def _next(self) -> Key | None:
        return next((key for key in self._waiting if key not in self._processing), None)

    def _cancel_timer(self, key: Key) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()


class RateLimiter:
    """Delays that double with each failure of a key in a row.

    >>> limiter = RateLimiter()
    >>> [limiter.when(Key("lab", "web")) for _ in range(3)]
    [0.005, 0.01, 0.02]
    """

    def __init__(self) -> None:
        self._failures: dict[Key, int] = {}

    def when(self, key: Key) -> float:
        """Count a failure; return the seconds until the next try."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        return DELAYS.after(failures)

    def forget(self, key: Key) -> None:
        """Start again after a success."""
        self._failures.pop(key, None)


async def _watch(
    api: Api, kind: str, map_func: MapFunc, queue: WorkQueue, tasks: asyncio.TaskGroup
) -> None:
    async def add_keys(event: WatchEvent) -> None:
        for key in await map_func(api, event):
            queue.add(key)

    await for_each_event("event of", api.watch(kind), add_keys, tasks)


async def _work(
    controller: Controller, api: Api, queue: WorkQueue, rate_limiter: RateLimiter
) -> None:
    while True:
        key = await queue.get()
        requeue_after_s = await _reconcile(controller, api, key, rate_limiter)
        queue.done(key)
        if requeue_after_s is not None:
            queue.add_after(key, requeue_after_s)
        await asyncio.sleep(0)  # with an Api that answers at once no other task would ever run


async def _reconcile(
    controller: Controller, api: Api, key: Key, rate_limiter: RateLimiter
) -> float | None:
    try:
        requeue_after_s = await controller.reconcile(api, key)
    except Exception as error:  # one object must not stop the rest
        level = logging.DEBUG if isinstance(error, _EXPECTED) else logging.WARNING
        delay_s, name = rate_limiter.when(key), "/".join(filter(None, key))
        message = "%s %s: %r; trying again in %g s"
        trace = None if isinstance(error, ApiError) else error  # a refusal says what is wrong
        logger.log(level, message, controller.name, name, error, delay_s, exc_info=trace)
        return delay_s
    rate_limiter.forget(key)
    return requeue_after_s
