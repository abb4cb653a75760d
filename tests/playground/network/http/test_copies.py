"""Is a request copied to a mirror, whose answer nobody waits for?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from canarylab.kube_objects import Address
from canarylab.playground.network.http.verdicts import Forward
from canarylab.ports import unused
from tests.playground.network.http.http_world import (
    GET,
    ask,
    connected,
    listening,
    ok,
    pod,
    received,
    serving,
    status_of,
)
from tests.waiting import until

PUT = b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
CHUNKED = b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def copying(to: Address, mirror: Address) -> AsyncIterator[int]:
    """An ingress that sends everything to both; its port."""
    copy = Forward("mirror", (mirror,), "/copied")
    async with serving(lambda head: Forward("web", (to,), head.target, mirrors=(copy,))) as port:
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
    """Has another copy arrived?"""
    return len(heads) > before
