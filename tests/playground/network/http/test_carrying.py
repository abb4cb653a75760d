"""Are requests and answers carried, whole and one after the other?"""

from __future__ import annotations

import asyncio

import pytest

from tests.playground.network.http_world import (
    CLOSE,
    GET,
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


async def test_a_request_is_answered_by_the_pod() -> None:
    async with to_pod(ok(b"Version 1.0", "X-Pod: a")) as (port, _), connected(port) as (reader, w):
        w.write(GET)
        answer = await received(reader)
    assert (answer.status, answer.body, answer.fields["x-pod"]) == (200, b"Version 1.0", "a")


async def test_a_body_arrives() -> None:
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    async with to_pod() as (port, here):
        await ask(port, request)
    assert here.bodies == [b"hello"]


async def test_a_chunked_body_arrives_chunked_and_without_its_trailers() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    async with to_pod() as (port, here):
        await ask(port, head + b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Evil: yes\r\n\r\n")
    assert here.bodies == [b"abcde"]
    assert "X-Evil" not in here.heads[0]


async def test_a_body_that_comes_in_pieces_arrives_in_order() -> None:
    async with to_pod() as (port, here), connected(port) as (reader, writer):
        writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
        for piece in (b"ab", b"cd", b"ef"):
            writer.write(piece)
            await asyncio.sleep(0)
        await received(reader)
    assert here.bodies == [b"abcdef"]


async def test_a_connection_is_kept_for_the_next_request_on_both_sides() -> None:
    async with to_pod() as (port, here), connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            await received(reader)
    assert (len(here.heads), here.connections) == (3, 1)


async def test_requests_sent_at_once_are_answered_in_order() -> None:
    async with (
        to_pod(lambda number: ok(str(number).encode())) as (port, _),
        connected(port) as (reader, writer),
    ):
        writer.write(GET * 5)
        bodies = [(await received(reader)).body for _ in range(5)]
    assert bodies == [b"1", b"2", b"3", b"4", b"5"]


async def test_requests_go_round_the_pods() -> None:
    async with pod(ok(b"a")) as a, pod(ok(b"b")) as b, to_pods(a.address, b.address) as port:
        for _ in range(10):
            await ask(port)
    assert (len(a.heads), len(b.heads)) == (5, 5)


async def test_an_answer_without_a_length_is_chunked_for_the_client() -> None:
    bare = b"HTTP/1.1 200 OK\r\n\r\nall of it"
    async with to_pod(bare, ends=True) as (port, _), connected(port) as (reader, writer):
        writer.write(GET)
        answer = await received(reader)
    assert (answer.fields["transfer-encoding"], answer.body) == ("chunked", b"all of it")


async def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    async with to_pod(chunked) as (port, _):
        answer = await ask(port, b"GET / HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nabc")
    assert b"chunked" not in answer


async def test_a_head_request_gets_a_length_and_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"
    async with to_pod(head) as (port, here), connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await received(reader, bodiless=True)
    assert (answer.fields["content-length"], here.connections) == ("11", 1)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_an_answer_without_a_body_by_its_status_is_whole(status: bytes) -> None:
    async with to_pod(b"HTTP/1.1 " + status + b"\r\n\r\n") as (port, _):
        assert status_of(await ask(port)) == int(status[:3])


async def test_an_interim_answer_is_not_the_answer() -> None:
    async with to_pod(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok(b"real")) as (port, _):
        assert (await ask(port)).endswith(b"real")


async def test_who_waits_to_be_told_to_go_on_is_told() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    async with to_pod() as (port, here), connected(port) as (reader, writer):
        writer.write(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        await received(reader)
    assert "expect" not in here.heads[0].lower()


async def test_a_pod_that_does_not_keep_connections_is_asked_on_a_new_one() -> None:
    closing = ok(b"x", "Connection: close")
    async with to_pod(closing, ends=True) as (port, here), connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            await received(reader)
    assert here.connections == 3


async def test_a_client_that_leaves_is_not_answered_for() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        try:
            await reader.read()
        finally:
            left.set()

    async with listening(wait) as address, to_pods(address) as port:
        async with connected(port) as (_, writer):
            writer.write(CLOSE)
            await asked.wait()
        await asyncio.wait_for(left.wait(), 5)
