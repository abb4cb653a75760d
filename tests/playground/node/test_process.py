"""Tests that all processes end, however their daemon ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from canarylab.playground.node.process import ReaperSupervisor
from canarylab.playground.node.reaper import RUN_ID, kill_all, processes_of, set_mark
from tests.open_files import no_more_files
from tests.waiting import until

DAEMON = """
import asyncio, os, subprocess, sys
from pathlib import Path
from canarylab.playground.node.logs import ContainerLog
from canarylab.playground.node.process import Command, Process, ReaperSupervisor
from canarylab.playground.node.reaper import RUN_ID

async def main():
    async with ReaperSupervisor.running(Path(sys.argv[1])) as reaper:
        environment = {RUN_ID: reaper.run_id_of("c1"), "PATH": os.environ["PATH"]}
        daemonized = "env -i setsid -f sleep 600 >&- 2>&-"
        script = f"setsid sh -c 'sleep 600 & sleep 600' & sleep 600 & {daemonized}; wait"
        command = Command(["sh", "-c", script], environment, Path("/"))
        await Process.start(command, ContainerLog(Path(sys.argv[1]).with_name("log")))
        print(reaper._process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""
PROCESS_COUNT = (
    6  # two shells, and four that sleep, one of them without an environment, a parent and a session
)


@contextmanager
def daemon(run_ids: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a program that starts a reaper and children; yield it and the reaper's process id."""
    command = [sys.executable, "-c", textwrap.dedent(DAEMON), str(run_ids)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def run_id_in(run_ids: Path) -> str:
    return run_ids.read_text().strip()


async def test_killing_the_daemon_ends_its_children_and_theirs(tmp_path: Path) -> None:
    run_ids = tmp_path / "run-ids"
    with daemon(run_ids) as (process, _):
        await until(lambda: len(processes_of(run_id_in(run_ids))) == PROCESS_COUNT)
        process.kill()
        await until(lambda: not processes_of(run_id_in(run_ids)))


async def test_the_reaper_ends_after_the_daemon(tmp_path: Path) -> None:
    with daemon(tmp_path / "run-ids") as (process, reaper_pid):
        process.kill()
        process.wait()
        await until(
            lambda: not Path(f"/proc/{reaper_pid}/cmdline").exists() or is_zombie(reaper_pid)
        )


async def test_a_killed_reaper_is_restarted(tmp_path: Path) -> None:
    run_ids = tmp_path / "run-ids"
    with daemon(run_ids) as (process, reaper_pid):
        await until(lambda: len(processes_of(run_id_in(run_ids))) == PROCESS_COUNT)
        os.kill(reaper_pid, signal.SIGKILL)
        await until(lambda: len(children_of(process.pid) - {reaper_pid}) == 2)
        process.kill()
        await until(lambda: not processes_of(run_id_in(run_ids)))


async def test_the_next_start_kills_what_is_left_when_both_were_killed(tmp_path: Path) -> None:
    run_ids = tmp_path / "run-ids"
    with daemon(run_ids) as (process, reaper_pid):
        await until(lambda: len(processes_of(run_id_in(run_ids))) == PROCESS_COUNT)
        os.kill(process.pid, signal.SIGSTOP)  # so that it does not replace the reaper
        os.kill(reaper_pid, signal.SIGKILL)
        process.kill()
        process.wait()
    run_id = run_id_in(run_ids)
    assert processes_of(run_id)
    async with ReaperSupervisor.running(run_ids):
        assert processes_of(run_id) == set()


async def test_one_container_is_killed_and_not_the_others(tmp_path: Path) -> None:
    async with ReaperSupervisor.running(tmp_path / "run-ids") as reaper:
        names = ("c1", "c2")
        first, second = (sleeper(reaper.run_id_of(name)) for name in names)
        reaper.kill_container("c1")
        await until(lambda: first.poll() is not None)
        assert second.poll() is None
    second.wait()


async def test_the_run_id_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    async with ReaperSupervisor.running(tmp_path / "run-ids") as reaper:
        assert (tmp_path / "run-ids").stat().st_mode & 0o077 == 0
        assert reaper.run_id not in Path(f"/proc/{reaper._process.pid}/cmdline").read_text()


def test_an_unknown_run_id_kills_nothing() -> None:
    assert kill_all("unknown") == 0


def test_a_run_id_that_only_begins_alike_is_another() -> None:
    other = sleeper("abcd")
    try:
        assert processes_of("abc") == set()
    finally:
        other.kill()
        other.wait()


async def test_a_mark_of_another_run_or_container_is_another() -> None:
    with subprocess.Popen(["env", "-i", "sleep", "600"]) as process:
        set_mark("run/c1", process.pid)
        try:
            found = {each for each in ("run/c1", "run", "run/c2", "r") if processes_of(each)}
            assert found == {"run/c1", "run"}
        finally:
            process.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_a_process_of_another_user_with_the_mark_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        set_mark("run/c1", process.pid)
        try:
            as_nobody = (
                "import os; from canarylab.playground.node.reaper import kill_all;"
                "os.setuid(65_534); print(kill_all('run/c1'))"
            )
            command = [sys.executable, "-c", as_nobody]
            assert subprocess.check_output(command, text=True, timeout=30) == "0\n"
        finally:
            process.kill()


async def test_a_killed_reaper_is_restarted_when_files_can_be_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canarylab.playground.node.process._RESTART_PAUSE_S", 0.01)
    async with ReaperSupervisor.running(tmp_path / "run-ids") as reaper:
        killed = reaper._process
        with no_more_files():
            killed.kill()
            await until(lambda: killed.returncode is not None)
        await until(lambda: reaper._process is not killed)
    assert reaper._process.returncode == 0


def sleeper(run_id: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "600"], env={RUN_ID: run_id, "PATH": os.environ["PATH"]})


def children_of(pid: int) -> set[int]:
    return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def is_zombie(pid: int) -> bool:
    return ") Z" in Path(f"/proc/{pid}/stat").read_text()
