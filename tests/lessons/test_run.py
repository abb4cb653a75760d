"""Every lesson runs from its first cell to its last, and leaves nothing behind.

A notebook runs here as it does for a learner: in a kernel of its own, from a folder that is not
the repository, on the playground.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

from tests.built_images import built
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


@pytest.fixture
async def home() -> AsyncIterator[Path]:
    """A home of its own: a lesson that stops half-way leaves its Service behind.

    The lesson finds its ports free and, once the playground is down, leaves no process.
    """
    await empty(lambda: [port for port in PORTS if _answers(port)])
    with tempfile.TemporaryDirectory(prefix="lessons-") as name:  # short: sockets lie in it
        folder = Path(name)
        built(folder / "images")
        yield folder
        down = [sys.executable, "-m", "canarylab", "down"]
        subprocess.run(down, env=os.environ | {"CANARYLAB_HOME": name}, check=True)
        await empty(lambda: processes.of(folder))


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


async def empty(seen: Callable[[], Sequence[object]]) -> None:
    """Wait until nothing is seen any more; else fail with what is."""
    with suppress(TimeoutError):
        await until(lambda: not seen())
    assert list(seen()) == []


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
