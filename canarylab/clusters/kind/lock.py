"""Who may change the kind cluster now?

One program at a time. The system lets go of the lock when the last process that has its descriptor
ends, however it ends; so a kind program that inherits it keeps everybody out until it is done, even
when the notebook that started it was killed.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from canarylab.clusters.base import Report

WAITING = "waiting for another program that is at work on the kind cluster"


class Lock:
    """Held from `take` to `let_go`."""

    def __init__(self, path: Path, report: Report) -> None:
        self._path, self._report = path, report
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Wait for it, and say so where there is something to wait for."""
        file = self._path.open("a")
        try:
            self._wait_for(file)
        except BaseException:
            file.close()
            raise
        self._file = file

    def let_go(self) -> None:
        """Close our descriptor; whoever inherited it keeps the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def retake(self) -> None:
        """Wait until nobody who inherited the descriptor is left."""
        self.let_go()
        self.take()

    @property
    def descriptor(self) -> int:
        """To be inherited; raise ValueError where the lock is not held."""
        if self._file is None:
            raise ValueError("the lock is not held")
        return self._file.fileno()

    def _wait_for(self, file: IO[str]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._report(WAITING)
            fcntl.flock(file, fcntl.LOCK_EX)


@contextmanager
def held(path: Path, report: Report) -> Iterator[Lock]:
    """The lock, for the length of a `with`."""
    lock = Lock(path, report)
    lock.take()
    try:
        yield lock
    finally:
        lock.let_go()
