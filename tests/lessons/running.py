"""Run a notebook as a learner does, in a home that leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

from tests.built_images import built
from tests.lessons import processes
from tests.waiting import until

LONGEST = 120  # seconds for a notebook
PORTS = (8888, 9999, 32089)  # of the lessons: two local runs, one Service


@asynccontextmanager
async def own_home() -> AsyncIterator[Path]:
    """A home of its own: a lesson that stops half-way leaves its Service behind.

    The lesson finds its ports free and, once the playground is down, leaves no process.
    """
    await empty(lambda: [port for port in PORTS if _answers(port)])
    with tempfile.TemporaryDirectory(prefix="lessons-") as name:  # short: sockets lie in it
        folder = Path(name)
        built(folder / "images")
        yield folder
        down = [sys.executable, "-m", "canarylab", "down", "--cluster", "playground"]
        subprocess.run(down, env=os.environ | {"CANARYLAB_HOME": name}, check=True)
        await empty(lambda: processes.of(folder))


async def run(
    notebook: Path,
    home: Path,
    folder: Path,
    *,
    strict: bool,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run All, in a kernel of its own; no kernel is left afterwards."""
    # Files: a kernel that listens on TCP warns at every start.
    sockets = {"transport": "ipc", "connection_file": str(home / "kernel.json")}
    client = NotebookClient(
        nbformat.read(notebook, as_version=4),  # type: ignore[no-untyped-call]
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        config=Config(KernelManager=sockets),
    )
    ours = {"CANARYLAB_HOME": str(home), "CANARYLAB_STRICT": str(int(strict))}
    async with asyncio.timeout(LONGEST):
        await client.async_execute(env={**os.environ, **(environment or {}), **ours})
    assert [line for line in processes.of(home) if "ipykernel" in line] == []


async def empty(seen: Callable[[], Sequence[object]]) -> None:
    """Wait until nothing is seen any more; else fail with what is."""
    with suppress(TimeoutError):
        await until(lambda: not seen())
    assert list(seen()) == []


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
