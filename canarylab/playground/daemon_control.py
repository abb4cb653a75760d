"""Start, find and stop the daemon of a playground.

The daemon holds a file lock as long as it runs, and the system releases it however the daemon
ends; so the lock says whether one runs, not a process number in a file. Of two that start at once
one gets the lock, and both callers get that one.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from canarylab.errors import SetupError, TimedOutError
from canarylab.playground.home import Home, write_atomically
from canarylab.runtime import wait_until

START_TIMEOUT_S, STOP_TIMEOUT_S = 20.0, 20.0
_PAUSE_S = 0.02
_FLOCK = "hhqqi"  # struct flock of Linux, on 64 bits: type, whence, start, length, pid


@dataclass(frozen=True)
class DaemonState:
    """What a daemon writes down when it is ready."""

    pid: int
    api_port: int
    node: str
    """The address of the node, where node ports answer."""
    ingress_host: str
    """Where Ingresses answer: 127.0.0.1, or the node if its port was not free."""
    ingress_port: int
    started: str
    """UTC, as Kubernetes writes times."""
    version: str

    @property
    def ingress_url(self) -> str:
        """`http://127.0.0.1:8080`, without a slash at the end."""
        return f"http://{self.ingress_host}:{self.ingress_port}"


def up(home: Home, *, api_port: int | None = None) -> DaemonState:
    """The running playground, started if there was none.

    Raise SetupError if this machine cannot run it: not Linux, no write access, port in use.
    """
    _require_loopback_network()
    home.prepare()
    if (running := status(home)) is None:
        _start(home, api_port)
        running = _wait_until_running(home)
    if api_port not in {None, running.api_port}:
        raise SetupError(
            f"The playground runs already, on API port {running.api_port}, not {api_port}. "
            "Use it as it is, or end it with `canarylab down` first."
        )
    return running


def status(home: Home) -> DaemonState | None:
    """The running playground, if one runs and is ready."""
    pid, state = holder_of_lock(home), read_state(home)
    return state if state is not None and state.pid == pid else None


def read_state(home: Home) -> DaemonState | None:
    """The state that the daemon, or the one before it, has written."""
    try:
        return DaemonState(**json.loads(_state_file(home).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # none yet, or of another version


def down(home: Home) -> bool:
    """End the playground and all its pods; False when none ran."""
    if (pid := holder_of_lock(home)) is None:
        return False
    os.kill(pid, signal.SIGTERM)
    has_ended = wait_until(
        lambda: holder_of_lock(home) != pid, timeout_s=STOP_TIMEOUT_S, pause_s=_PAUSE_S
    )
    if not has_ended:
        raise TimedOutError(
            f"The playground (pid {pid}) did not end within {STOP_TIMEOUT_S:.0f} s. "
            f"Look at {home.log}, or end it with `kill -9 {pid}`."
        )
    return True


def take_lock(home: Home) -> IO[str] | None:
    """The daemon's lock, held until this process ends; None when another daemon has it."""
    file = _lock_file(home).open("w")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.close()
        return None
    return file


def holder_of_lock(home: Home) -> int | None:
    """The process id of the daemon, ready or not; reading it does not affect the lock."""
    try:
        with _lock_file(home).open() as file:
            request = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            answer = fcntl.fcntl(file, fcntl.F_GETLK, request)
    except FileNotFoundError:
        return None
    kind, _, _, _, pid = struct.unpack(_FLOCK, answer)
    return None if kind == fcntl.F_UNLCK else pid


def write_state(home: Home, state: DaemonState) -> None:
    """Write the state of this daemon, which is ready now."""
    write_atomically(_state_file(home), json.dumps(asdict(state)))


def _start(home: Home, api_port: int | None) -> None:
    command = [sys.executable, "-m", "canarylab.playground.daemon", str(home.root)]
    if api_port is not None:
        command.append(str(api_port))
    with home.log.open("a") as log:
        started = (
            subprocess.run(  # it forks, and the child closes its standard output when it is ready
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # it outlives the shell and the kernel
                cwd="/",
                text=True,
                check=False,
            )
        )
    if problem := started.stdout.strip():
        raise SetupError(problem)


def _wait_until_running(home: Home) -> DaemonState:
    wait_until(
        lambda: status(home) is not None or holder_of_lock(home) is None,
        timeout_s=START_TIMEOUT_S,
        pause_s=_PAUSE_S,
    )
    running = status(home)
    if running is None:
        raise SetupError(
            f"The playground did not start: {_last_line(home.log)}. Its log is {home.log}."
        )
    return running


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")


def _state_file(home: Home) -> Path:
    return home.playground / "state.json"


def _lock_file(home: Home) -> Path:
    return home.playground / "lock"


def _require_loopback_network() -> None:
    if sys.platform != "linux":
        raise SetupError(
            "The playground needs Linux, where all of 127.0.0.0/8 is this machine; "
            f"{sys.platform} has one such address. Use kind, or open the lessons on Binder."
        )
