"""Retries: what fails is logged with its name, and tried again, a little later each time.

So one object that nobody thought of delays itself alone: neither the other objects nor the other
tasks of the daemon.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from canarylab.errors import GoneError
from canarylab.kube_objects import key_of
from canarylab.playground.kube.api import Api, WatchEvent

FIRST_RETRY, LAST_RETRY = 0.005, 5.0  # seconds
EVENT_TRIES = 20
"""For one event: about a minute. After that, the next event of the object is mapped as well."""
_STEADY_S = 60.0  # a task that ran for so long starts again with the first delay

Sleep = Callable[[float], Awaitable[None]]
logger = logging.getLogger(__name__)


class RetryDelays(NamedTuple):
    """Delays between tries, which double from the first to the last."""

    first_s: float = FIRST_RETRY
    last_s: float = LAST_RETRY

    def after(self, failures: int) -> float:
        """The seconds until the next try; `failures` came before this one.

        >>> [RetryDelays().after(failures) for failures in (0, 1, 2, 50)]
        [0.005, 0.01, 0.02, 5.0]
        """
        doublings = min(failures, 20)  # far past the last delay already
        return min(self.first_s * 2.0**doublings, self.last_s)


DELAYS = RetryDelays()


async def keep_running(
    name: str,
    work: Callable[[], Awaitable[None]],
    *,
    delays: RetryDelays = DELAYS,
    tries: int | None = None,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Run `work` until it returns; if it raises, log that and run it again, `tries` times at most.

    Cancelling is no failure.
    """
    now, failures = asyncio.get_running_loop().time, 0
    while True:
        began = now()
        try:
            await work()
        except Exception as error:
            failures = 0 if now() - began > _STEADY_S else failures
            delay_s, failures = delays.after(failures), failures + 1
            if tries is not None and failures >= tries:
                logger.warning("%s: %r; given up", name, error, exc_info=error)
                return
            logger.warning("%s: %r; trying again in %g s", name, error, delay_s, exc_info=error)
            await sleep(delay_s)
        else:
            return


async def for_each_event(
    name: str,
    events: AsyncIterator[WatchEvent],
    act: Callable[[WatchEvent], Awaitable[None]],
    tasks: asyncio.TaskGroup,
) -> None:
    """Do something for each event; where that fails it is tried again while others go on."""
    async for event in events:
        try:
            await act(event)
        except Exception as error:
            key = "/".join(filter(None, key_of(event.object)))
            named = f"{name} {event.object.get('kind')} {key}"
            logger.warning("%s: %r; trying again", named, error, exc_info=error)
            tasks.create_task(keep_running(named, partial(act, event), tries=EVENT_TRIES))


async def notify_of_changes(api: Api, kinds: Iterable[str], changed: asyncio.Event) -> None:
    """Set `changed` at every change of an object of these kinds; runs until cancelled.

    For controllers that list again on every change.
    """
    async with asyncio.TaskGroup() as tasks:
        for kind in kinds:
            notify = partial(_notify_of_kind, api, kind, changed)
            tasks.create_task(keep_running(f"watch of {kind}", notify))


async def _notify_of_kind(api: Api, kind: str, changed: asyncio.Event) -> None:
    while True:
        try:
            async for _ in api.watch(kind):
                changed.set()
        except GoneError:
            changed.set()  # some events were missed: what they changed is read anyway
