"""Is no more held than has to be, however large a body and however slow a reader?"""

from __future__ import annotations

import asyncio

from canarylab.playground.network.upstream import Limits
from tests.playground.network.http_world import (
    CLOSE,
    GET,
    ask,
    connected,
    listening,
    pod,
    received,
    status_of,
    to_pod,
    to_pods,
)
from tests.waiting import until

PIECE = b"x" * 65_536
FAR_MORE = 64 * 1_048_576  # than any buffer on the way


async def test_a_pod_writes_no_faster_than_the_client_reads() -> None:
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % FAR_MORE)
        while written < FAR_MORE:
            writer.write(PIECE)
            written += len(PIECE)
            await writer.drain()

    async with (
        listening(pour) as address,
        to_pods(address) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(CLOSE)
        await reader.readuntil(b"\r\n\r\n")
        await standing_still(lambda: written)
        assert written < FAR_MORE / 2
        rest = 0
        while piece := await reader.read(1_048_576):
            rest += len(piece)
    assert rest == FAR_MORE


async def test_a_client_writes_no_faster_than_the_pod_reads() -> None:
    may_read, got, sent = asyncio.Event(), 0, 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        await reader.readuntil(b"\r\n\r\n")
        await may_read.wait()
        while got < FAR_MORE:
            got += len(await reader.read(1_048_576))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def pour(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < FAR_MORE:
            writer.write(PIECE)
            sent += len(PIECE)
            await writer.drain()

    async with (
        listening(swallow) as address,
        to_pods(address) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % FAR_MORE)
        pouring = asyncio.create_task(pour(writer))
        await standing_still(lambda: sent)
        assert sent < FAR_MORE / 2
        may_read.set()
        await pouring
        assert (await received(reader)).status == 200
    assert got == FAR_MORE


async def test_a_body_over_the_limit_is_refused_by_its_length_alone() -> None:
    async with pod() as here, to_pods(here.address, body_limit=10) as port:
        answer = await ask(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
    assert (status_of(answer), here.heads) == (413, [])


async def test_a_chunked_body_over_the_limit_is_refused_when_it_gets_there() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with (
        pod() as here,
        to_pods(here.address, body_limit=10) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(head + b"6\r\nabcdef\r\n")
        await until(lambda: here.connections)
        writer.write(b"6\r\nabcdef\r\n")
        answer = await received(reader)
    assert (answer.status, answer.fields["connection"]) == (413, "close")


async def test_who_goes_on_sending_a_refused_body_still_reads_the_refusal() -> None:
    async with (
        pod() as here,
        to_pods(here.address, body_limit=10) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
        for _ in range(20):
            writer.write(PIECE)
            await asyncio.sleep(0)
        assert status_of(await reader.read()) == 413


async def test_a_body_at_the_limit_is_taken() -> None:
    async with pod() as here, to_pods(here.address, body_limit=5) as port:
        request = (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde"
        )
        assert status_of(await ask(port, request)) == 200


async def test_an_answer_before_the_end_of_the_request_ends_the_connection() -> None:
    async def impatient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        await reader.read()

    async with (
        listening(impatient) as address,
        to_pods(address) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        answer = await reader.read()
    assert (status_of(answer), answer.endswith(b"no")) == (403, True)


async def test_a_client_that_takes_nothing_is_given_up() -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % FAR_MORE)
        try:
            while True:
                writer.write(PIECE)
                await writer.drain()
        finally:
            given_up.set()

    given_up = asyncio.Event()
    async with (
        listening(pour) as address,
        to_pods(address, limits=Limits(answer_s=0.1)) as port,
        connected(port) as (reader, writer),
    ):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(CLOSE)
        await asyncio.wait_for(given_up.wait(), 10)


async def test_a_client_that_sends_half_a_body_is_told_that_its_time_is_up() -> None:
    async with to_pod(limits=Limits(client_s=0.05)) as (port, _):
        answer = await ask(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
    assert status_of(answer) == 408


async def test_a_client_that_sends_half_a_head_is_let_go() -> None:
    async with to_pod(limits=Limits(keep_alive_s=0.05)) as (port, _):
        assert await ask(port, b"GET / HT") == b""


async def test_a_client_that_asks_nothing_more_is_let_go() -> None:
    async with to_pod(limits=Limits(keep_alive_s=0.05)) as (port, _):
        assert (await ask(port, GET)).endswith(b"fine")


async def standing_still(count: object) -> None:
    """Until the number has stopped growing for a while."""
    assert callable(count)
    before, same = -1, 0
    while same < 20:
        await asyncio.sleep(0.01)
        same = same + 1 if count() == before else 0
        before = count()
