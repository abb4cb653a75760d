"""Who ends the pods if the daemon is killed?

A small process of its own, the guard, which notices the daemon's end by the end of a pipe, and
which no `kill -9` of the daemon can stop. Every container carries the mark of this run in its
environment; see `sweep.py` for how they are found. If the guard itself is killed another takes
its place, and if both are killed at once, the next daemon of the same home sweeps up.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from canarylab.playground.node import sweep
from canarylab.playground.node.beside import beside
from canarylab.playground.node.ending import ended

_PROGRAM = Path(sweep.__file__)


class Guard:
    """Knows the mark of this run, and has someone stand by to sweep it."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self._process, self._pipe = self._post()

    @classmethod
    @contextlib.asynccontextmanager
    async def standing(cls, marks: Path) -> AsyncIterator[Guard]:
        """A guard for the length of a `with`; `marks` remembers the runs before this one."""
        for earlier in _earlier(marks):
            sweep.sweep(earlier)
        guard = cls(secrets.token_hex(16))
        _remember(marks, guard.mark)
        try:
            async with beside(guard._replace_the_fallen()):
                yield guard
        finally:
            await guard._dismiss()

    def mark_of(self, container_id: str) -> str:
        """What a container carries: it belongs to this run, and is this one."""
        return f"{self.mark}/{container_id}"

    def sweep(self, container_id: str) -> None:
        """Soon end what is left of one container; costs the daemon nothing."""
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            # If it fell, or is behind, the sweep at the end of the run takes it along.
            os.write(self._pipe, f"{self.mark_of(container_id)}\n".encode())

    def _post(self) -> tuple[subprocess.Popen[bytes], int]:
        """A guard, and the pipe to it; its orders lie in the pipe before it is there to read."""
        orders, pipe = os.pipe()
        os.set_blocking(pipe, False)
        try:
            os.write(pipe, f"{self.mark}\n".encode())
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-E", str(_PROGRAM)],
                stdin=orders,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the daemon's terminal is not for the guard
                env={},
                cwd="/",
            )
        finally:
            os.close(orders)
        return process, pipe

    async def _replace_the_fallen(self) -> None:
        while True:
            await ended(self._process)
            os.close(self._pipe)
            self._process, self._pipe = self._post()

    async def _dismiss(self) -> None:
        os.close(self._pipe)
        await ended(self._process)


def _earlier(marks: Path) -> list[str]:
    return marks.read_text().split() if marks.exists() else []


def _remember(marks: Path, mark: str) -> None:
    """Only the newest: the earlier ones were swept just now."""
    marks.parent.mkdir(parents=True, exist_ok=True)
    marks.touch(mode=0o600)
    marks.write_text(f"{mark}\n")
