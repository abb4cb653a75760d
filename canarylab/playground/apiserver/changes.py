"""How do changes reach those who watch?

Each watcher has a queue of its own. One that does not keep up is given up, as a real API server
does it: its queue is emptied, its next `take` raises GoneError, and it has to list again. So a
slow watcher costs a bounded amount of memory and never holds up a write.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from canarylab.errors import GoneError
from canarylab.playground.apiserver.encoding import encoded
from canarylab.playground.kube.api import Object

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True)
class Change:
    """What happened to one object, with what it was before."""

    type: ChangeType
    object: Object
    previous: Object | None
    version: int

    @cached_property
    def line(self) -> bytes:
        """As most watchers get it; encoded once, however many there are."""
        return event_line(self.type, self.object)


def event_line(type_: str, obj: Object) -> bytes:
    r"""One line of a watch.

    >>> event_line("ADDED", {"kind": "Pod"})
    b'{"type":"ADDED","object":{"kind":"Pod"}}\n'
    """
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), encoded(obj))


class Subscription:
    """Changes waiting for one watcher."""

    def __init__(self, earlier: Iterable[Change], *, backlog: int) -> None:
        self._waiting = deque(earlier)
        self._backlog = max(backlog, len(self._waiting))
        self._arrived = asyncio.Event()
        self._given_up = self._ended = False

    def offer(self, change: Change) -> None:
        """Add a change; never waits."""
        if self._given_up:
            return
        if len(self._waiting) >= self._backlog:
            self._waiting.clear()
            self._given_up = True
        else:
            self._waiting.append(change)
        self._arrived.set()

    @property
    def is_empty(self) -> bool:
        """Has everything been taken?"""
        return not self._waiting

    def end(self) -> None:
        """Tell no more: `take` returns what waits, and then nothing."""
        self._ended = True
        self._arrived.set()

    async def take(self) -> list[Change]:
        """All that wait, once there is at least one; raise GoneError when some were lost."""
        while not (self._waiting or self._given_up or self._ended):
            self._arrived.clear()
            await self._arrived.wait()
        if self._given_up:
            raise GoneError("too old resource version: this watch did not keep up")
        changes = list(self._waiting)
        self._waiting.clear()
        return changes
