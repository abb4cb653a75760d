"""Ends every process that carries a mark in its environment, wherever it has gone.

A process may leave its parent, its group and its session, but it keeps the environment it was
started with, and so do its children. What dropped its environment is still found by its session,
as long as the session's leader carries the mark.

The kubelet starts this file as a program, the guard, with a pipe as its input. Each line names a
mark to sweep now; when the pipe ends, however the kubelet ended, the guard sweeps the mark of the
first line a last time and ends. It must be small and start fast, so it imports nothing of ours.
"""

from __future__ import annotations

import os
import signal
import sys
import time

MARK = "CANARYLAB_MARK"
_PAUSE_S = 0.01
_ENOUGH = 1 << 21  # bytes; what the system allows an environment


def sweep(mark: str) -> int:
    """End all that carry `MARK` with this value, until a look finds none; return how many."""
    ended: set[int] = set()
    while found := carriers(mark):
        for pid in found:
            _end(pid)
        ended |= found
        time.sleep(_PAUSE_S)  # the dead need a moment to be gone
    return len(ended)


def carriers(mark: str) -> set[int]:
    """The processes that carry the mark, and those of sessions whose leader does."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208  small
    wanted = f"{MARK}={mark}".encode()
    marked = {pid for pid in pids if _has(pid, wanted)}
    led = {pid for pid in pids if marked and _session(pid) in marked and _is_alive(pid)}
    return (marked | led) - {os.getpid()}


def _has(pid: int, wanted: bytes) -> bool:
    """A mark may have parts, `run/container`; one that names the run is carried by all of it."""
    environment = b"\0" + _read(pid, "environ") + b"\0"
    return any(b"\0" + wanted + end in environment for end in (b"\0", b"/"))


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _is_alive(pid: int) -> bool:
    """A zombie is not; its state stands behind the last bracket of its name."""
    return not _read(pid, "stat").rpartition(b")")[2].lstrip().startswith((b"Z", b"X"))


def _read(pid: int, file: str) -> bytes:
    try:
        descriptor = os.open(f"/proc/{pid}/{file}", os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _ENOUGH)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return  # it has gone by itself


def main() -> None:
    """Guard until the input ends."""
    own_mark = sys.stdin.readline().strip()
    for line in sys.stdin:
        sweep(line.strip())
    if own_mark:
        sweep(own_mark)


if __name__ == "__main__":
    main()
