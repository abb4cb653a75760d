"""Start, find and stop the daemon of a playground.

The daemon holds a file lock as long as it runs, and the system releases it however the daemon
ends; so the lock says whether one runs, not a process number in a file. Of two that start at once
one gets the lock, and both callers get that one.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import ssl
import struct
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import IO

from canarylab.errors import SetupError, TimedOutError
from canarylab.playground.credentials import read_credentials, read_kubeconfig, write_kubeconfig
from canarylab.playground.home import Home, write_atomically
from canarylab.playground.node.reaper import kill_earlier_runs
from canarylab.ports import LOOPBACK
from canarylab.runtime import wait_until

START_TIMEOUT_S, STOP_TIMEOUT_S = 20.0, 10.0
ANSWER_TIMEOUT_S = 10.0
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
    api_port_before: int | None = None
    """The port of the daemon before it."""
    restored: dict[str, int] = field(default_factory=dict)
    """How many objects it found when it started: `deployments` 1."""

    @property
    def ingress_url(self) -> str:
        """`http://127.0.0.1:8080`, without a slash at the end."""
        return f"http://{self.ingress_host}:{self.ingress_port}"


def up(home: Home, *, api_port: int | None = None) -> DaemonState:
    """The running playground, started if there was none.

    Raise SetupError if this machine cannot run it: not Linux, no write access, port in use; or if
    its kubeconfig would replace a file of someone else's.
    """
    _require_loopback_network()
    home.prepare()
    read_kubeconfig(home.kubeconfig)
    if (running := status(home)) is None:
        _start(home, api_port)
        running = _wait_until_running(home)
    elif not answers(running):
        raise SetupError(
            f"The playground (pid {running.pid}) runs, but does not answer within "
            f"{ANSWER_TIMEOUT_S:.0f} s. End it with `canarylab down`, which keeps its objects, and "
            "start it again."
        )
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


def kubeconfig(home: Home) -> Path:
    """The kubeconfig, written again if the daemon that wrote it runs and it is gone."""
    is_missing = "clusters" not in read_kubeconfig(home.kubeconfig)
    if is_missing and (running := status(home)) is not None:
        if (credentials := read_credentials(home.credentials)) is None:
            raise SetupError(
                f"The playground runs, and its kubeconfig and {home.credentials} are gone. End it "
                "with `canarylab down`, which keeps its objects, and start it again."
            )
        write_kubeconfig(home.kubeconfig, credentials, running.api_port)
    return home.kubeconfig


def answers(running: DaemonState) -> bool:
    """Whether its API server answers in time; a process that is stopped or stuck does not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it says nothing secret
    connection = HTTPSConnection(
        LOOPBACK, running.api_port, timeout=ANSWER_TIMEOUT_S, context=context
    )
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def read_state(home: Home) -> DaemonState | None:
    """The state that the daemon, or the one before it, has written."""
    try:
        return DaemonState(**json.loads(_state_file(home).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # none yet, or of another version


def down(home: Home) -> bool:
    """End the playground and all its pods; False when none ran. Its objects are kept.

    A daemon that is stopped or stuck is killed after a while, which loses nothing.
    """
    if (pid := holder_of_lock(home)) is None:
        return False
    for number in (signal.SIGTERM, signal.SIGCONT):
        os.kill(pid, number)
    if not _has_ended(home, pid):
        os.kill(pid, signal.SIGKILL)
        if not _has_ended(home, pid):
            raise TimedOutError(
                f"The playground (pid {pid}) has not ended although it was killed: the system "
                f"waits for a disk, perhaps that of {home.root}. Restart the machine if it stays."
            )
        kill_earlier_runs(home.run_ids)  # the reaper does it too; now it is done on return
    return True


def forget(home: Home) -> None:
    """Remove the objects of a playground that does not run, and the files of its pods.

    Its credentials and ports are kept, so open notebooks and shells reach the next one.
    """
    for file in home.playground.glob(f"{home.objects.name}*"):
        file.unlink(missing_ok=True)
    shutil.rmtree(home.pods, ignore_errors=True)


def _has_ended(home: Home, pid: int) -> bool:
    return wait_until(
        lambda: holder_of_lock(home) != pid, timeout_s=STOP_TIMEOUT_S, pause_s=_PAUSE_S
    )


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
    try:
        with home.log.open("a") as log:
            started = subprocess.run(  # it forks, and the child closes its output when it is ready
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # it outlives the shell and the kernel
                cwd="/",
                text=True,
                check=False,
                timeout=START_TIMEOUT_S,
            )
    except subprocess.TimeoutExpired as exc:
        raise SetupError(
            f"The playground has not started within {START_TIMEOUT_S:.0f} s; its log is "
            f"{home.log}. Look there, end it with `canarylab down`, and start it again."
        ) from exc
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
