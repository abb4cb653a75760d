"""Every lesson runs from its first cell to its last, and leaves nothing behind.

A notebook runs here as it does for a learner: in a kernel of its own, from a folder that is not
the repository, on the playground.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

from tests.lessons import processes
from tests.lessons.reading import LESSONS, NOTEBOOKS
from tests.needs import needs
from tests.waiting import until

LONGEST = 120  # seconds for a notebook
PORTS = (8888, 9999, 32089)  # of the lessons: two local runs, one Service

pytestmark = [
    needs("linux"),
    pytest.mark.parametrize("name", [f"{lesson.stem}.ipynb" for lesson in LESSONS]),
]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home with a playground of its own; all lessons share it, as a learner's do."""
    folder = Path(tempfile.mkdtemp(prefix="lessons-"))  # short: the kernel's sockets lie in it
    yield folder
    down = [sys.executable, "-m", "canarylab", "down"]
    subprocess.run(down, env=os.environ | {"CANARYLAB_HOME": str(folder)}, check=True)
    left = processes.of(folder)
    shutil.rmtree(folder)
    assert left == [], "processes outlive `canarylab down`"


async def test_the_solved_notebook_holds_what_it_promises(
    name: str, home: Path, tmp_path: Path
) -> None:
    await run(NOTEBOOKS / "solved" / name, home, tmp_path, strict=True)


async def test_the_learners_notebook_runs_through_unsolved(
    name: str, home: Path, tmp_path: Path
) -> None:
    await run(NOTEBOOKS / name, home, tmp_path, strict=False)


async def test_the_checkpoints_notice_that_it_is_unsolved(
    name: str, home: Path, tmp_path: Path
) -> None:
    with pytest.raises(CellExecutionError, match="CheckpointError"):
        await run(NOTEBOOKS / name, home, tmp_path, strict=True)


async def run(notebook: Path, home: Path, folder: Path, *, strict: bool) -> None:
    """Run All, in a kernel of its own; no kernel is left afterwards."""
    await until(ports_are_free, timeout_s=20)
    # Files: a kernel that listens on TCP warns at every start.
    sockets = {"transport": "ipc", "connection_file": str(home / "kernel.json")}
    client = NotebookClient(
        nbformat.read(notebook, as_version=4),  # type: ignore[no-untyped-call]
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        config=Config(KernelManager=sockets),
    )
    environment = os.environ | {"CANARYLAB_HOME": str(home), "CANARYLAB_STRICT": str(int(strict))}
    async with asyncio.timeout(LONGEST):
        await client.async_execute(env=environment)
    assert [line for line in processes.of(home) if "ipykernel" in line] == []


def ports_are_free() -> bool:
    """Nobody listens where the lessons want to."""
    return not any(_answers(port) for port in PORTS)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
