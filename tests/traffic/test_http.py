"""One GET, requests as bytes, and the parser of responses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from httptools import HttpParserError

from canarylab.errors import TrafficError
from canarylab.ports import unused
from canarylab.traffic.http import (
    HttpResponse,
    ParsedResponse,
    Request,
    ResponseParser,
    Target,
    VersionSource,
    get,
)
from canarylab.traffic.sampler import measure
from canarylab.traffic.sampling_plan import SamplingPlan


def test_nobody_there_is_said_with_the_address() -> None:
    url = f"http://127.0.0.1:{unused()}"
    with pytest.raises(TrafficError, match=rf"There is no answer at {url}: .*refused"):
        get(url)


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://127.0.0.1", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not a URL with a host"):
        get(url)


def test_a_reply_reads_like_curl_i() -> None:
    response = HttpResponse(200, "OK", {"X-Version": "1.0"}, '"Version 1.0"')
    assert repr(response) == '200 OK\nX-Version: 1.0\n\n"Version 1.0"'


PLAIN = Request()


def sent(url: str, request: Request = PLAIN, *, kept: bool = False) -> list[str]:
    return Target.parse(url).message(request, kept=kept).decode().split("\r\n")


@pytest.mark.parametrize(
    ("url", "host", "line"),
    [
        ("http://127.0.0.1:32089", "127.0.0.1:32089", "GET / HTTP/1.1"),
        ("http://localhost/canary", "localhost", "GET /canary HTTP/1.1"),
        ("https://localhost/a b?c=d e", "localhost", "GET /a%20b?c=d%20e HTTP/1.1"),
        ("http://[::1]:8080/%2f#part", "[::1]:8080", "GET /%2f HTTP/1.1"),
        ("http://bücher.example/ä", "xn--bcher-kva.example", "GET /%C3%A4 HTTP/1.1"),
    ],
)
def test_a_url_becomes_a_request(url: str, host: str, line: str) -> None:
    assert sent(url)[:2] == [line, f"Host: {host}"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("127.0.0.1:32089", "does not start with http"),
        ("", "does not start with http"),
        ("file:///etc/passwd", "does not start with http"),
        ("http://", "names no host"),
        ("http:///path", "names no host"),
        ("http://a b/", "names no host"),
        ("http://127.0.0.1:99999/", "Port out of range"),
        ("http://127.0.0.1:x/", "cannot be read as a URL"),
        ("http://[::1/", "cannot be read as a URL"),
    ],
)
def test_a_url_that_is_none_is_refused_in_two_sentences(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=rf"{words}.*\. Write it .*\.$"):
        Target.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://ada:s3cret@127.0.0.1:1/",
        "http://ada:s3cret@nohost.invalid/",
        "ftp://ada:s3cret@h/",
        "http://ada:s3cret@/",
        "http://ada:s3cret@h:99999/",
        "http://ada:s3cret/slash@h/",
        "http://ada:slash/s3cret@h/",
    ],
)
@pytest.mark.parametrize("send", [get, partial(measure, plan=SamplingPlan(count=1))])
def test_a_password_in_a_url_is_in_no_message(send: Callable[[str], object], url: str) -> None:
    with pytest.raises((ValueError, TrafficError)) as refused:
        send(url)
    assert "s3cret" not in str(refused.value)


def test_an_ingress_is_asked_for_another_host() -> None:
    request = Request(host="foo.bar.com", headers={"X-Canary": "always"}, cookies={"tester": "1"})
    lines = sent("http://127.0.0.1:8080/", request)
    assert {"Host: foo.bar.com", "X-Canary: always", "Cookie: tester=1"} < set(lines)


@pytest.mark.parametrize(("kept", "words"), [(True, "keep-alive"), (False, "close")])
def test_the_server_is_told_whether_the_connection_is_kept(*, kept: bool, words: str) -> None:
    assert f"Connection: {words}" in sent("http://localhost/", kept=kept)


@pytest.mark.parametrize(
    "wrong",
    [{"host": "a\r\nX: y"}, {"headers": {"a\nb": "c"}}, {"headers": {"": "c"}},
     {"cookies": {"a": "b\r\n"}}],
)  # fmt: skip
def test_no_header_can_break_the_request_apart(wrong: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ValueError, match="printable characters in one line"):
        Request(**wrong)  # type: ignore[arg-type]


HEAD = b"HTTP/1.1 200 OK\r\n"


def read(*parts: bytes) -> ParsedResponse | None:
    parser = ResponseParser()
    for part in parts:
        parser.feed(part)
    return parser.response


def test_headers_name_the_version_and_the_pod() -> None:
    response = read(HEAD + b"x-version: 2.0\r\nX-POD: a\r\nContent-Length: 0\r\n\r\n")
    assert response == ParsedResponse(200, "2.0", "a", keep_alive=True)


@pytest.mark.parametrize(
    "body", [b'"Version 2.0"', b'{"text": "Version 2.0"}', b"Version 2.0", b"<p>Version 2.0</p>"]
)
def test_without_a_header_the_body_names_the_version(body: bytes) -> None:
    response = read(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert response is not None
    assert response.version == "2.0"


def test_the_header_counts_more_than_the_body() -> None:
    response = read(HEAD + b'X-Version: 2.0\r\nContent-Length: 13\r\n\r\n"Version 1.0"')
    assert response is not None
    assert response.version == "2.0"


def test_who_names_no_version_has_none() -> None:
    assert read(HEAD + b"Content-Length: 2\r\n\r\nhi") == ParsedResponse(
        200, None, None, keep_alive=True
    )


def test_a_response_may_come_byte_by_byte() -> None:
    whole = HEAD + b'Transfer-Encoding: chunked\r\n\r\nd\r\n"Version 1.0"\r\n0\r\n\r\n'
    response = read(*(bytes([byte]) for byte in whole))
    assert response is not None
    assert response.version == "1.0"


def test_a_response_that_is_not_complete_is_none() -> None:
    assert read(HEAD + b"Content-Length: 5\r\n\r\nVer") is None


def test_a_response_without_a_size_ends_with_its_connection() -> None:
    parser = ResponseParser()
    parser.feed(HEAD + b'\r\n"Version 1.0"')
    assert (parser.response, parser.end()) == (None, True)


@pytest.mark.parametrize("part", [b"", HEAD, HEAD + b"Content-Length: 5\r\n\r\nVer"])
def test_a_response_that_says_its_size_does_not_end_early(part: bytes) -> None:
    parser = ResponseParser()
    parser.feed(part)
    assert not parser.end()


def test_a_connection_may_be_the_last_of_its_kind() -> None:
    response = read(HEAD + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
    assert response is not None
    assert not response.keep_alive


def test_an_interim_response_is_not_the_response() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nX-Version: 9\r\n\r\n"
    assert read(interim + HEAD + b"Content-Length: 0\r\n\r\n") == ParsedResponse(
        200, None, None, keep_alive=True
    )


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(HttpParserError):
        read(b"SSH-2.0-OpenSSH_9.2\r\n")


@pytest.mark.parametrize("part", [b"X-A: b\r\n" * 1000, b"a" * 10_000])
def test_headers_without_an_end_are_refused(part: bytes) -> None:
    with pytest.raises(HttpParserError, match="longer than"):
        read(HEAD, b"X-B: ", *[part] * 200)


def test_more_than_was_asked_for_is_ignored() -> None:
    whole = HEAD + b"X-Version: 1.0\r\nContent-Length: 0\r\n\r\n"
    response = read(whole, HEAD + b"X-Version: 2.0\r\nContent-Length: 0\r\n\r\n")
    assert response is not None
    assert response.version == "1.0"


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (b'{"version": "1.2.3"}', b"1.2.3"),
        (b"This is version 2.0.", b"2.0"),
        (b"VERSION=v3.1-rc.2 of it", b"3.1-rc.2"),
        (b"conversion 2.0", None),
        (b"version two", None),
        (b"v2.0", None),
    ],
)
def test_the_word_version_and_a_number_after_it_name_the_version(
    body: bytes, version: bytes | None
) -> None:
    assert VersionSource().find(body) == version


def test_another_header_can_name_the_version() -> None:
    parser = ResponseParser(VersionSource(header="X-App"))
    parser.feed(HEAD + b"x-app: blue\r\nX-Version: 2.0\r\nContent-Length: 0\r\n\r\n")
    assert parser.response == ParsedResponse(200, "blue", None, keep_alive=True)


@pytest.mark.parametrize(("pattern", "version"), [(r"build (\w+)", b"77"), (r"\d+", b"77")])
def test_another_pattern_can_find_the_version(pattern: str, version: bytes) -> None:
    assert VersionSource(pattern=pattern).find(b"build 77") == version


def test_it_says_where_it_looks() -> None:
    assert str(VersionSource("X-App", "a+")) == "in the header X-App, then as 'a+' in the body"
