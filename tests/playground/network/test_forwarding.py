"""Requests to pods: retries after failures, time limits, mirrors."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial

import pytest

from canarylab.kube_objects import Address
from canarylab.playground.network.forwarding import Limits
from canarylab.playground.network.proxy_request import Forward, RequestHead, Timeouts
from canarylab.ports import unused
from tests.playground.network.http_fixture import (
    GET,
    answers,
    ask,
    connected,
    listening,
    ok,
    pod,
    read_head,
    received,
    serving,
    status_of,
    to_pod,
    to_pods,
)
from tests.waiting import until

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


def nobody() -> Address:
    """Where nobody listens."""
    return Address("127.0.0.1", unused())


async def test_where_nobody_listens_it_is_502() -> None:
    async with to_pods(nobody()) as port:
        assert status_of(await ask(port)) == 502


async def test_a_pod_that_does_not_listen_is_passed_over() -> None:
    async with pod() as here, to_pods(nobody(), here.address) as port:
        assert [status_of(await ask(port)) for _ in range(6)] == [200] * 6


async def test_even_a_post_that_reached_nobody_is_sent_to_the_next() -> None:
    async with pod() as here, to_pods(nobody(), here.address) as port:
        assert [status_of(await ask(port, POST)) for _ in range(4)] == [200] * 4
    assert here.bodies == [b"hi"] * 4


async def test_three_tries_are_made_and_no_fourth() -> None:
    tries = 0

    async def count(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        nonlocal tries
        await reader.readuntil(b"\r\n\r\n")
        tries += 1

    async with listening(count) as address, to_pods(address) as port:
        assert status_of(await ask(port)) == 502
    assert tries == 3


async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def test_a_pod_that_dies_before_it_answers_is_502() -> None:
    async with listening(hang_up) as address, to_pods(address) as port:
        assert status_of(await ask(port)) == 502


async def test_a_get_that_a_pod_died_of_is_sent_to_the_next() -> None:
    async with listening(hang_up) as bad, pod() as here, to_pods(bad, here.address) as port:
        assert [status_of(await ask(port)) for _ in range(4)] == [200] * 4


async def test_a_post_that_a_pod_died_of_is_not_sent_twice() -> None:
    async with listening(hang_up) as bad, pod() as here, to_pods(bad, here.address) as port:
        got = [status_of(await ask(port, POST)) for _ in range(4)]
    assert sorted(got) == [200, 200, 502, 502]


async def test_a_put_is_sent_again_with_its_body() -> None:
    put = POST.replace(b"POST", b"PUT")
    async with listening(hang_up) as bad, pod() as here, to_pods(bad, here.address) as port:
        for _ in range(4):
            await ask(port, put)
    assert here.bodies == [b"hi"] * 4


async def test_a_put_too_large_to_keep_is_not_sent_again() -> None:
    put = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\nConnection: close\r\n\r\n"

    async def half(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readexactly(200_000)

    async with listening(half) as address, to_pods(address) as port:
        assert status_of(await ask(port, put + b"x" * 300_000)) == 502


async def test_a_pod_that_dies_in_mid_answer_cuts_the_answer() -> None:
    async with to_pod(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ends=True) as (port, _):
        answer = await ask(port)
    assert answer.endswith(b"\r\n\r\nhalf")


async def test_a_chunked_answer_that_is_cut_has_no_last_chunk() -> None:
    half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    async with to_pod(half, ends=True) as (port, _):
        assert (await ask(port)).endswith(b"4\r\nhalf\r\n")


async def test_the_ingress_lives_on_after_every_failure() -> None:
    async with pod() as here, listening(hang_up) as bad, to_pods(bad, here.address) as port:
        await asyncio.gather(*(ask(port, POST) for _ in range(50)))
        assert status_of(await ask(port)) == 200


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ok(b"fine") + b"and more",  # nginx drops the rest
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_a_pod_that_speaks_nonsense_is_502(nonsense: bytes) -> None:
    async with to_pod(nonsense) as (port, _):
        assert status_of(await ask(port)) == 502


async def test_a_pod_that_does_not_answer_in_time_is_504() -> None:
    async with (
        listening(silent) as address,
        to_pods(address, limits=Limits(read_timeout_s=0.05)) as port,
    ):
        assert status_of(await ask(port, POST)) == 504


async def test_a_pod_that_falls_silent_in_mid_answer_cuts_it() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await reader.read()

    async with (
        listening(half) as address,
        to_pods(address, limits=Limits(read_timeout_s=0.05)) as port,
    ):
        assert (await ask(port)).endswith(b"half")


@pytest.mark.parametrize("timeouts", [Timeouts(request_s=0.05), Timeouts(backend_s=0.05)])
async def test_a_timeout_of_the_request_is_504_and_ends_the_tries(timeouts: Timeouts) -> None:
    asked = 0

    async def counting(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()

    async with (
        listening(counting) as address,
        serving(lambda head: Forward("web", (address,), head, timeouts=timeouts)) as port,
    ):
        assert status_of(await ask(port)) == 504
    assert asked == 1


async def test_a_timeout_of_the_request_in_mid_answer_cuts_it() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await reader.read()

    timeouts = Timeouts(request_s=0.5)
    async with (
        listening(endless) as address,
        serving(lambda head: Forward("web", (address,), head, timeouts=timeouts)) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(GET)
        assert (await reader.readuntil(b"half")).endswith(b"half")
        with suppress(ConnectionError):
            assert await reader.read() == b""


async def test_a_pod_that_takes_no_connection_in_time_is_504() -> None:
    with full_backlog() as address:
        async with to_pods(address, limits=Limits(connect_s=0.05)) as port:
            assert status_of(await ask(port)) == 504


async def test_a_kept_connection_that_the_pod_closed_is_no_failure() -> None:
    async with (
        to_pod(lambda _: ok(), ends=True) as (port, here),
        connected(port) as (reader, writer),
    ):
        got = []
        for _ in range(10):
            writer.write(GET)
            got.append((await received(reader)).status)
    assert (got, len(here.heads)) == ([200] * 10, 10)


async def test_the_ingress_itself_answers_where_it_decides_so() -> None:
    async with serving(answers(503)) as port:
        answer = await ask(port)
    assert status_of(answer) == 503
    assert b"503 Service Temporarily Unavailable" in answer


async def test_an_own_answer_keeps_the_connection() -> None:
    async with serving(answers(404)) as port, connected(port) as (reader, writer):
        writer.write(GET * 2)
        assert [(await received(reader)).status for _ in range(2)] == [404, 404]


async def test_nothing_is_left_open_when_it_ends() -> None:
    async with pod() as here:
        async with to_pods(here.address) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET)
            await received(reader)
        assert await reader.read() == b""
        await asyncio.wait_for(here.is_left.wait(), 5)
        writer.close()


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@contextmanager
def full_backlog() -> Iterator[Address]:
    """Somebody listens, and lets nobody in."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield Address(*server.getsockname()[:2])
        for client in waiting:
            client.close()


PUT = b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
CHUNKED = b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def copying(to: Address, mirror: Address, limits: Limits | None = None) -> AsyncIterator[int]:
    """An ingress that sends everything to both; its port."""

    def decide(head: RequestHead) -> Forward:
        copy = Forward("mirror", (mirror,), head._replace(target="/copied"))
        return Forward("web", (to,), head, mirrors=(copy,))

    async with serving(decide, limits) as port:
        yield port


async def test_the_mirror_gets_the_request_and_the_client_the_pods_answer() -> None:
    async with (
        pod(ok(b"pod")) as real,
        pod(ok(b"mirror")) as mirror,
        copying(real.address, mirror.address) as port,
    ):
        assert (await ask(port, PUT)).endswith(b"pod")
        await until(lambda: mirror.bodies)
    assert (real.bodies, mirror.bodies) == ([b"hello"], [b"hello"])
    assert mirror.heads[0].startswith("PUT /copied HTTP/1.1")


async def test_a_body_in_pieces_is_copied_in_pieces() -> None:
    async with (
        pod() as real,
        pod() as mirror,
        copying(real.address, mirror.address) as port,
        connected(port) as (reader, writer),
    ):
        for piece in (CHUNKED, b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\n\r\n"):
            writer.write(piece)
            await asyncio.sleep(0)
        await received(reader)
        await until(lambda: mirror.bodies)
    assert mirror.bodies == [b"abcde"]


async def test_a_mirror_that_does_not_listen_costs_nothing() -> None:
    nobody = Address("127.0.0.1", unused())
    async with pod() as real, copying(real.address, nobody) as port:
        assert [status_of(await ask(port, PUT)) for _ in range(5)] == [200] * 5


async def test_a_mirror_that_never_answers_keeps_nobody_waiting() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as mirror, pod() as real, copying(real.address, mirror) as port:
        assert [status_of(await ask(port, PUT)) for _ in range(5)] == [200] * 5


async def test_a_response_of_a_mirror_without_an_end_is_cut_at_the_limit() -> None:
    is_left = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0)
        is_left.set()

    limits = Limits(mirror_s=0.05)
    async with (
        listening(drip) as mirror,
        pod() as real,
        copying(real.address, mirror, limits) as port,
    ):
        assert status_of(await ask(port, PUT)) == 200
        await asyncio.wait_for(is_left.wait(), 5)


async def test_a_mirror_that_takes_nothing_does_not_hold_back_a_large_body() -> None:
    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    large = 8_000_000
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % large
    async with listening(deaf) as mirror, pod() as real, copying(real.address, mirror) as port:
        assert status_of(await ask(port, head + b"x" * large)) == 200
    assert len(real.bodies[0]) == large


async def test_connections_to_a_mirror_are_kept_too() -> None:
    async with (
        pod() as real,
        pod() as mirror,
        copying(real.address, mirror.address) as port,
        connected(port) as (reader, writer),
    ):
        for _ in range(5):
            before = len(mirror.heads)
            writer.write(GET)
            await received(reader)
            await until(partial(has_grown, mirror.heads, before))
    assert mirror.connections < 5


def has_grown(heads: list[str], before: int) -> bool:
    """Whether another copy has arrived."""
    return len(heads) > before
