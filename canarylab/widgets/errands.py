"""How does a burst of changes become the few things that are still worth doing?"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Errand(NamedTuple):
    """Something to do away from the kernel's own thread; a later one of its kind replaces it."""

    kind: str
    work: Callable[[], None]


class Errands:
    """What was asked for and nobody has done yet."""

    def __init__(self, *, quiet_s: float) -> None:
        self._waiting: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._quiet_s = quiet_s
        self.closed = False

    def put(self, kind: str, work: Callable[[], None]) -> None:
        """Ask for something; returns at once."""
        self._waiting.put(Errand(kind, work))

    def close(self) -> None:
        """Nothing more will be asked for, and nobody needs what was."""
        self.closed = True
        self._waiting.put(None)

    def take(self) -> list[Errand] | None:
        """Wait for an errand, and until no more come for a moment; None after `close`."""
        burst = [self._waiting.get()]
        while not self.closed:
            try:
                burst.append(self._waiting.get(timeout=self._quiet_s))
            except queue.Empty:
                break
        return None if self.closed else newest(each for each in burst if each is not None)


def newest(errands: Iterable[Errand]) -> list[Errand]:
    """Of each kind the last one, in the order in which those were asked for.

    >>> [each.kind for each in newest([Errand("explain", print), Errand("ask", print),
    ...                                Errand("explain", print)])]
    ['ask', 'explain']
    """
    left: dict[str, Errand] = {}
    for errand in errands:
        left.pop(errand.kind, None)
        left[errand.kind] = errand
    return list(left.values())
