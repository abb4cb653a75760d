"""The relay of a TCP connection carries all bytes, in order, one buffer at a time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from canarylab.kube_objects import Address
from canarylab.playground.connections import OpenConnections
from canarylab.playground.network.service_proxy import Listener
from canarylab.ports import unused
from tests.waiting import until

Handler = object
MEGABYTE = 1_000_000


@asynccontextmanager
async def through_the_proxy(
    answer: object, relays: OpenConnections | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's connection through the service proxy to a server that answers so."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:  # type: ignore[arg-type]
        endpoint = Address(*server.sockets[0].getsockname())
        address = Address("127.0.0.1", unused())
        kept = OpenConnections(most=9) if relays is None else relays
        listener = Listener(address, lambda _: endpoint, kept)
        reader, writer = await asyncio.open_connection(*address)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            listener.close()
            kept.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def test_a_long_message_comes_back_as_it_was() -> None:
    message = bytes(range(256)) * 40_000  # 10 MB: many buffers
    async with through_the_proxy(echo) as (reader, writer):
        writer.write(message)
        writer.write_eof()
        assert await reader.read() == message


async def test_a_client_that_has_said_all_still_gets_the_answer() -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(len(await reader.read())).encode())
        writer.close()

    async with through_the_proxy(count) as (reader, writer):
        writer.write(b"seven b")
        writer.write_eof()
        assert await reader.read() == b"7"


async def test_a_half_closed_server_still_receives() -> None:
    heard: list[bytes] = []

    async def talk_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()
        heard.append(await reader.read())
        writer.close()

    async with through_the_proxy(talk_first) as (reader, writer):
        assert await reader.read() == b""
        writer.write(b"late words")
        writer.write_eof()
        await until(lambda: heard == [b"late words"])


async def test_a_client_that_does_not_read_stops_the_server() -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(bytes(100_000))
            await writer.drain()
            sent += 100_000

    async with through_the_proxy(flood) as (reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        was = -1
        while was != sent:  # until nothing more goes through
            was = sent
            await asyncio.sleep(0.1)
        assert sent < 40 * MEGABYTE  # what the system's own socket buffers hold
        del reader


async def test_a_server_that_breaks_off_breaks_the_client_off() -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        linger = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with through_the_proxy(break_off) as (reader, writer):
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_client_that_breaks_off_breaks_the_server_off() -> None:
    broken = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")
        try:
            await reader.read()
        except ConnectionResetError:
            broken.set()
        writer.close()

    async with through_the_proxy(wait) as (reader, writer):
        await reader.read(1)
        linger = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        await until(broken.is_set)


async def test_a_connection_that_is_over_is_forgotten() -> None:
    relays = OpenConnections(most=9)
    async with through_the_proxy(echo, relays) as (reader, writer):
        writer.write_eof()
        await reader.read()
        await until(lambda: not relays)
