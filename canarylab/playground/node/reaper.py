"""A program that kills every process with a run id in its environment, wherever it has moved.

A process may leave its parent, its group and its session, but it keeps the environment it was
started with, and so do its children. A process that dropped its environment is still found by its
session, as long as the session's leader has the id.

`process.py` starts this file with a pipe as its input. Each line has an id whose processes are
killed now; when the pipe ends, however the daemon ended, the program kills those of the id in the
first line and ends. It must be small and start fast, so it imports nothing of canarylab.
"""

from __future__ import annotations

import os
import signal
import sys
import time

RUN_ID = "CANARYLAB_RUN_ID"
_PAUSE_S = 0.01
_ENVIRONMENT_LIMIT = 1 << 21  # bytes


def kill_all(run_id: str) -> int:
    """Kill all processes of this run until none is found; return how many."""
    killed: set[int] = set()
    while found := processes_of(run_id):
        for pid in found:
            _kill(pid)
        killed |= found
        time.sleep(_PAUSE_S)  # killed processes do not disappear at once
    return len(killed)


def processes_of(run_id: str) -> set[int]:
    """Return the processes with this run id, and those of sessions whose leader has it."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208  small
    variable = f"{RUN_ID}={run_id}".encode()
    with_id = {pid for pid in pids if _has(pid, variable)}
    in_session = {pid for pid in pids if with_id and _session(pid) in with_id and _is_alive(pid)}
    return (with_id | in_session) - {os.getpid()}


def _has(pid: int, variable: bytes) -> bool:
    """Whether the environment has the variable; the id of a run is also that of its containers."""
    environment = b"\0" + _read(pid, "environ") + b"\0"
    return any(b"\0" + variable + end in environment for end in (b"\0", b"/"))


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _is_alive(pid: int) -> bool:
    """Whether it is no zombie; the state is after the last bracket of the name."""
    return not _read(pid, "stat").rpartition(b")")[2].lstrip().startswith((b"Z", b"X"))


def _read(pid: int, file: str) -> bytes:
    try:
        descriptor = os.open(f"/proc/{pid}/{file}", os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _ENVIRONMENT_LIMIT)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return  # it has ended by itself


def main() -> None:
    """Read run ids until the input ends."""
    own_run_id = sys.stdin.readline().strip()
    for line in sys.stdin:
        kill_all(line.strip())
    if own_run_id:
        kill_all(own_run_id)


if __name__ == "__main__":
    main()
