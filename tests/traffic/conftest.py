"""Servers for these tests, ended with them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.traffic.server import Act, Server, start

Serve = Callable[..., Awaitable[Server]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers that do as they are told and run until the test ends."""
    listening: list[asyncio.Server] = []

    async def starting(act: Act, *, tls: ssl.SSLContext | None = None) -> Server:
        seen, server = await start(act, tls=tls)
        listening.append(server)
        return seen

    yield starting
    for server in listening:
        server.close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """A URL whose port is taken by a socket that does not listen: connections are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"
