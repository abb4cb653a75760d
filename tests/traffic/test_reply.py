from __future__ import annotations

import pytest
from httptools import HttpParserError

from canarylab.traffic.reply import Reader, Reply

HEAD = b"HTTP/1.1 200 OK\r\n"


def read(*parts: bytes) -> Reply | None:
    reader = Reader()
    for part in parts:
        reader.feed(part)
    return reader.reply


def test_headers_name_the_version_and_the_pod() -> None:
    reply = read(HEAD + b"x-version: 2.0\r\nX-POD: a\r\nContent-Length: 0\r\n\r\n")
    assert reply == Reply(200, "2.0", "a", keeps=True)


@pytest.mark.parametrize(
    "body", [b'"Version 2.0"', b'{"text": "Version 2.0"}', b"Version 2.0", b"<p>Version 2.0</p>"]
)
def test_without_a_header_the_body_names_the_version(body: bytes) -> None:
    reply = read(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert reply is not None
    assert reply.version == "2.0"


def test_the_header_counts_more_than_the_body() -> None:
    reply = read(HEAD + b'X-Version: 2.0\r\nContent-Length: 13\r\n\r\n"Version 1.0"')
    assert reply is not None
    assert reply.version == "2.0"


def test_who_names_no_version_has_none() -> None:
    assert read(HEAD + b"Content-Length: 2\r\n\r\nhi") == Reply(200, None, None, keeps=True)


def test_a_response_may_come_byte_by_byte() -> None:
    whole = HEAD + b'Transfer-Encoding: chunked\r\n\r\nd\r\n"Version 1.0"\r\n0\r\n\r\n'
    reply = read(*(bytes([byte]) for byte in whole))
    assert reply is not None
    assert reply.version == "1.0"


def test_a_response_that_is_not_complete_is_none() -> None:
    assert read(HEAD + b"Content-Length: 5\r\n\r\nVer") is None


def test_a_response_without_a_size_ends_with_its_connection() -> None:
    reader = Reader()
    reader.feed(HEAD + b'\r\n"Version 1.0"')
    assert (reader.reply, reader.end()) == (None, True)


@pytest.mark.parametrize("part", [b"", HEAD, HEAD + b"Content-Length: 5\r\n\r\nVer"])
def test_a_response_that_says_its_size_does_not_end_early(part: bytes) -> None:
    reader = Reader()
    reader.feed(part)
    assert not reader.end()


def test_a_connection_may_be_the_last_of_its_kind() -> None:
    reply = read(HEAD + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
    assert reply is not None
    assert not reply.keeps


def test_an_interim_response_is_not_the_response() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nX-Version: 9\r\n\r\n"
    assert read(interim + HEAD + b"Content-Length: 0\r\n\r\n") == Reply(200, None, None, keeps=True)


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(HttpParserError):
        read(b"SSH-2.0-OpenSSH_9.2\r\n")


def test_more_than_was_asked_for_is_ignored() -> None:
    whole = HEAD + b"X-Version: 1.0\r\nContent-Length: 0\r\n\r\n"
    reply = read(whole, HEAD + b"X-Version: 2.0\r\nContent-Length: 0\r\n\r\n")
    assert reply is not None
    assert reply.version == "1.0"
