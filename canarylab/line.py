"""How is waiting shown? One line that is rewritten, where somebody watches, and not at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

PATIENCE_S = 1.0  # a shorter wait needs no line


def watched() -> TextIO | None:
    """Where a person would see a line: a terminal or a notebook; None where nobody looks."""
    if sys.stderr is not None and sys.stderr.isatty():
        return sys.stderr
    return sys.stdout if type(sys.stdout).__module__.startswith("ipykernel") else None


@contextmanager
def waiting_line() -> Iterator[Callable[[str], None]]:
    """For the length of a wait: a function that says how far it is."""
    line = Line(watched())
    try:
        yield line.say
    finally:
        line.finish()


@contextmanager
def cleared_line(
    write: Callable[[object], None],
) -> Iterator[tuple[Callable[[object], None], Callable[[str], None]]]:
    """As `waiting_line`, and a function that writes what is to stay in the line's place."""
    line = Line(watched())

    def tell(words: object) -> None:
        line.clear()
        write(words)

    try:
        yield tell, line.say
    finally:
        line.clear()


class Line:
    """Says nothing at all about a short wait, and otherwise the latest words."""

    def __init__(self, stream: TextIO | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._start, self._said = clock(), ""

    def say(self, words: str) -> None:
        """Put these words in place of the ones before."""
        is_early = self._clock() - self._start < PATIENCE_S
        if self._stream is None or is_early or words == self._said:
            return
        self._stream.write(f"\r{words.ljust(len(self._said))}")
        self._stream.flush()
        self._said = words

    def clear(self) -> None:
        """Take the line away."""
        if self._stream is not None and self._said:
            self._stream.write(f"\r{' ' * len(self._said)}\r")
            self._stream.flush()
            self._said = ""

    def finish(self) -> None:
        """End the line, if there is one."""
        if self._stream is not None and self._said:
            self._stream.write("\n")
            self._stream.flush()
