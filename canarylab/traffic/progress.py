"""How far is a sample? One line that is rewritten, where somebody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from canarylab.traffic.plan import Plan
from canarylab.traffic.words import counted

_PATIENCE_S = 1.0  # a shorter wait needs no line


def watched() -> TextIO | None:
    """Where a person would see a line: a terminal or a notebook; None where nobody looks."""
    if sys.stderr is not None and sys.stderr.isatty():
        return sys.stderr
    return sys.stdout if type(sys.stdout).__module__.startswith("ipykernel") else None


class ProgressLine:
    """Shows how many requests are done; says nothing at all about a short sample."""

    def __init__(
        self, plan: Plan, stream: TextIO | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._plan, self._stream, self._clock = plan, stream, clock
        self._start, self._width = clock(), 0

    def __call__(self, done: int, failed: int) -> None:
        if self._stream is None or self._clock() - self._start < _PATIENCE_S:
            return
        line = self._words(done, failed)
        self._stream.write(f"\r{line.ljust(self._width)}")
        self._stream.flush()
        self._width = len(line)

    def finish(self) -> None:
        """End the line, if there is one."""
        if self._stream is not None and self._width:
            self._stream.write("\n")
            self._stream.flush()

    def _words(self, done: int, failed: int) -> str:
        goal = f" of {self._plan.count:,}" if self._plan.count else ""
        limit = f" in {self._plan.seconds:g} s" if self._plan.seconds else ""
        return f"{done:,}{goal} requests done{limit}, {counted(failed, 'failure')}"
