"""Run a notebook as a learner does, on a playground that is there already."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

from tests.processes import processes_of

LONGEST = 600  # seconds for a notebook: far more than any takes, also on a busy machine


BeforeCell = Callable[[Any], Awaitable[None]]
"""Called with each cell, code or not, before it runs."""


async def run(
    notebook: Path,
    home: Path,
    folder: Path,
    *,
    strict: bool,
    environment: Mapping[str, str] | None = None,
) -> Any:
    """Run All, in a kernel of its own, and return the notebook; no kernel is left afterwards."""
    ours = {"CANARYLAB_HOME": str(home), "CANARYLAB_STRICT": str(int(strict))}
    ran = await run_in({**os.environ, **(environment or {}), **ours}, notebook, folder)
    assert [line for line in processes_of(home) if "ipykernel" in line] == []
    return ran


async def run_in(
    environment: Mapping[str, str],
    notebook: Path,
    folder: Path,
    before_cell: BeforeCell | None = None,
) -> Any:
    """The same, with these variables and no others."""
    with tempfile.TemporaryDirectory(prefix="kernel-") as short:  # a path of a socket is short
        # Files: a kernel that listens on TCP warns at every start.
        sockets = {"transport": "ipc", "connection_file": f"{short}/kernel.json"}

        async def call(cell: Any, cell_index: int) -> None:  # nbclient chose these names
            if before_cell is not None:
                await before_cell(cell)

        client = NotebookClient(
            nbformat.read(notebook, as_version=4),  # type: ignore[no-untyped-call]
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            config=Config(KernelManager=sockets),
            on_cell_start=call,
        )
        async with asyncio.timeout(LONGEST):
            return await client.async_execute(env=dict(environment))


def not_yet(ran: Any) -> list[str]:
    """The statements of a notebook's checkpoints that do not hold, in order."""
    return [
        cell.source.split('"')[1]
        for cell in ran.cells
        if "checkpoint" in cell.metadata.get("tags", [])
        and any(_text(output).startswith("not yet: ") for output in cell.outputs)
    ]


def outcomes(ran: Any) -> set[str]:
    """What the checkpoints of a notebook say: `holds`, `not yet`, `cannot be checked here`."""
    return {
        _text(output).partition(":")[0]
        for cell in ran.cells
        if "checkpoint" in cell.metadata.get("tags", [])
        for output in cell.outputs
        if _text(output)
    }


def _text(output: Any) -> str:
    return str(output.get("data", {}).get("text/plain", ""))
