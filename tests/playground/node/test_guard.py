"""Do all processes end, however their daemon ended?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canarylab.playground.node.guard import Guard
from canarylab.playground.node.sweep import MARK, carriers, sweep
from tests.waiting import until

DAEMON = """
import asyncio, os, subprocess, sys
from pathlib import Path
from canarylab.playground.node.guard import Guard
from canarylab.playground.node.sweep import MARK

async def main():
    async with Guard.standing(Path(sys.argv[1])) as guard:
        environment = {MARK: guard.mark_of("c1"), "PATH": os.environ["PATH"]}
        script = "setsid sh -c 'sleep 600 & sleep 600' & sleep 600 & env -i sleep 600 & wait"
        subprocess.Popen(["sh", "-c", script], env=environment, start_new_session=True)
        print(guard._process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""
ITS_PROCESSES = 6  # two shells, and four that sleep, one of them without an environment


@contextmanager
def daemon(marks: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A program that keeps a guard and starts children; and the guard's process number."""
    command = [sys.executable, "-c", textwrap.dedent(DAEMON), str(marks)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def mark_in(marks: Path) -> str:
    return marks.read_text().strip()


async def test_when_the_daemon_is_killed_its_children_and_theirs_end(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    with daemon(marks) as (process, _):
        await until(lambda: len(carriers(mark_in(marks))) == ITS_PROCESSES)
        process.kill()
        await until(lambda: not carriers(mark_in(marks)))


async def test_the_guard_ends_when_its_work_is_done(tmp_path: Path) -> None:
    with daemon(tmp_path / "marks") as (process, guard_pid):
        process.kill()
        process.wait()
        await until(lambda: not Path(f"/proc/{guard_pid}/cmdline").exists() or is_zombie(guard_pid))


async def test_a_guard_that_is_killed_is_replaced(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    with daemon(marks) as (process, guard_pid):
        await until(lambda: len(carriers(mark_in(marks))) == ITS_PROCESSES)
        os.kill(guard_pid, signal.SIGKILL)
        await until(lambda: len(children_of(process.pid) - {guard_pid}) == 2)
        process.kill()
        await until(lambda: not carriers(mark_in(marks)))


async def test_what_is_left_when_both_are_killed_is_swept_at_the_next_start(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    with daemon(marks) as (process, guard_pid):
        await until(lambda: len(carriers(mark_in(marks))) == ITS_PROCESSES)
        os.kill(process.pid, signal.SIGSTOP)  # so that it does not replace the guard
        os.kill(guard_pid, signal.SIGKILL)
        process.kill()
        process.wait()
    left_over = mark_in(marks)
    assert carriers(left_over)
    async with Guard.standing(marks):
        assert carriers(left_over) == set()


async def test_a_guard_sweeps_one_container_and_not_the_others(tmp_path: Path) -> None:
    async with Guard.standing(tmp_path / "marks") as guard:
        names = ("c1", "c2")
        first, second = (sleeper(guard.mark_of(name)) for name in names)
        guard.sweep("c1")
        await until(lambda: first.poll() is not None)
        assert second.poll() is None
    second.wait()


async def test_the_mark_is_known_to_its_owner_alone(tmp_path: Path) -> None:
    async with Guard.standing(tmp_path / "marks") as guard:
        assert (tmp_path / "marks").stat().st_mode & 0o077 == 0
        assert guard.mark not in Path(f"/proc/{guard._process.pid}/cmdline").read_text()


def test_a_sweep_of_a_mark_nobody_carries_ends_nobody() -> None:
    assert sweep("nobody carries this") == 0


def test_a_mark_that_only_begins_alike_is_another_mark() -> None:
    other = sleeper("abcd")
    try:
        assert carriers("abc") == set()
    finally:
        other.kill()
        other.wait()


def sleeper(mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "600"], env={MARK: mark, "PATH": os.environ["PATH"]})


def children_of(pid: int) -> set[int]:
    return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def is_zombie(pid: int) -> bool:
    return ") Z" in Path(f"/proc/{pid}/stat").read_text()
