"""A program that kills every process with a run id in its environment, wherever it has moved.

A process may leave its parent, its group and its session, and drop its environment (`env -i`). It
and its children keep their resource limits, though. Linux has had no use for the limit of file
locks since 2.4.25, so a process started with a number made from the run id as this limit bears a
mark for as long as it lives.
https://man7.org/linux/man-pages/man2/getrlimit.2.html

`process.py` starts this file with a pipe as its input. Each line has an id whose processes are
killed now; when the pipe ends, however the daemon ended, the program kills those of the id in the
first line and ends. It must be small and start fast, so it imports nothing of canarylab.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # this program is kept small
    from pathlib import Path

RUN_ID = "CANARYLAB_RUN_ID"
_FILE_LOCKS = 10  # RLIMIT_LOCKS, which the module `resource` does not name
_CONTAINER_BITS = 28
_MEMORY = 20  # vsize, among the fields of /proc/PID/stat after the name
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


def kill_earlier_runs(run_ids: Path) -> None:
    """End what is left of the runs whose ids are in this file, which may not be there."""
    for run_id in run_ids.read_text().split() if run_ids.exists() else ():
        kill_all(run_id)


def processes_of(run_id: str) -> set[int]:
    """Return the processes with this run id in their environment, or with its mark."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208  small
    variable = f"{RUN_ID}={run_id}".encode()
    found = {pid for pid in pids if _has(pid, variable) or _is_marked(pid, run_id)}
    return {pid for pid in found if _is_alive(pid) and _may_be_killed(pid)} - {os.getpid()}


def set_mark(run_id: str | None, pid: int = 0) -> None:
    """Mark a process and the children that it will start; without a run id, remove the mark.

    By default it is this process, around the start of a child.
    """
    mark = resource.RLIM_INFINITY if run_id is None else _mark(run_id)
    try:
        _, most = resource.prlimit(pid, _FILE_LOCKS)
        resource.prlimit(pid, _FILE_LOCKS, (mark, most))
    except (OSError, ValueError):
        return  # it has ended, or the system does not permit it: then the environment must do


def _mark(run_id: str) -> int:
    """A number of 60 bits: 32 for the run, the others for the container."""
    run, _, container = run_id.partition("/")
    of_container = zlib.crc32(container.encode()) % (1 << _CONTAINER_BITS) if container else 0
    return (zlib.crc32(run.encode()) << _CONTAINER_BITS) + of_container


def _is_marked(pid: int, run_id: str) -> bool:
    """Whether it has the mark; the id of a run is also that of its containers."""
    _, _, values = _read(pid, "limits").partition(b"Max file locks")
    soft = values.split(maxsplit=1)[:1]
    if not soft or not soft[0].isdigit():
        return False
    ignored_bits = 0 if "/" in run_id else _CONTAINER_BITS
    return int(soft[0]) >> ignored_bits == _mark(run_id) >> ignored_bits


def _has(pid: int, variable: bytes) -> bool:
    """Whether the environment has the variable; the id of a run is also that of its containers."""
    environment = b"\0" + _read(pid, "environ") + b"\0"
    return any(b"\0" + variable + end in environment for end in (b"\0", b"/"))


def _is_alive(pid: int) -> bool:
    """Whether it is no zombie, and none that sleeps without memory until zombies are reaped.

    So does process 1 of a PID namespace at its end, if another namespace has their parent, and for
    ever if that is a process 1 that reaps nothing.
    """
    fields = _read(pid, "stat").rpartition(b")")[2].split()  # those after the name
    if not fields or fields[0] in (b"Z", b"X"):
        return False
    return (fields[0], fields[_MEMORY]) != (b"S", b"0")


def _may_be_killed(pid: int) -> bool:
    """Whether it belongs to this user: others can read the mark of a process, and bear it too."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


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
