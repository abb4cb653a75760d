"""The streams of containers: of a command for `exec`, and of the container itself for `attach`.

With `tty: true`, or `exec -t`, a pseudo-terminal takes the place of the three pipes: its input and
output are one device, so standard error comes with standard output.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
import termios
from asyncio.subprocess import Process as AsyncioProcess
from contextlib import suppress
from typing import IO

MOST_UNREAD = 1024 * 1024  # bytes of a stream, for a client that attached and does not read
END_OF_INPUT = b"\x04"  # Ctrl-D


class Terminal:
    """A pseudo-terminal, of which this process holds the master's side."""

    def __init__(self) -> None:
        self._master, self.slave = os.openpty()
        self.resize(80, 24)
        self._writer: asyncio.StreamWriter | None = None

    @staticmethod
    def take() -> None:
        """Make the terminal on standard input the controlling one; called in the new process."""
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    async def open_input(self) -> asyncio.StreamWriter:
        """Return what writes to the terminal, as a keyboard does."""
        self._writer = await pipe_writer(os.fdopen(os.dup(self._master), "wb", buffering=0))
        return self._writer

    def output(self) -> IO[bytes]:
        """Return the file from which the output is read."""
        return os.fdopen(os.dup(self._master), "rb", buffering=0)

    def close_slave(self) -> None:
        """Leave the other side to the process, so that the output ends with it."""
        if self.slave >= 0:
            os.close(self.slave)
            self.slave = -1

    def resize(self, columns: int, rows: int) -> None:
        """Set the size; the process gets SIGWINCH."""
        if self._master >= 0:
            size = struct.pack("HHHH", rows, columns, 0, 0)
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def close(self) -> None:
        """Close this side; the process gets SIGHUP."""
        self.close_slave()
        abort(self._writer)
        if self._master >= 0:
            os.close(self._master)
            self._master = -1


class ExecStreams:
    """A command that was started in a container, with three pipes or a terminal.

    `process` ends like it, and is it unless `pid` says another.
    """

    def __init__(
        self,
        process: AsyncioProcess,
        pid: int,
        *,
        terminal: Terminal | None = None,
        stdin: asyncio.StreamWriter | None = None,
        stdout: asyncio.StreamReader | None = None,
    ) -> None:
        self.process, self._pid, self._terminal = process, pid, terminal
        self._stdin = stdin or process.stdin
        self.stdout, self.stderr = stdout or process.stdout, process.stderr

    @classmethod
    async def of_terminal(
        cls, process: AsyncioProcess, pid: int, terminal: Terminal
    ) -> ExecStreams:
        """The streams of a command that has a terminal."""
        terminal.close_slave()
        stdin = await terminal.open_input()
        stdout = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: _TerminalOutput(stdout), terminal.output()
        )
        return cls(process, pid, terminal=terminal, stdin=stdin, stdout=stdout)

    async def write(self, data: bytes) -> None:
        """Write to its input; wait while it does not read."""
        await write_input(self._stdin, data)

    def close_input(self) -> None:
        """End its input."""
        if self._stdin is None or self._stdin.is_closing():
            return
        if self._terminal is not None:
            self._stdin.write(END_OF_INPUT)
        else:
            self._stdin.close()

    def resize(self, columns: int, rows: int) -> None:
        """Set the size of its terminal, if it has one."""
        if self._terminal is not None:
            self._terminal.resize(columns, rows)

    async def wait(self) -> int:
        """Wait for its end; return its code, or the negative number of a signal."""
        return await self.process.wait()

    def close(self) -> None:
        """Kill the command, if it has not ended."""
        if self.process.returncode is None:
            # `process.kill()` may reap it before asyncio does, and lose its status.
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        if self._terminal is not None:
            self._terminal.close()


class AttachedStreams:
    """The streams of a running container from now on."""

    def __init__(self, container: ContainerInput, *, stdin: bool = False) -> None:
        self._container, self._has_stdin = container, stdin
        self.stdout, self.stderr = AttachedOutput(), AttachedOutput()
        container.attached.add(self)

    def feed(self, stream: str, data: bytes) -> None:
        """Take what the container has written."""
        (self.stdout if stream == "stdout" else self.stderr).feed(data)

    def end(self) -> None:
        """The container has ended."""
        self.stdout.end()
        self.stderr.end()

    async def write(self, data: bytes) -> None:
        """Write to the container's input, if it has one."""
        if self._has_stdin:
            await write_input(self._container.stdin, data)

    def close_input(self) -> None:
        """End the container's input if it is for the first client only (`stdinOnce`)."""
        container = self._container
        is_last = self._has_stdin and container.is_once and container.terminal is None
        if is_last and container.stdin is not None:
            container.stdin.close()

    def resize(self, columns: int, rows: int) -> None:
        """Set the size of the container's terminal, if it has one."""
        if self._container.terminal is not None:
            self._container.terminal.resize(columns, rows)

    async def wait(self) -> int:
        """Return 0: that the client has detached, or the container has ended, is no error."""
        return 0

    def close(self) -> None:
        """Detach; the container goes on."""
        self.close_input()
        self._container.attached.discard(self)
        self.end()


class AttachedOutput:
    """What a container has written and a client has not read, at most MOST_UNREAD bytes.

    A client that does not read is detached, so that it delays no container.
    """

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._has_ended = False
        self._changed = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Take more."""
        if len(self._waiting) + len(data) > MOST_UNREAD:
            self._has_ended = True
        if not self._has_ended:
            self._waiting += data
        self._changed.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._has_ended = True
        self._changed.set()

    async def read(self, n: int = -1) -> bytes:
        """Return up to n bytes as soon as there are any, and nothing at the end."""
        while not self._waiting and not self._has_ended:
            self._changed.clear()
            await self._changed.wait()
        piece = bytes(self._waiting if n < 0 else self._waiting[:n])
        del self._waiting[: len(piece)]
        return piece


class ContainerInput:
    """The input of a running container, its terminal, and the clients attached to it."""

    def __init__(
        self, stdin: asyncio.StreamWriter | None, terminal: Terminal | None, *, is_once: bool
    ) -> None:
        self.stdin, self.terminal, self.is_once = stdin, terminal, is_once
        self.attached: set[AttachedStreams] = set()

    def on_output(self, stream: str, data: bytes) -> None:
        """Give what the container has written to all clients."""
        for streams in self.attached:
            streams.feed(stream, data)

    def close(self) -> None:
        """The container has ended."""
        for streams in self.attached:
            streams.end()
        abort(self.stdin)
        if self.terminal is not None:
            self.terminal.close()


class _TerminalOutput(asyncio.StreamReaderProtocol):
    """Reads a terminal, whose output ends with the error EIO."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(None if isinstance(exc, OSError) else exc)


async def pipe_writer(pipe: IO[bytes]) -> asyncio.StreamWriter:
    """Return a writer for a pipe or a terminal."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), pipe
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)


def abort(stdin: asyncio.StreamWriter | None) -> None:
    """Close an input without sending the rest. A pipe whose reader has gone is closed already."""
    if stdin is not None and not stdin.is_closing():
        stdin.transport.abort()


async def write_input(stdin: asyncio.StreamWriter | None, data: bytes) -> None:
    """Write to an input that may be closed; wait while nobody reads it."""
    if stdin is not None and not stdin.is_closing():
        stdin.write(data)
        with suppress(OSError):  # the process has closed its input
            await stdin.drain()
