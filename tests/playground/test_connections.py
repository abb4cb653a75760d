"""Connections: limits of number and time, and what happens when no file can be opened."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from canarylab.playground.apiserver import server
from canarylab.playground.connections import (
    Acceptor,
    HttpConnections,
    OpenConnections,
    most_connections,
)
from canarylab.playground.network import ingress_server, service_proxy
from tests.open_files import no_more_files
from tests.waiting import until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass(eq=False)
class Connection:
    """A connection of a test."""

    is_aborted: bool = False

    def abort(self) -> None:
        self.is_aborted = True


def test_the_connection_that_was_idle_the_longest_is_closed() -> None:
    first, second, third = Connection(), Connection(), Connection()
    connections = OpenConnections(most=2)
    connections.add(first)
    connections.add(second)
    connections.used(first)
    connections.add(third)
    assert [first.is_aborted, second.is_aborted, third.is_aborted] == [False, True, False]


def test_a_connection_that_is_closed_makes_room() -> None:
    first, second = Connection(), Connection()
    connections = OpenConnections(most=1)
    connections.add(first)
    connections.discard(first)
    connections.add(second)
    assert not second.is_aborted
    assert len(connections) == 1


def test_three_servers_at_their_limits_leave_files_for_the_pods() -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    api = ingress = node_ports = most_connections(1 << 30)
    assert api + 2 * ingress + 2 * node_ports <= files * 5 / 8


def test_a_limit_is_no_larger_than_asked_for() -> None:
    assert most_connections(1) == 1


def test_the_documents_say_how_many_connections_there_may_be() -> None:
    text = (Path(__file__).parents[2] / "docs/security.md").read_text()
    limits = (
        server.MOST_CONNECTIONS,
        server.MOST_UNAUTHENTICATED,
        ingress_server.MOST_CONNECTIONS,
        service_proxy.MOST_CONNECTIONS,
    )
    assert [number for number in limits if f"{number:,}" not in text] == []


class Served:
    """An HTTP server with limits. A request to /wait is answered when `go` is set."""

    def __init__(self) -> None:
        self.kept: set[asyncio.BaseProtocol] = set()
        self.go = asyncio.Event()
        self.port = 0

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.kept.add(request.protocol)
        try:
            if request.path == "/wait":
                await self.go.wait()
            return web.Response(text="fine")
        finally:
            self.kept.discard(request.protocol)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@asynccontextmanager
async def served(**limits: float) -> AsyncIterator[Served]:
    here = Served()
    runner = web.ServerRunner(web.Server(here.answer, access_log=None))
    await runner.setup()
    assert runner.server is not None
    connections = HttpConnections(runner.server, here.kept, **limits)  # type: ignore[arg-type]
    listener = socket.create_server(("127.0.0.1", 0))
    here.port = listener.getsockname()[1]
    acceptor = connections.accept(listener)
    try:
        yield here
    finally:
        here.go.set()
        acceptor.close()
        connections.close()
        await runner.cleanup()


async def test_an_idle_connection_makes_room_for_a_new_one() -> None:
    async with served(most=2) as here:
        idle = [await here.connect() for _ in range(2)]
        reader, writer = await here.connect()
        writer.write(GET)
        assert (await reader.readline()).endswith(b"200 OK\r\n")
        assert await idle[0][0].read() == b""
        for _, each in (*idle, (reader, writer)):
            each.close()


async def test_a_connection_in_use_is_not_closed_for_a_new_one() -> None:
    async with served(most=1) as here:
        reader, writer = await here.connect()
        writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: here.kept)
        refused, other = await here.connect()
        assert await refused.read() == b""
        here.go.set()
        assert (await reader.readline()).endswith(b"200 OK\r\n")
        writer.close()
        other.close()


async def test_connections_without_a_request_have_a_lower_limit() -> None:
    async with served(most=3, most_others=1) as here:
        _, writer = await here.connect()
        writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: here.kept)
        first, second = await here.connect(), await here.connect()
        assert await first[0].read() == b""
        assert not second[0].at_eof()
        for each in (writer, first[1], second[1]):
            each.close()


async def test_a_connection_that_requests_nothing_is_closed_after_a_time() -> None:
    async with served(most=9, first_request_s=0.01) as here:
        reader, writer = await here.connect()
        assert await reader.read() == b""
        writer.close()


async def test_without_files_connections_wait_and_are_accepted_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    accepted: list[str] = []

    def accept(client: socket.socket, host: str) -> None:
        client.close()
        accepted.append(host)

    listener = socket.create_server(("127.0.0.1", 0))
    acceptor = Acceptor(listener, accept)
    clients = [socket.socket() for _ in range(5)]
    with caplog.at_level(logging.WARNING), no_more_files():
        for client in clients:
            client.connect(listener.getsockname())
        await until(lambda: caplog.records)
    assert len(caplog.records) == 1
    await until(lambda: len(accepted) == len(clients))
    acceptor.close()
    for client in clients:
        client.close()
