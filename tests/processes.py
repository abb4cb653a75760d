"""The processes that belong to a home.

A daemon and a kernel carry it in their environment; a pod and a local run work inside it.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

import psutil

from canarylab.playground import daemon_control
from canarylab.playground.home import Home

GONE_WITHIN_S = 20.0


def processes_of(home: Path) -> list[str]:
    """Process id and command line of each that is still there."""
    return sorted(
        _line(process) for process in Path("/proc").glob("[0-9]*") if _is_of(process, home)
    )


def wait_until_only_the_playground_runs(home: Path) -> None:
    """Wait until nothing but the daemon and what it started belongs to this home; else fail."""
    running = daemon_control.status(Home(home))
    family: list[psutil.Process] = []
    if running is not None:
        daemon = psutil.Process(running.pid)
        family = [daemon, *daemon.children(recursive=True)]
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := _others(home, {each.pid for each in family}):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _others(home: Path, family: Collection[int]) -> list[str]:
    return [line for line in processes_of(home) if int(line.partition(" ")[0]) not in family]


def _is_of(process: Path, home: Path) -> bool:
    try:
        environment = (process / "environ").read_bytes().split(b"\0")
        folder = (process / "cwd").readlink()
    except OSError:  # it has just ended, or belongs to somebody else
        return False
    return f"CANARYLAB_HOME={home}".encode() in environment or folder.is_relative_to(home)


def _line(process: Path) -> str:
    try:
        command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        command = "(has just ended)"
    return f"{process.name} {command.strip()}"
