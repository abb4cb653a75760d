"""How does a burst of wishes become the few that are still worth fulfilling?"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Wish = TypeVar("Wish")


class Burst(Generic[Wish]):
    """What was wished for and nobody has done yet; `left_of` says what is left of many."""

    def __init__(self, left_of: Callable[[Iterable[Wish]], list[Wish]], *, quiet_s: float) -> None:
        self._waiting: queue.SimpleQueue[Wish | None] = queue.SimpleQueue()
        self._left_of, self._quiet_s = left_of, quiet_s
        self.closed = False

    def put(self, wish: Wish) -> None:
        """Wish for something; returns at once."""
        self._waiting.put(wish)

    def close(self) -> None:
        """Nothing more will be wished for, and nobody needs what was."""
        self.closed = True
        self._waiting.put(None)

    @property
    def empty(self) -> bool:
        """Whether nobody wished for anything."""
        return self._waiting.empty()

    def take(self) -> list[Wish] | None:
        """Wait for a wish, and until no more come for a moment; None after `close`."""
        burst = [self._waiting.get()]
        while not self.closed:
            try:
                burst.append(self._waiting.get(timeout=self._quiet_s))
            except queue.Empty:
                break
        return None if self.closed else self._left_of(wish for wish in burst if wish is not None)
