"""Who is let in."""

from __future__ import annotations

import pytest

from canarylab.errors import RequestError
from canarylab.playground.apiserver.http.auth import PUBLIC_PATHS, TokenAuthenticator

GATE = TokenAuthenticator("secret", 6443)
OURS = {"Host": "127.0.0.1:6443", "Authorization": "Bearer secret"}


def code_of(path: str = "/api", **headers: str | None) -> int:
    merged = {**OURS, **headers}
    try:
        GATE.check(path, {name: value for name, value in merged.items() if value is not None})
    except RequestError as refused:
        return refused.code
    return 200


@pytest.mark.parametrize("host", ["127.0.0.1:6443", "localhost:6443"])
def test_the_token_opens(host: str) -> None:
    assert code_of(Host=host) == 200


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic secret", "secret"]
)
def test_nothing_else_opens(authorization: str | None) -> None:
    assert code_of(Authorization=authorization) == 401


@pytest.mark.parametrize(
    "host",
    [None, "", "127.0.0.1", "127.0.0.1:80", "evil.example:6443", "127.0.0.1.evil.example:6443"],
)
def test_another_name_for_this_server_is_refused(host: str | None) -> None:
    assert code_of(Host=host) == 403


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("https://127.0.0.1:6443", 200),
        ("https://localhost:6443", 200),
        ("http://127.0.0.1:6443", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_pages_from_elsewhere_are_refused(origin: str, code: int) -> None:
    assert code_of(Origin=origin) == code


@pytest.mark.parametrize("path", sorted(PUBLIC_PATHS))
def test_anybody_may_ask_whether_it_lives(path: str) -> None:
    assert code_of(path, Authorization=None) == 200


def test_even_that_is_not_for_pages_from_elsewhere() -> None:
    assert code_of("/healthz", Authorization=None, Host="evil.example:6443") == 403
