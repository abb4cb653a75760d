"""Which keys wait for a look?

Each waits at most once, however often it was added, and is out with at most one worker. Added
again while somebody is looking at it, it waits for that look to end and then comes once more:
what changed during a look may have been too late for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from canarylab.playground.kube.api import Key


class Alarm(Protocol):
    """Something that will ring, unless it is cancelled."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Calls back after a delay. An asyncio event loop is one."""

    def call_later(self, delay: float, callback: Callable[[Key], None], key: Key, /) -> Alarm: ...


class KeyQueue:
    """Keys in the order of their first wish."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[Key, None] = {}
        self._busy: set[Key] = set()
        self._alarms: dict[Key, Alarm] = {}
        self._changed = asyncio.Event()

    def add(self, key: Key) -> None:
        """Wish for a look, as soon as possible."""
        self._waiting.setdefault(key)
        self._changed.set()

    async def take(self) -> Key:
        """The next key to look at; nobody else gets it until it is `done`."""
        while (key := self._next()) is None:
            self._changed.clear()
            await self._changed.wait()
        del self._waiting[key]
        self._busy.add(key)
        self._silence(key)
        return key

    def done(self, key: Key, *, again_after_s: float | None = None) -> None:
        """The look is over; the latest one decides whether another is due without any event."""
        self._busy.discard(key)
        self._changed.set()
        if again_after_s is not None:
            self._alarms[key] = self._clock.call_later(again_after_s, self.add, key)

    def close(self) -> None:
        """No alarm rings any more."""
        for key in list(self._alarms):
            self._silence(key)

    def _next(self) -> Key | None:
        return next((key for key in self._waiting if key not in self._busy), None)

    def _silence(self, key: Key) -> None:
        if alarm := self._alarms.pop(key, None):
            alarm.cancel()
