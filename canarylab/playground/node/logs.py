"""Container logs: files in the format of Kubernetes' runtimes, and their readers.

Each run of a container has a file, whose lines are `2026-11-22T21:42:09.123456789Z stdout F text`;
F is a full line, P is a part of a line that is too long. A file that has grown to 10 MB is rotated;
as in Kubernetes, readers see the new one only. What cannot be written, because the disk is full for
example, is lost, and the container goes on.
"""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, cast

from canarylab.playground.kube.api import LogOptions

FILE_LIMIT = 10_000_000  # bytes
LINE_LIMIT = 16_384  # bytes
_FULL_PIPE = 65_536  # bytes
_PAUSE_S = 0.02
_BLOCK = 65_536  # bytes


class ContainerLogs:
    """The logs of a container, one for each run; the newest two are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current: ContainerLog | None = None

    def open(self, number: int) -> ContainerLog:
        """Open the log of a new run; runs are numbered as restarts are."""
        for old in self._folder.glob("*.log*"):
            if int(old.name.partition(".")[0]) < number - 1:
                old.unlink()
        self._current = ContainerLog(self._path(number))
        return self._current

    def find(self, number: int) -> ContainerLog | None:
        """Return the log of a run, if it is still there."""
        path = self._path(number)
        if self._current is not None and self._current.path == path:
            return self._current
        return ContainerLog.closed(path) if path.exists() else None

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.log"


class ContainerLog:
    """The output of one run of a container. Readers may follow it while it grows."""

    def __init__(
        self, path: Path, *, clock: Callable[[], int] = time.time_ns, limit: int = FILE_LIMIT
    ) -> None:
        self.path, self._clock, self._limit = path, clock, limit
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._changed = asyncio.Event()
        self.is_closed = False

    @classmethod
    def closed(cls, path: Path) -> ContainerLog:
        """Return the log of an earlier run, perhaps under an earlier daemon, for reading only."""
        log = cls(path)
        log.close()
        return log

    def write(self, stream: str, lines: list[bytes], *, full: bool = True) -> None:
        """Append lines that were read at once; they have the same time."""
        if self.is_closed or not lines:
            return
        now = self._clock()
        with suppress(OSError):
            self._file.write(b"".join(format_line(now, stream, line, full=full) for line in lines))
            if self._file.tell() > self._limit:
                self._rotate()
        self._notify_readers()

    def close(self) -> None:
        """End the log: followers get the rest, and then the end."""
        self.is_closed = True
        self._file.close()
        self._notify_readers()

    async def read(self, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield the lines that match, and those still to come if `options.follow`."""
        since_s = 0.0 if options.since_s is None else self._clock() / 1e9 - options.since_s
        async for line in self._lines(options):
            if options.since_s is None or line.time_s >= since_s:
                yield f"{line.time} ".encode() + line.text if options.timestamps else line.text

    async def _lines(self, options: LogOptions) -> AsyncIterator[LogLine]:
        file = self.path.open("rb")
        try:
            if options.tail_lines is not None:
                file.seek(tail_offset(file, options.tail_lines))
            while True:
                changed, was_closed = self._changed, self.is_closed
                while line := file.readline():
                    yield parse_line(line)
                if not options.follow or was_closed:
                    return
                if not _is_same(file, self.path):
                    file.close()
                    file = self.path.open("rb")
                    continue
                await changed.wait()
        finally:
            file.close()

    def _rotate(self) -> None:
        new = self.path.with_suffix(".log.new")
        rotated, self._file = self._file, new.open("ab", buffering=0)
        rotated.close()
        self.path.replace(self.path.with_suffix(".log.1"))
        new.replace(self.path)

    def _notify_readers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class OutputCollector(asyncio.Protocol):
    """Splits what comes through a pipe into lines and writes them to a log.

    The output of a container that fills the pipe is read at a few MB a second, so that it cannot
    keep the daemon from its other work.
    """

    def __init__(
        self,
        log: ContainerLog,
        stream: str,
        on_output: Callable[[str, bytes], None] = lambda _stream, _data: None,
    ) -> None:
        self._log, self._stream, self._on_output = log, stream, on_output
        self._rest = b""
        self._transport: asyncio.ReadTransport | None = None
        self.is_done = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to pause it."""
        self._transport = cast("asyncio.ReadTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Write the full lines; write what is too long for a line in parts."""
        self._on_output(self._stream, data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._log.write(self._stream, lines)
        while len(self._rest) > LINE_LIMIT:
            part, self._rest = self._rest[:LINE_LIMIT], self._rest[LINE_LIMIT:]
            self._log.write(self._stream, [part], full=False)
        if len(data) >= _FULL_PIPE and self._transport is not None:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(_PAUSE_S, self._transport.resume_reading)

    def connection_lost(self, exc: Exception | None) -> None:
        """Write the last line, which need not end in a newline."""
        if self._rest:
            self._log.write(self._stream, [self._rest], full=False)
        self.is_done.set()


class LogLine(NamedTuple):
    """A line of a log; its text ends in a newline unless more of the line follows."""

    time: str
    text: bytes

    @property
    def time_s(self) -> float:
        """The time in seconds since 1970."""
        whole, _, nanoseconds = self.time.rstrip("Z").partition(".")
        return datetime.fromisoformat(f"{whole}+00:00").timestamp() + int(nanoseconds) / 1e9


def format_line(time_ns: int, stream: str, text: bytes, *, full: bool = True) -> bytes:
    r"""Format a line as it is in the file.

    >>> format_line(1_000_000_007, "stdout", b"hello")
    b'1970-01-01T00:00:01.000000007Z stdout F hello\n'
    """
    return f"{_nanosecond_time(time_ns)} {stream} {'F' if full else 'P'} ".encode() + text + b"\n"


def parse_line(line: bytes) -> LogLine:
    r"""Parse a line of the file.

    >>> parse_line(b"1970-01-01T00:00:01.000000007Z stdout F hello\n").text
    b'hello\n'
    """
    moment, _stream, tag, text = line.split(b" ", 3)
    return LogLine(moment.decode(), text if tag == b"F" else text.removesuffix(b"\n"))


def tail_offset(file: io.BufferedReader, lines: int) -> int:
    """Find where the last so many lines begin; read from the end, however long the file is."""
    position = file.seek(0, io.SEEK_END)
    tail = b""
    while position > 0 and tail.count(b"\n") <= lines:
        length = min(_BLOCK, position)
        position -= length
        file.seek(position)
        tail = file.read(length) + tail
    split = tail.splitlines(keepends=True)
    return position + sum(map(len, split[: max(0, len(split) - lines)]))


def _nanosecond_time(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _is_same(file: io.BufferedReader, path: Path) -> bool:
    """Whether the path is still that of the open file."""
    return os.path.samestat(os.fstat(file.fileno()), path.stat())
