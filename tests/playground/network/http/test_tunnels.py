"""Can a client and a pod go over to speak something else, such as WebSocket?"""

from __future__ import annotations

import asyncio

from canarylab.playground.network.upstream import Limits
from tests.playground.network.http_world import (
    ask,
    connected,
    fields_of,
    listening,
    ok,
    read_head,
    received,
    to_pod,
    to_pods,
)

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Switches, says hello, and repeats what it hears."""
    fields = fields_of(await read_head(reader))
    assert (fields["upgrade"], fields["connection"]) == ("websocket", "upgrade")
    writer.write(SWITCH + b"hello ")
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()


async def test_after_the_switch_bytes_go_both_ways() -> None:
    async with (
        listening(echo) as address,
        to_pods(address) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(UPGRADE)
        head = await read_head(reader)
        assert fields_of(head)["upgrade"] == "websocket"
        writer.write(b"\x81\x05frame")
        assert await reader.readexactly(13) == b"hello \x81\x05frame"


async def test_what_a_client_says_before_the_switch_is_not_lost() -> None:
    async with (
        listening(echo) as address,
        to_pods(address) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(UPGRADE + b"early")
        await read_head(reader)
        assert await reader.readexactly(11) == b"hello early"


async def test_much_goes_through() -> None:
    much = bytes(range(256)) * 40_000
    async with (
        listening(echo) as address,
        to_pods(address) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(UPGRADE)
        await read_head(reader)
        writer.write(much)
        assert await reader.readexactly(6 + len(much)) == b"hello " + much


async def test_a_pod_may_refuse_to_switch() -> None:
    refusal = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno"
    async with to_pod(refusal) as (port, _), connected(port) as (reader, writer):
        writer.write(UPGRADE)
        answer = await received(reader)
    assert (answer.status, answer.body) == (426, b"no")


async def test_a_pod_may_ignore_the_wish() -> None:
    async with to_pod(ok(b"plain")) as (port, _), connected(port) as (reader, writer):
        writer.write(UPGRADE)
        assert (await received(reader)).body == b"plain"


async def test_when_the_pod_goes_the_client_is_let_go() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(SWITCH + b"bye")

    async with listening(leave) as address, to_pods(address) as port:
        assert (await ask(port, UPGRADE)).endswith(b"bye")


async def test_when_the_client_goes_the_pod_is_let_go() -> None:
    left = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(SWITCH)
        try:
            await reader.read()
        finally:
            left.set()

    async with listening(wait) as address, to_pods(address) as port:
        async with connected(port) as (reader, writer):
            writer.write(UPGRADE)
            await read_head(reader)
        await asyncio.wait_for(left.wait(), 5)


async def test_a_tunnel_that_falls_silent_is_cut() -> None:
    async with listening(echo) as address, to_pods(address, limits=Limits(answer_s=0.05)) as port:
        assert (await ask(port, UPGRADE)).endswith(b"hello ")
