"""Ends what an interrupted test run leaves running.

Fixtures end what they started, but only while pytest lives. The reaper is a process of its own: it
reads from a pipe that ends with pytest, however pytest ends. Then it ends every process that was
started with the run's folder in its environment (daemons, kernels, JupyterLab, browsers, the
workers of xdist; pods follow their daemon, containers their engine) and removes the folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "CANARYLAB_TEST_RUN"
"""The run's folder; behind it, after a colon, that of a run inside it."""
GRACE_S = 15.0  # an engine stops its containers meanwhile
_PAUSE_S = 0.02


def run_folder() -> Path:
    """The folder of this run, which all its workers share."""
    return Path(os.environ[VARIABLE].rpartition(":")[2])


@contextmanager
def reaper() -> Iterator[None]:
    """Watch over the processes started within a `with`, and end those that outlive it."""
    outer = os.environ.get(VARIABLE)
    folder = tempfile.mkdtemp(prefix="canarylab-tests-")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, folder],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C in the terminal is for pytest alone
        env={},
        cwd="/",
    ):
        os.environ[VARIABLE] = f"{outer}:{folder}" if outer else folder
        try:
            yield
        finally:
            if outer:
                os.environ[VARIABLE] = outer
            else:
                del os.environ[VARIABLE]


def started_in(folder: str) -> set[int]:
    """The living processes that carry the folder in the environment they were started with."""
    pids = {int(path.name) for path in Path("/proc").glob("[0-9]*")} - {os.getpid()}
    return {pid for pid in pids if _carries(pid, folder.encode())}


def end_all(folder: str) -> None:
    """End them: SIGTERM first, SIGKILL when the grace is over."""
    asked: set[int] = set()
    deadline = time.monotonic() + GRACE_S
    while found := started_in(folder):
        is_over = time.monotonic() > deadline
        for pid in found if is_over else found - asked:
            _signal(pid, signal.SIGKILL if is_over else signal.SIGTERM)
        asked |= found
        time.sleep(_PAUSE_S)


def _carries(pid: int, folder: bytes) -> bool:
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has just ended, or belongs to somebody else
        return False
    prefix = f"{VARIABLE}=".encode()
    values = [pair.removeprefix(prefix) for pair in pairs if pair.startswith(prefix)]
    return any(folder in value.split(b":") for value in values)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return  # it has ended by itself


def main() -> None:
    """Wait for the end of the input, then end what is left."""
    folder = sys.argv[1]
    sys.stdin.read()
    end_all(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
