"""Does it matter where a stream is cut into pieces? It must not."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.playground.network.http_world import (
    GET,
    PodWorld,
    ask,
    connected,
    listening,
    ok,
    pod,
    received,
    status_of,
    to_pod,
    to_pods,
)

STREAM = (
    b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    b"PUT /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
    b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
)
ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


def arrived(here: PodWorld) -> list[tuple[str, bytes]]:
    """The last three requests that the pod got."""
    paths = [head.split()[1] for head in here.heads[-3:]]
    return list(zip(paths, here.bodies[-3:], strict=True))


async def test_requests_arrive_the_same_wherever_they_are_cut_in_two() -> None:
    async with to_pod() as (port, here):
        for cut in range(1, len(STREAM)):
            async with connected(port) as (reader, writer):
                writer.write(STREAM[:cut])
                await asyncio.sleep(0)
                writer.write(STREAM[cut:])
                assert [(await received(reader)).status for _ in range(3)] == [200] * 3
            assert arrived(here) == [("/1", b"abc"), ("/2", b"de"), ("/3", b"")]


async def test_requests_arrive_the_same_byte_by_byte() -> None:
    async with to_pod() as (port, here), connected(port) as (reader, writer):
        for number in range(len(STREAM)):
            writer.write(STREAM[number : number + 1])
            await writer.drain()
            await asyncio.sleep(0)
        assert [(await received(reader)).status for _ in range(3)] == [200] * 3
    assert arrived(here) == [("/1", b"abc"), ("/2", b"de"), ("/3", b"")]


async def test_an_answer_arrives_the_same_wherever_it_is_cut_in_two() -> None:
    cuts = iter(range(1, len(ANSWER)))

    async def cut_in_two(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            cut = next(cuts)
            writer.write(ANSWER[:cut])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(ANSWER[cut:])

    async with (
        listening(cut_in_two) as address,
        to_pods(address) as port,
        connected(port) as (reader, writer),
    ):
        for _ in range(1, len(ANSWER)):
            writer.write(GET)
            assert (await received(reader)).body == b"abcde"


@pytest.mark.parametrize("seed", range(40))
async def test_nonsense_of_any_kind_leaves_the_ingress_answering(seed: int) -> None:
    """Good streams with bytes changed, left out and repeated."""
    random = Random(seed)
    async with pod(ok()) as here, to_pods(here.address) as port:
        for _ in range(20):
            async with connected(port) as (_, writer):
                writer.write(_damaged(STREAM * 2, random))
                await asyncio.sleep(0)
        assert status_of(await ask(port)) == 200


@pytest.mark.parametrize("seed", range(40))
async def test_nonsense_from_a_pod_leaves_the_ingress_answering(seed: int) -> None:
    random = Random(seed)
    damaged = [_damaged(ANSWER * 2, random) for _ in range(20)]
    async with to_pod(lambda number: damaged[number % 20], ends=True) as (port, _):
        for _ in range(20):
            async with connected(port) as (_, writer):
                writer.write(GET * 2)
                await asyncio.sleep(0)
    async with to_pod() as (port, _):
        assert status_of(await ask(port)) == 200


def _damaged(stream: bytes, random: Random) -> bytes:
    damaged = bytearray(stream)
    for _ in range(random.randint(1, 6)):
        place = random.randrange(len(damaged))
        match random.randint(0, 2):
            case 0:
                damaged[place] = random.randrange(256)
            case 1:
                del damaged[place : place + random.randint(1, 8)]
            case _:
                damaged[place:place] = damaged[place : place + random.randint(1, 8)]
    return bytes(damaged)
