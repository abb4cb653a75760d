"""How do the acts of a burst become one piece of work?"""

from __future__ import annotations

import queue

from canarylab.widgets.board import Act, latest


class Acts:
    """What the controls asked for and nobody has done yet."""

    def __init__(self, *, quiet_s: float) -> None:
        self._waiting: queue.SimpleQueue[Act | None] = queue.SimpleQueue()
        self._quiet_s = quiet_s
        self.closed = False

    def put(self, act: Act) -> None:
        """Ask for an act; returns at once."""
        self._waiting.put(act)

    def close(self) -> None:
        """Nothing more will be asked for, and nobody needs what was."""
        self.closed = True
        self._waiting.put(None)

    @property
    def empty(self) -> bool:
        """Whether nobody asked for anything."""
        return self._waiting.empty()

    def take(self) -> list[Act] | None:
        """Wait for an act, and until no more come for a moment; None after `close`."""
        burst = [self._waiting.get()]
        while not self.closed:
            try:
                burst.append(self._waiting.get(timeout=self._quiet_s))
            except queue.Empty:
                break
        return None if self.closed else latest(act for act in burst if act is not None)
