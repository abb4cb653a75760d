"""Is a request that two programs could read differently refused?"""

from __future__ import annotations

import pytest

from tests.playground.network.http_world import ask, status_of, to_pod

HOST = b"Host: a\r\n"
REFUSED = {
    "length and chunks": (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
    "chunks and length": (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", 400),
    "two lengths": (b"Content-Length: 3\r\nContent-Length: 3\r\n", 400),
    "a list of lengths": (b"Content-Length: 3, 3\r\n", 400),
    "a length with a sign": (b"Content-Length: +3\r\n", 400),
    "something like chunks": (b"Transfer-Encoding: xchunked\r\n", 400),
    "packed chunks": (b"Transfer-Encoding: gzip, chunked\r\n", 501),
    "chunks that are not last": (b"Transfer-Encoding: chunked, gzip\r\n", 400),
    "a space before the colon": (b"Transfer-Encoding : chunked\r\n", 400),
    "a folded line": (b"X: a\r\n b\r\n", 400),
    "a zero byte": (b"X: a\x00b\r\n", 400),
    "a lone carriage return": (b"X: a\rb\r\n", 400),
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


@pytest.mark.parametrize("chunk", [b"3\nabc\r\n", b"3 \r\nabc\r\n", b"zz\r\n", b"-1\r\n"])
async def test_a_bad_chunk_is_refused(chunk: bytes) -> None:
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    async with to_pod() as (port, here):
        assert status_of(await ask(port, head + chunk + b"0\r\n\r\n")) == 400
    assert here.bodies == []


async def test_what_follows_a_refused_request_is_never_read_as_one() -> None:
    smuggled = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    fields = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
    async with to_pod() as (port, here):
        await ask(port, b"POST / HTTP/1.1\r\n" + HOST + fields + b"\r\n0\r\n\r\n" + smuggled)
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
