from __future__ import annotations

import pytest

from canarylab.traffic.request import Request, Target

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
