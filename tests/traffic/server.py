"""A small server that does to its clients what a test asks for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Act = Callable[["Visit"], Awaitable[None]]


@dataclass
class Visit:
    """One connection, seen from the server."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: list[bytes] = field(default_factory=list)

    async def request(self) -> bytes:
        """The next request's head; raises IncompleteReadError where there is none."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        return head

    async def reply(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(raw)
        await self.writer.drain()


@dataclass
class Server:
    """What the server saw."""

    url: str
    visits: list[Visit] = field(default_factory=list)
    open: int = 0

    @property
    def requests(self) -> list[bytes]:
        """All requests, over all connections."""
        return [head for visit in self.visits for head in visit.requests]


def response(version: str | None = "1.0", *, body: str = "", head: str = "") -> bytes:
    """A complete response that says its version in a header, or only in its body."""
    said = f"X-Version: {version}\r\nX-Pod: pod-{version}\r\n" if version else ""
    return (f"HTTP/1.1 200 OK\r\n{said}{head}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def answering(*responses: bytes) -> Act:
    """Answers each connection's every request with the response of its turn."""

    async def act(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.reply(responses[visit.number % len(responses)])

    return act


async def start(act: Act, *, tls: ssl.SSLContext | None = None) -> tuple[Server, asyncio.Server]:
    """Listen on a free port of 127.0.0.1."""
    seen = Server("")

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(len(seen.visits), reader, writer)
        seen.visits.append(visit)
        seen.open += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            await act(visit)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        seen.open -= 1

    listening = await asyncio.start_server(visited, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    seen.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/"
    return seen, listening
