"""The reconcile loop, once, for every controller.

An event never says what to do; it only says which object to look at again. So many events about
one object collapse into one look, a lost event is healed by the next, and a reconcile that fails
is simply tried again, a little later each time. Read `replicaset.py` next: a controller is little
more than a `plan`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from canarylab.errors import AlreadyExistsError, ConflictError, ForbiddenError, NotFoundError
from canarylab.playground.controllers.queue import Clock, KeyQueue
from canarylab.playground.kube.api import Api, Key, WatchEvent

logger = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 0.005, 5.0  # seconds
WORKERS = 4  # looks at a time, each at another object: a slow one does not hold up all the others

_MOVED = (AlreadyExistsError, ConflictError, ForbiddenError, NotFoundError)
"""Refusals that only mean somebody was faster, or that a namespace is just being emptied."""

KeysOf = Callable[[Api, WatchEvent], Awaitable[Iterable[Key]]]
"""Which objects may have to be mended after this event?"""

Reconcile = Callable[[Api, Key], Awaitable[float | None]]
"""Mend one object. Returns the seconds after which to look again even if nothing happens."""


@dataclass(frozen=True)
class Controller:
    """What to keep true, what can disturb it, and how to mend it."""

    name: str
    reconcile: Reconcile
    watches: Mapping[str, KeysOf]


async def run(controller: Controller, api: Api, *, clock: Clock | None = None) -> None:
    """Run until cancelled."""
    queue = KeyQueue(clock or asyncio.get_running_loop())
    looks = _Looks(controller, api)
    try:
        async with asyncio.TaskGroup() as tasks:
            for kind, keys_of in controller.watches.items():
                tasks.create_task(_listen(api, kind, keys_of, queue))
            for _ in range(WORKERS):
                tasks.create_task(_work(looks, queue))
    finally:
        queue.close()


async def _listen(api: Api, kind: str, keys_of: KeysOf, queue: KeyQueue) -> None:
    async for event in api.watch(kind):
        for key in await keys_of(api, event):
            queue.add(key)


async def _work(looks: _Looks, queue: KeyQueue) -> None:
    while True:
        key = await queue.take()
        queue.done(key, again_after_s=await looks.at(key))
        await asyncio.sleep(0)  # an Api that answers at once would never let anybody else run


@dataclass(frozen=True)
class _Looks:
    """One controller's looks, and how often each has failed in a row."""

    controller: Controller
    api: Api
    failures: dict[Key, int] = field(default_factory=dict)

    async def at(self, key: Key) -> float | None:
        """Reconcile once; returns the seconds until the next look that nobody has to ask for."""
        try:
            delay_s = await self.controller.reconcile(self.api, key)
        except _MOVED as refusal:
            return self._again(key, refusal, level=logging.DEBUG)
        except Exception as problem:  # noqa: BLE001  one object must not stop the rest
            return self._again(key, problem, level=logging.WARNING)
        self.failures.pop(key, None)
        return delay_s

    def _again(self, key: Key, problem: Exception, *, level: int) -> float:
        self.failures[key] = self.failures.get(key, 0) + 1
        delay_s, whose = backoff_s(self.failures[key]), "/".join(filter(None, key))
        words = "%s %s: %r; trying again in %g s"
        logger.log(level, words, self.controller.name, whose, problem, delay_s, exc_info=problem)
        return delay_s


def backoff_s(failures: int) -> float:
    """How long to wait after that many failures in a row.

    >>> [backoff_s(failures) for failures in (1, 2, 3, 50)]
    [0.005, 0.01, 0.02, 5.0]
    """
    doublings = min(failures - 1, 20)  # far past LAST_RETRY already
    return min(FIRST_RETRY * 2.0**doublings, LAST_RETRY)
