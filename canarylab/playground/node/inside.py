"""How is one more command run inside a container, beside its own process?"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from contextlib import suppress

from canarylab.playground.node.process import Command, cannot_start


async def start(command: Command) -> Process:
    """Start it with three pipes; raise CannotStartError where the system says no."""
    return await _spawn(command, stdin=PIPE, stderr=PIPE)


async def run(command: Command) -> tuple[int, str]:
    """Its exit code and all it wrote. Cancelling ends it, and what it started."""
    process = await _spawn(command, stdin=DEVNULL, stderr=STDOUT)
    try:
        output, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = await process.wait()
    return code if code >= 0 else 128 - code, output.decode(errors="replace")


async def _spawn(command: Command, *, stdin: int, stderr: int) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command.words,
            stdin=stdin,
            stdout=PIPE,
            stderr=stderr,
            env=dict(command.environment),
            cwd=command.folder,
            start_new_session=True,
        )
    except OSError as refusal:
        raise cannot_start(command, refusal) from refusal
