"""Where does a container's output go, and who reads it?

Into a file for each run of the container. A file that has grown to 10 MB is set aside and a new
one begun; as in Kubernetes, readers see the new one only.
"""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

from canarylab.playground.kube.api import LogOptions
from canarylab.playground.node.loglines import Line, parsed, start_of_tail, written

FILE_LIMIT = 10_000_000  # bytes
LINE_LIMIT = 16_384  # bytes
_FLOOD = 65_536  # bytes that come at once: as many as a pipe holds
_REST_S = 0.02


class Log:
    """What one run of one container writes. Readers may follow it while it grows."""

    def __init__(
        self, path: Path, *, clock: Callable[[], int] = time.time_ns, limit: int = FILE_LIMIT
    ) -> None:
        self.path, self._clock, self._limit = path, clock, limit
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._news = asyncio.Event()
        self.is_closed = False

    @classmethod
    def of_the_past(cls, path: Path) -> Log:
        """What an earlier run wrote, perhaps under an earlier daemon; only to be read."""
        log = cls(path)
        log.close()
        return log

    def write(self, stream: str, lines: list[bytes], *, whole: bool = True) -> None:
        """Keep lines that came at once; they share a time."""
        if self.is_closed or not lines:
            return
        now = self._clock()
        self._file.write(b"".join(written(now, stream, line, whole=whole) for line in lines))
        if self._file.tell() > self._limit:
            self._set_aside()
        self._tell_readers()

    def close(self) -> None:
        """The container has ended: who follows gets the rest, and then the end."""
        self.is_closed = True
        self._file.close()
        self._tell_readers()

    async def read(self, options: LogOptions) -> AsyncIterator[bytes]:
        """The lines asked for, and those still to come if `options.follow`."""
        since_s = 0.0 if options.since_s is None else self._clock() / 1e9 - options.since_s
        async for line in self._lines(options):
            if options.since_s is None or line.moment_s >= since_s:
                yield f"{line.stamp} ".encode() + line.text if options.timestamps else line.text

    async def _lines(self, options: LogOptions) -> AsyncIterator[Line]:
        file = self.path.open("rb")
        try:
            if options.tail_lines is not None:
                file.seek(start_of_tail(file, options.tail_lines))
            while True:
                news, was_closed = self._news, self.is_closed
                while kept := file.readline():
                    yield parsed(kept)
                if not options.follow or was_closed:
                    return
                if not _is_same(file, self.path):
                    file.close()
                    file = self.path.open("rb")
                    continue
                await news.wait()
        finally:
            file.close()

    def _set_aside(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_suffix(".log.1"))
        self._file = self.path.open("ab", buffering=0)

    def _tell_readers(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Collector(asyncio.Protocol):
    """Takes what comes through a pipe apart into lines.

    A container that floods its output is read no faster than a few MB a second, and then waits,
    so that it cannot keep the daemon from its other work.
    """

    def __init__(self, log: Log, stream: str) -> None:
        self._log, self._stream = log, stream
        self._rest = b""
        self._transport: asyncio.ReadTransport | None = None
        self.is_done = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reading begins."""
        self._transport = cast("asyncio.ReadTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep the whole lines; what is too long for a line is kept in parts."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._log.write(self._stream, lines)
        while len(self._rest) > LINE_LIMIT:
            part, self._rest = self._rest[:LINE_LIMIT], self._rest[LINE_LIMIT:]
            self._log.write(self._stream, [part], whole=False)
        if len(data) >= _FLOOD and self._transport is not None:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(_REST_S, self._transport.resume_reading)

    def connection_lost(self, exc: Exception | None) -> None:
        """The last line need not end in a newline."""
        if self._rest:
            self._log.write(self._stream, [self._rest], whole=False)
        self.is_done.set()


def _is_same(file: io.BufferedReader, path: Path) -> bool:
    """Is this still the file of that name?"""
    return os.path.samestat(os.fstat(file.fileno()), path.stat())
