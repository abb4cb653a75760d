"""How is a command run as a process of a pod, and how is it ended?

Each is the leader of a session and a group of its own, so that a signal to the group reaches
what it started, and Ctrl-C in the daemon's terminal does not reach it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from canarylab.playground.node.ending import ended
from canarylab.playground.node.logs import Collector, Log

_PATIENCE_S = 1.0  # with a process, when the daemon ends
_LAST_WORDS_S = 0.2  # what a dead process wrote is in the pipe; an heir may keep the pipe open


@dataclass(frozen=True)
class Command:
    """What to run, with which environment, in which folder, and how to ask it to end."""

    words: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stop_signal: int = signal.SIGTERM


class CannotStartError(Exception):
    """The system would not run the command; the words are those of a container runtime."""


class Process:
    """A running command whose output goes to a log."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Log) -> None:
        self._popen, self._log = popen, log
        self._collectors: list[tuple[asyncio.ReadTransport, Collector]] = []
        self.has_ended = asyncio.Event()

    @classmethod
    async def start(cls, command: Command, log: Log) -> Process:
        """Start it; raise CannotStartError where the system says no."""
        process = cls(_spawn(command), log)
        try:
            await process._collect("stdout", process._popen.stdout)
            await process._collect("stderr", process._popen.stderr)
        except BaseException:
            await process.end_quickly()
            raise
        return process

    @property
    def pid(self) -> int:
        """Also the number of its group and of its session."""
        return self._popen.pid

    async def wait(self) -> int:
        """Its exit code, once it has ended and its last words are kept.

        Its group ends with it, as all of a container ends with its first process.
        """
        code = await ended(self._popen)
        self.signal(signal.SIGKILL)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):  # `wait_for` may swallow a cancellation
                for _, collector in self._collectors:
                    await collector.is_done.wait()
        for transport, _ in self._collectors:
            transport.close()
        for pipe in (self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                pipe.close()  # nobody collects it if the start was cut short
        self._log.close()
        self.has_ended.set()
        return code

    async def end_quickly(self) -> None:
        """Ask it to end, and do not wait long; for when the daemon itself ends."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.wait()

    def signal(self, number: int) -> None:
        """To the whole group, or what is left of it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _collect(self, stream: str, pipe: IO[bytes] | None) -> None:
        loop = asyncio.get_running_loop()
        transport, collector = await loop.connect_read_pipe(
            lambda: Collector(self._log, stream), pipe
        )
        self._collectors.append((transport, collector))


def cannot_start(command: Command, refusal: OSError) -> CannotStartError:
    """Why not, as container runtimes say it."""
    if not command.folder.is_dir():
        return CannotStartError(f'no such working directory: "{command.folder}"')
    why = (
        "executable file not found in $PATH"
        if isinstance(refusal, FileNotFoundError) and "/" not in command.words[0]
        else (refusal.strerror or str(refusal)).lower()
    )
    return CannotStartError(f'exec: "{command.words[0]}": {why}')


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(command.words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(command.environment),
            cwd=command.folder,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as refusal:
        raise cannot_start(command, refusal) from refusal
