"""Run an image on this machine, outside any cluster, as `docker run -p 8888:3333` does.

The process listens on 127.0.0.1 only. It ends with whoever started it, a killed kernel included:
the reaper of the playground's pods runs here, too (`playground/node/reaper.py`).
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from canarylab.errors import ClusterError, SetupError
from canarylab.playground.images import Image, path_with_node
from canarylab.playground.node import reaper
from canarylab.playground.node.environment import POD_IP, node_options
from canarylab.ports import LOOPBACK, ensure_free

START_TIMEOUT_S, STOP_TIMEOUT_S = 15.0, 10.0
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True)
class ProcessRun:
    """An image that runs as a process, and answers."""

    reference: str
    port: int
    process: subprocess.Popen[bytes]
    guard: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def __repr__(self) -> str:
        return f"{self.reference} answers at {self.url}"


class LocalRuns:
    """What this program runs locally, by port. Starting on a port again replaces what ran there."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._runs: dict[int, ProcessRun] = {}

    def start(self, image: Image, *, port: int) -> ProcessRun:
        """Run it and wait until it answers; raise PortInUseError where somebody else listens."""
        self.stop(port)
        ensure_free(port, remedy="End that program, or name another port with `port=`.")
        self._logs.mkdir(parents=True, exist_ok=True)
        mark, log = secrets.token_hex(16), self._logs / f"{port}.log"
        guard = _post_guard(mark)
        with log.open("wb") as output:
            process = _start(image, port, mark, output)
        run = ProcessRun(image.reference, port, process, guard)
        self._runs[port] = run
        try:
            _wait_until_it_listens(run, log)
        except BaseException:
            self.stop(port)
            raise
        return run

    def running(self) -> list[ProcessRun]:
        """What runs, the first started first."""
        return list(self._runs.values())

    def stop(self, port: int) -> bool:
        """End what runs on this port; False when nothing of ours did."""
        run = self._runs.pop(port, None)
        if run is None:
            return False
        run.process.terminate()
        try:
            run.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            run.process.kill()
        run.guard.communicate()  # the end of its input: it ends what may be left, and then itself
        run.process.wait()
        return True

    def stop_all(self) -> list[int]:
        """End everything; which ports are free again."""
        return [port for port in list(self._runs) if self.stop(port)]


def _start(image: Image, port: int, mark: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {
        **image.env,
        "PATH": path_with_node(image.env.get("PATH", os.defpath)),
        "PORT": str(port),
        "DRAIN_S": "0",  # nobody sends traffic here while it ends
        "HOSTNAME": f"local-{port}",
        "NODE_OPTIONS": node_options(image.env.get("NODE_OPTIONS", "")),
        POD_IP: LOOPBACK,
        reaper.RUN_ID: mark,
    }
    try:
        return subprocess.Popen(
            [*image.entrypoint, *image.command],
            cwd=image.working_folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as exc:
        raise SetupError(
            f"{image.reference} cannot be started: {exc}. Look at the CMD of its Dockerfile."
        ) from exc


def _post_guard(mark: str) -> subprocess.Popen[bytes]:
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", "-E", reaper.__file__],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        bufsize=0,
    )
    if guard.stdin is not None:
        guard.stdin.write(f"{mark}\n".encode())
    return guard


def _wait_until_it_listens(run: ProcessRun, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _listens(run.port):
        if run.process.poll() is not None:
            said = log.read_text(errors="replace").strip().splitlines()[-5:]
            raise ClusterError(
                f"{run.reference} ended with exit status {run.process.returncode} before it "
                f"answered. It said: {' | '.join(said) or 'nothing'}"
            )
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{run.reference} runs but does not listen on port {run.port} after "
                f"{START_TIMEOUT_S:.0f} s. Does the app read the PORT variable?"
            )
        time.sleep(_LOOK_EVERY_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
