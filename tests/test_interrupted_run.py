"""A test run that is interrupted leaves no process behind, however it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests import unending_run
from tests.needs import needs
from tests.waiting import until

pytestmark = [needs("linux"), pytest.mark.slow]
ROOT = Path(__file__).parents[1]
START_S, END_S = 150.0, 60.0


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        (signal.SIGINT, []),
        (signal.SIGTERM, []),
        (signal.SIGKILL, []),
        (signal.SIGTERM, ["-n", "1"]),
        (signal.SIGKILL, ["-n", "1"]),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else "".join(value),
)
async def test_it_leaves_no_process(
    number: signal.Signals, workers: list[str], tmp_path: Path
) -> None:
    report = tmp_path / "pids"
    command = [sys.executable, "-m", "pytest", *workers, f"--basetemp={tmp_path / 'base'}"]
    with subprocess.Popen(
        [*command, "tests/unending_run.py"],
        cwd=ROOT,
        env={**os.environ, unending_run.REPORT: str(report)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        try:
            await until(report.exists, timeout_s=START_S)
            pids = [run.pid, *map(int, report.read_text().split())]
            started = [psutil.Process(pid) for pid in pids]
            assert len(started) >= 7  # pytest, its worker or again, daemon, reaper, three pods
            run.send_signal(number)
            await until(lambda: not any(map(is_running, started)), timeout_s=END_S)
        finally:
            run.kill()  # it runs only if this test fails


def is_running(process: psutil.Process) -> bool:
    """Whether it is there, and not only its exit status."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
