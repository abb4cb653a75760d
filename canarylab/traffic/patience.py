"""When has a request waited long enough?

All requests of a sample have the same patience, so they run out of it in the order in which they
began, and one timer does for all of them. A timer for each would cost a fifth of the speed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable


class Patience:
    """Calls whoever waited for `timeout_s`; whoever leaves before is forgotten."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Hashable, tuple[float, Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, who: Hashable, run_out: Callable[[], None]) -> None:
        """Start to count for `who`."""
        self._waiting[who] = (self._loop.time() + self.timeout_s, run_out)
        if self._timer is None:
            self._timer = self._loop.call_later(self.timeout_s, self._look)

    def end(self, who: Hashable) -> None:
        """`who` waits no longer."""
        self._waiting.pop(who, None)

    def close(self) -> None:
        """Forget everybody."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer, now = None, self._loop.time()
        for who, (deadline, run_out) in list(self._waiting.items()):
            if deadline > now:
                self._timer = self._loop.call_at(deadline, self._look)
                return
            del self._waiting[who]
            run_out()
