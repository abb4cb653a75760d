"""The server as a whole: authentication, errors, shutdown."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from canarylab.errors import StatusError
from canarylab.playground.apiserver.server import PUBLIC_PATHS, TokenAuthenticator
from tests.playground.apiserver.server import Server, exchange, running_server


async def test_without_the_token_nothing_is_answered(server: Server) -> None:
    response = await server.request("GET", "/api/v1/pods", Authorization="Bearer wrong")
    assert response.code == 401
    assert response.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


async def test_a_page_of_another_origin_gets_no_answer(server: Server) -> None:
    response = await server.request("GET", "/api/v1/pods", Origin="https://evil.example")
    assert (response.code, response.body["reason"]) == (403, "Forbidden")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "[::1]:{port}"]
)
async def test_another_name_of_the_server_gets_no_answer(server: Server, host: str) -> None:
    """A page whose name leads to 127.0.0.1 (DNS rebinding) sends that name."""
    response = await server.request("GET", "/healthz", Host=host.format(port=server.port))
    assert (response.code, response.body["reason"]) == (403, "Forbidden")


async def test_an_unknown_path_is_not_found(server: Server) -> None:
    response = await server.request("GET", "/apis/apps/v1/canaries")
    assert (response.code, response.body["message"], response.body["details"]) == (
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
async def test_an_unknown_method_is_not_allowed(server: Server, method: str, path: str) -> None:
    response = await server.request(method, path)
    assert (response.code, response.body["reason"]) == (405, "MethodNotAllowed")


async def test_an_unexpected_exception_is_an_internal_error(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr(server.api.store, "all_at", broken)
    response = await server.request("GET", "/api/v1/pods")
    assert (response.code, response.body["reason"]) == (500, "InternalError")
    assert "a wheel came off" in caplog.text


async def test_the_server_speaks_only_tls(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"http://127.0.0.1:{server.port}/version")


async def test_the_server_ends_its_watches(tmp_path: Path) -> None:
    async with asyncio.timeout(10):
        async with running_server(tmp_path) as server:
            session = server.session()
            response = await session.get("/api/v1/pods?watch=true")
        assert await response.content.read() == b""
        await session.close()


GATE = TokenAuthenticator("secret", 6443)
OURS = {"Host": "127.0.0.1:6443", "Authorization": "Bearer secret"}


def code_of(path: str = "/api", **headers: str | None) -> int:
    merged = {**OURS, **headers}
    try:
        GATE.check(path, {name: value for name, value in merged.items() if value is not None})
    except StatusError as refused:
        return refused.code
    return 200


@pytest.mark.parametrize("host", ["127.0.0.1:6443", "localhost:6443"])
def test_the_token_is_accepted(host: str) -> None:
    assert code_of(Host=host) == 200


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic secret", "secret"]
)
def test_other_tokens_are_refused(authorization: str | None) -> None:
    assert code_of(Authorization=authorization) == 401


@pytest.mark.parametrize(
    "host",
    [None, "", "127.0.0.1", "127.0.0.1:80", "evil.example:6443", "127.0.0.1.evil.example:6443"],
)
def test_another_host_name_is_refused(host: str | None) -> None:
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
def test_another_origin_is_refused(origin: str, code: int) -> None:
    assert code_of(Origin=origin) == code


@pytest.mark.parametrize("path", sorted(PUBLIC_PATHS))
def test_health_needs_no_token(path: str) -> None:
    assert code_of(path, Authorization=None) == 200


def test_health_is_refused_to_another_origin() -> None:
    assert code_of("/healthz", Authorization=None, Host="evil.example:6443") == 403


@pytest.mark.parametrize("token", [b"\xff", "\u00e9".encode(), b"", b"\xed\xb2\x80"])
async def test_a_token_of_any_bytes_is_refused(server: Server, token: bytes) -> None:
    answer = await exchange(server, b"GET /api/v1/pods HTTP/1.1", b"Authorization: Bearer " + token)
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("field", ["Host", "Origin"])
async def test_a_name_of_any_bytes_is_refused_in_utf_8(server: Server, field: str) -> None:
    answer = await exchange(server, b"GET /api/v1/pods HTTP/1.1", f"{field}: ".encode() + b"\xff")
    assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 "))
    answer.decode()


async def test_a_compressed_body_is_refused(server: Server) -> None:
    response = await server.request(
        "POST",
        "/api/v1/namespaces/default/configmaps",
        gzip.compress(b" " * 1_000_000),
        **{"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert (response.code, response.body["reason"]) == (415, "UnsupportedMediaType")


async def test_the_body_of_a_request_without_the_token_is_not_asked_for(server: Server) -> None:
    answer = await exchange(
        server,
        b"POST /api/v1/namespaces/default/configmaps HTTP/1.1",
        b"Expect: 100-continue\r\nContent-Length: 1000000",
    )
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_the_body_of_a_request_with_the_token_is_asked_for(server: Server) -> None:
    document = b'{"metadata": {"name": "colours"}}'
    answer = await exchange(
        server,
        b"POST /api/v1/namespaces/default/configmaps HTTP/1.1",
        f"Authorization: Bearer {server.access.token}\r\nConnection: close\r\n".encode()
        + b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
        + b"Content-Length: %d" % len(document),
        document,
    )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 ")


async def test_a_connection_ends_with_a_refusal(server: Server) -> None:
    assert b"\r\nConnection: close\r\n" in await exchange(server, b"GET /api/v1/pods HTTP/1.1")


async def test_idle_connections_of_others_do_not_keep_the_owner_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canarylab.playground.apiserver.server.MOST_UNAUTHENTICATED", 4)
    async with running_server(tmp_path) as server, server.session() as session:
        async with session.get("/api/v1/pods") as response:
            assert response.status == 200
        idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(20)]
        handshaken = [
            await asyncio.open_connection("127.0.0.1", server.port, ssl=server.tls)
            for _ in range(20)
        ]
        assert await server.get("/api/v1/pods")
        async with session.get("/api/v1/pods") as response:
            assert response.status == 200
        for _, writer in (*idle, *handshaken):
            writer.transport.abort()


async def test_a_request_that_cannot_be_parsed_is_not_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.session() as session, session.get(f"/version?{'x' * 10_000}") as response:
        assert response.status == 400
    assert caplog.text == ""
