"""Interrupted builds and runs leave nothing that stops the next ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab.ports import unused
from canarylab.traffic.http import get
from tests.docker.conftest import DockerSetup
from tests.docker.notebook_kernel import kernel, read_until
from tests.waiting import until

BUILD = "builder.build('7.0', lambda step: None, show)"


def programs(folder: Path) -> list[int]:
    """The docker programs that still build this folder."""
    return [
        int(file.parent.name)
        for file in Path("/proc").glob("[0-9]*/cmdline")
        if _is_of(file, folder)
    ]


def _is_of(command: Path, folder: Path) -> bool:
    try:
        words = command.read_bytes().split(b"\0")
    except OSError:  # it has just ended
        return False
    return b"build" in words and str(folder).encode() in words


@pytest.fixture
def slow(docker: DockerSetup, build_engine: str) -> Iterator[DockerSetup]:
    """A build that would go on for minutes; what it did before is in the cache."""
    docker.build("1.0")
    usual = (docker.app / "Dockerfile").read_text()
    docker.dockerfile('RUN echo begun && node -e "setTimeout(() => {}, 300000)"')
    yield docker
    (docker.app / "Dockerfile").write_text(usual)
    made = [step for step in docker.build("1.0") if step.makes_files]
    assert [step.cached for step in made] == [True] * 4


def interrupt(docker: DockerSetup, how: signal.Signals) -> None:
    """Build in another process, and interrupt that in the middle of the step."""
    with kernel(str(docker.home.root), str(docker.app), BUILD) as running:
        read_until(running, "RUN echo begun")
        running.send_signal(how)
        running.wait(30)


async def test_an_interrupted_build_leaves_nothing_and_the_next_one_ends_well(
    slow: DockerSetup,
) -> None:
    interrupt(slow, signal.SIGINT)
    assert programs(slow.app) == []
    await until(lambda: slow.containers() == [])


async def test_a_killed_build_does_not_stop_the_next_one(slow: DockerSetup) -> None:
    interrupt(slow, signal.SIGKILL)
    for pid in programs(slow.app):  # docker goes on building for nobody, to the end of the step
        os.kill(pid, signal.SIGTERM)
    await until(lambda: slow.containers() == [])


async def test_a_run_whose_kernel_was_killed_is_replaced(built: DockerSetup) -> None:
    port = unused()
    lines = (f"show(builder.run('node_app:1.0', port={port}))", "import time; time.sleep(600)")
    with kernel(str(built.home.root), str(built.app), *lines) as running:
        read_until(running, "answers at")
        running.kill()
    assert [run.port for run in built.builder.running()] == [port]
    again = built.builder.run("node_app:2.0", port=port)
    assert get(again.url).headers["X-Version"] == "2.0"
    assert built.containers() == [f"canarylab-{port}"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_a_run_interrupted_before_it_answered_is_replaced_by_the_next(
    built: DockerSetup, how: signal.Signals
) -> None:
    built.dockerfile("EXPOSE 3333", 'CMD ["node", "-e", "setInterval(() => {}, 1000)"]')
    built.build("6.2")
    port = unused()
    with kernel(
        str(built.home.root), str(built.app), f"builder.run('node_app:6.2', port={port})"
    ) as running:
        await until(lambda: built.client.containers.list(filters={"name": f"canarylab-{port}"}))
        running.send_signal(how)
        running.wait(30)
    assert built.containers() == ([] if how == signal.SIGINT else [f"canarylab-{port}"])
    assert get(built.builder.run("node_app:2.0", port=port).url).headers["X-Version"] == "2.0"
