"""The server as a whole: who gets in, and what happens when something goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from canarylab.errors import RequestError
from canarylab.playground.apiserver.server import PUBLIC_PATHS, TokenAuthenticator
from tests.playground.apiserver.serving import Server, running_server


async def test_without_the_token_nothing_is_answered(server: Server) -> None:
    reply = await server.ask("GET", "/api/v1/pods", Authorization="Bearer wrong")
    assert reply.code == 401
    assert reply.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


async def test_pages_from_elsewhere_get_nothing(server: Server) -> None:
    reply = await server.ask("GET", "/api/v1/pods", Origin="https://evil.example")
    assert (reply.code, reply.body["reason"]) == (403, "Forbidden")


async def test_an_unknown_path_is_not_found(server: Server) -> None:
    reply = await server.ask("GET", "/apis/apps/v1/canaries")
    assert (reply.code, reply.body["message"], reply.body["details"]) == (
        404,
        "the server could not find the requested resource",
        {},
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/pods"),
        ("PUT", "/api/v1/namespaces/default/pods"),
        ("DELETE", "/api/v1/namespaces"),
        ("DELETE", "/api/v1/namespaces/default/pods/web/log"),
    ],
)
async def test_an_unknown_verb_is_not_allowed(server: Server, method: str, path: str) -> None:
    reply = await server.ask(method, path)
    assert (reply.code, reply.body["reason"]) == (405, "MethodNotAllowed")


async def test_what_should_not_happen_is_said_and_logged(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr(server.api.store, "all", broken)
    reply = await server.ask("GET", "/api/v1/pods")
    assert (reply.code, reply.body["reason"]) == (500, "InternalError")
    assert "a wheel came off" in caplog.text


async def test_it_speaks_tls_and_nothing_else(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"http://127.0.0.1:{server.port}/version")


async def test_it_ends_although_somebody_watches(tmp_path: Path) -> None:
    async with asyncio.timeout(10):
        async with running_server(tmp_path) as server:
            session = server.session()
            reply = await session.get("/api/v1/pods?watch=true")
        assert await reply.content.read() == b""
        await session.close()


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
