"""The HTTP server of the ingress: requests, bodies, header fields, WebSockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
from contextlib import AsyncExitStack
from random import Random

import pytest

from canarylab.playground.network.forwarding import Limits
from canarylab.playground.network.ingress_server import ReverseProxy
from canarylab.playground.network.proxy_request import DirectResponse, Forward
from tests.playground.network.http_fixture import (
    CLOSE,
    GET,
    ask,
    connected,
    fields_of,
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


async def test_expect_100_continue_is_answered() -> None:
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
        to_pods(address, limits=Limits(read_timeout_s=0.1)) as port,
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


async def test_an_idle_client_makes_room_for_a_new_one() -> None:
    async with to_pod(limits=Limits(connections=2)) as (port, _), AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connected(port)) for _ in range(2)]
        assert (await ask(port)).endswith(b"fine")
        assert await idle[0][0].read() == b""


async def standing_still(count: object) -> None:
    """Until the number has stopped growing for a while."""
    assert callable(count)
    before, same = -1, 0
    while same < 20:
        await asyncio.sleep(0.01)
        same = same + 1 if count() == before else 0
        before = count()


async def as_seen_by_the_pod(*fields: str) -> dict[str, str]:
    lines = ["GET / HTTP/1.1", "Host: foo.bar.com:8080", "Connection: close", *fields]
    async with to_pod() as (port, here):
        await ask(port, "\r\n".join(lines).encode() + b"\r\n\r\n")
    return {**fields_of(here.heads[0]), "own port": str(port)}


async def test_the_pod_is_told_who_asked_for_what() -> None:
    seen = await as_seen_by_the_pod()
    assert seen["host"] == seen["x-forwarded-host"] == "foo.bar.com:8080"
    assert seen["x-real-ip"] == seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == seen["x-scheme"] == seen["x-forwarded-scheme"] == "http"
    assert seen["x-forwarded-port"] == seen["own port"]


async def test_what_a_client_says_of_its_address_is_not_believed() -> None:
    seen = await as_seen_by_the_pod("X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6")
    assert (seen["x-forwarded-for"], seen["x-real-ip"]) == ("127.0.0.1", "127.0.0.1")
    assert seen["x-original-forwarded-for"] == "6.6.6.6"


async def test_a_request_has_a_number_of_its_own() -> None:
    first, second = (await as_seen_by_the_pod())["x-request-id"], "x" * 32
    assert (len(first), int(first, 16) > 0) == (32, True)
    assert (await as_seen_by_the_pod(f"X-Request-ID: {second}"))["x-request-id"] == second


async def test_hop_by_hop_headers_are_not_forwarded() -> None:
    seen = await as_seen_by_the_pod("Connection: close, x-secret", "X-Secret: 1", "TE: trailers")
    assert not {"connection", "x-secret", "te"} & seen.keys()


async def test_a_proxy_header_is_dropped() -> None:
    seen = await as_seen_by_the_pod("Proxy: http://evil")
    assert not {"x_canary", "proxy"} & seen.keys()


async def test_other_fields_go_on_as_they_are() -> None:
    seen = await as_seen_by_the_pod("X-Canary: always", "Cookie: a=1; b=2", "Accept: */*")
    assert (seen["x-canary"], seen["cookie"], seen["accept"]) == ("always", "a=1; b=2", "*/*")


async def test_the_client_gets_the_fields_of_the_pod_but_those_of_its_connection() -> None:
    answer = ok(
        b"x", "X-Version: 2.0", "Set-Cookie: a=1", "Set-Cookie: b=2", "Keep-Alive: timeout=5"
    )
    async with to_pod(answer) as (port, _), connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        fields = (await received(reader)).fields
    assert fields["x-version"] == "2.0"
    assert "keep-alive" not in fields


async def test_a_field_that_comes_twice_goes_on_twice() -> None:
    answer = ok(b"x", "Set-Cookie: a=1", "Set-Cookie: b=2")
    async with to_pod(answer) as (port, _):
        got = await ask(port)
    assert got.count(b"Set-Cookie") == 2


HOST = b"Host: a\r\n"


REFUSED = {
    "length and chunks": (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
    "chunks and length": (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", 400),
    "two lengths": (b"Content-Length: 3\r\nContent-Length: 3\r\n", 400),
    "something like chunks": (b"Transfer-Encoding: xchunked\r\n", 400),
    "packed chunks": (b"Transfer-Encoding: gzip, chunked\r\n", 501),
    "chunks that are not last": (b"Transfer-Encoding: chunked, gzip\r\n", 400),
    "two hosts": (b"Host: b\r\n", 400),
}


@pytest.mark.parametrize(("fields", "status"), REFUSED.values(), ids=REFUSED)
async def test_an_ambiguous_head_is_refused_and_reaches_no_pod(fields: bytes, status: int) -> None:
    async with to_pod() as (port, here):
        answer = await ask(port, b"POST / HTTP/1.1\r\n" + HOST + fields + b"\r\nabc")
    assert (status_of(answer), here.heads) == (status, [])


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET / HTTP/1.1", 400),  # without a Host
        (b"GET / HTTP/2.0", 505),
        (b"CONNECT a:80 HTTP/1.1", 405),
        (b"TRACE / HTTP/1.1", 405),
        (b"OPTIONS * HTTP/1.1", 400),
        (b"GET /a b HTTP/1.1", 400),
        (b"nonsense", 400),
    ],
)
async def test_a_bad_request_line_is_refused(line: bytes, status: int) -> None:
    host = b"" if line == b"GET / HTTP/1.1" else HOST
    async with to_pod() as (port, here):
        assert status_of(await ask(port, line + b"\r\n" + host + b"\r\n")) == status
    assert here.heads == []


async def test_a_target_that_is_too_long_is_400() -> None:
    async with to_pod() as (port, _):
        request = b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        assert status_of(await ask(port, request)) == 400


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""])
async def test_a_head_that_is_too_large_is_400_before_it_ends(end: bytes) -> None:
    async with to_pod() as (port, here):
        request = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000 + end
        assert status_of(await ask(port, request)) == 400
    assert here.heads == []


async def test_an_absolute_target_names_the_host() -> None:
    async with to_pod() as (port, here):
        await ask(
            port, b"GET http://foo.bar.com/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
    assert here.heads[0].startswith("GET /x?y HTTP/1.1\r\nHost: foo.bar.com\r\n")


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


async def test_a_pod_may_ignore_the_upgrade() -> None:
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
    async with (
        listening(echo) as address,
        to_pods(address, limits=Limits(read_timeout_s=0.05)) as port,
    ):
        assert (await ask(port, UPGRADE)).endswith(b"hello ")


STREAM = (
    b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    b"PUT /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
    b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
)


ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


@pytest.mark.parametrize("seed", range(8))
async def test_nonsense_of_any_kind_leaves_the_ingress_answering(seed: int) -> None:
    """Good streams with bytes changed, left out and repeated."""
    random = Random(seed)
    async with pod(ok()) as here, to_pods(here.address) as port:
        for _ in range(20):
            async with connected(port) as (_, writer):
                writer.write(_damaged(STREAM * 2, random))
                await asyncio.sleep(0)
        assert status_of(await ask(port)) == 200


async def test_a_client_that_leaves_before_its_response_is_no_error_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(lambda _: DirectResponse(404)) as port:
        for _ in range(20):
            async with connected(port) as (_, writer):
                writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        assert status_of(await ask(port)) == 404
    assert caplog.records == []


async def test_a_request_that_cannot_be_parsed_is_no_error_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with to_pod() as (port, _):
        assert status_of(await ask(port, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")) == 400
        assert status_of(await ask(port, b"no request\r\n\r\n")) == 400
    assert caplog.records == []


@pytest.mark.parametrize("seed", range(8))
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


async def test_each_piece_of_a_stream_arrives_before_the_next_is_written() -> None:
    next_piece = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"1\r\na\r\n", b"1\r\nb\r\n", b"0\r\n\r\n"):
            await next_piece.wait()
            next_piece.clear()
            writer.write(piece)

    async with (
        listening(stream) as address,
        to_pods(address) as port,
        connected(port) as (reader, writer),
    ):
        writer.write(GET)
        head = await read_head(reader)
        assert fields_of(head)["transfer-encoding"] == "chunked"
        for piece in (b"1\r\na\r\n", b"1\r\nb\r\n", b"0\r\n\r\n"):
            next_piece.set()
            assert await reader.readexactly(len(piece)) == piece


async def test_no_header_field_is_added_to_those_of_the_pod() -> None:
    async with to_pod(ok(b"x", "X-Only: 1")) as (port, _), connected(port) as (reader, writer):
        writer.write(GET)
        assert (await received(reader)).fields.keys() == {"content-length", "x-only"}


async def test_a_compressed_body_stays_compressed_in_both_directions() -> None:
    packed = gzip.compress(b"hello")
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    async with (
        to_pod(ok(packed, "Content-Encoding: gzip")) as (port, here),
        connected(port) as (reader, writer),
    ):
        writer.write(head % len(packed) + packed)
        answer = await received(reader)
    assert here.bodies == [packed]
    assert (answer.body, answer.fields["content-encoding"]) == (packed, "gzip")


async def test_a_redirect_and_its_cookie_are_for_the_client() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"
    async with to_pod(moved) as (port, here), connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            assert (await received(reader)).fields["location"] == "/b"
    assert not any("cookie" in head.lower() for head in here.heads)


@pytest.mark.parametrize(
    ("target", "arrives"),
    [
        (b"//a/../b%2fc/./d", "//a/../b%2fc/./d"),
        (b"/a?b=%20+|{}", "/a?b=%20+|{}"),
    ],
)
async def test_a_target_arrives_as_it_was_sent(target: bytes, arrives: str) -> None:
    async with to_pod() as (port, here):
        await ask(port, b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % target)
    assert here.heads[0].split(" ")[1] == arrives


async def test_header_values_that_are_not_ascii_go_on() -> None:
    fields = "X-Utf: f\u00fcr\r\nX-Latin: ".encode() + b"\xfc\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + b"\r\n"
    async with to_pod(answer) as (port, here), connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
        from_pod = (await received(reader)).fields
    for got in (from_pod, fields_of(here.heads[0])):
        assert got["x-utf"].encode("latin-1").decode() == "f\u00fcr"
        assert got["x-latin"].encode("latin-1").decode() == "\u00fc"


async def test_several_sockets_are_served() -> None:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [listener.getsockname()[1] for listener in listeners]
    async with pod() as here:
        proxy = ReverseProxy(lambda head: Forward("web", (here.address,), head))
        task = asyncio.create_task(proxy.run(listeners))
        for port in ports:
            assert status_of(await ask(port)) == 200
        task.cancel()
        await asyncio.wait([task])
    assert [fields_of(head)["x-forwarded-port"] for head in here.heads] == [str(p) for p in ports]
