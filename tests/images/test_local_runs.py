"""Images run on this machine as processes, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from canarylab.errors import ClusterError, PortInUseError
from canarylab.images.local_runs import ProcessRuns
from canarylab.playground.images import Image
from canarylab.playground.node.reaper import RUN_ID, processes_of
from canarylab.ports import is_free, unused
from canarylab.traffic.http import get
from tests.built_images import built
from tests.needs import needs
from tests.waiting import until

pytestmark = needs("linux")


@pytest.fixture
def app(tmp_path: Path) -> Image:
    return built(tmp_path / "images")["1.0"]


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[ProcessRuns]:
    runs = ProcessRuns(tmp_path / "logs")
    yield runs
    runs.stop_all()


def test_it_answers_on_its_port_with_its_version(runs: ProcessRuns, app: Image) -> None:
    answer = get(runs.start(app, port=unused()).url)
    assert (answer.status, answer.body) == (200, '"Version 1.0"')
    assert answer.headers["X-Version"] == "1.0"


def test_it_is_reached_on_this_machine_alone(runs: ProcessRuns, app: Image) -> None:
    run = runs.start(app, port=unused())
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", run.port)) != 0


def test_starting_on_its_port_again_replaces_it(runs: ProcessRuns, app: Image) -> None:
    port = unused()
    first, second = runs.start(app, port=port), runs.start(app, port=port)
    assert first.process.poll() is not None
    assert get(second.url).status == 200


def test_somebody_elses_port_is_refused_and_nothing_starts(runs: ProcessRuns, app: Image) -> None:
    refused = pytest.raises(PortInUseError, match=rf"pid {os.getpid()}")
    with socket.create_server(("127.0.0.1", 0)) as busy, refused:
        runs.start(app, port=busy.getsockname()[1])
    assert runs.running() == []


def test_stopping_frees_the_port(runs: ProcessRuns, app: Image) -> None:
    run = runs.start(app, port=unused())
    assert runs.stop_all() == [run.port]
    assert is_free(run.port)


def test_an_image_that_ends_at_once_is_reported_with_its_last_lines(
    runs: ProcessRuns, app: Image
) -> None:
    broken = replace(app, command=["node", "-e", "console.log('no luck'); process.exit(3)"])
    with pytest.raises(ClusterError, match=r"exit status 3 before it answered.*no luck"):
        runs.start(broken, port=unused())
    assert runs.running() == []


async def test_a_run_ends_with_a_killed_kernel(app: Image, tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path;"
        "from canarylab.images.local_runs import ProcessRuns;"
        "from canarylab.playground.images import find;"
        "runs = ProcessRuns(Path(sys.argv[1]));"
        "run = runs.start(find(Path(sys.argv[2]), 'node_app:1.0'), port=int(sys.argv[3]));"
        "print(run.process.pid, flush=True); time.sleep(600)"
    )
    words = [str(tmp_path / "logs"), str(tmp_path / "images"), str(unused())]
    kernel = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True
    )
    assert kernel.stdout is not None
    pid = int(kernel.stdout.readline())
    mark = _mark_of(pid)
    kernel.send_signal(signal.SIGKILL)
    kernel.communicate()
    await until(lambda: not processes_of(mark))


def _mark_of(pid: int) -> str:
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return next(line.partition("=")[2] for line in variables if line.startswith(f"{RUN_ID}="))
