"""Do probes find what they should, and say it in the kubelet's words?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from canarylab.playground.kube.api import Object
from canarylab.playground.node.checks import WELL, Finding, Target, check
from canarylab.ports import unused

IP = "127.0.0.1"


async def nothing_runs(_: list[str]) -> tuple[int, str]:
    return 0, ""


def target(run: Callable[[list[str]], Awaitable[tuple[int, str]]] = nothing_runs) -> Target:
    return Target(IP, {"ports": [{"name": "http", "containerPort": 3333}]}, run)


@asynccontextmanager
async def server(answer: bytes | None, requests: list[bytes] | None = None) -> AsyncIterator[int]:
    """Answers every request so, or keeps silent; its port."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        request = await reader.read(1_000)
        if requests is not None:
            requests.append(request)
        if answer is not None:
            writer.write(answer)
            writer.close()

    async with await asyncio.start_server(serve, IP, 0) as listening:
        yield listening.sockets[0].getsockname()[1]
        for writer in writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


async def http(port: int | str, timeout_s: float = 5.0, **action: object) -> Finding:
    return await check({"httpGet": {"port": port, **action}}, target(), timeout_s=timeout_s)


@pytest.mark.parametrize("status", [200, 204, 301, 302, 399])
async def test_two_and_three_hundreds_are_well(status: int) -> None:
    async with server(b"HTTP/1.1 %d X\r\n\r\n" % status) as port:
        assert await http(port) == WELL


@pytest.mark.parametrize("status", [199, 400, 404, 500, 503])
async def test_other_answers_are_not(status: int) -> None:
    async with server(b"HTTP/1.1 %d X\r\n\r\n" % status) as port:
        assert await http(port) == Finding(False, f"HTTP probe failed with statuscode: {status}")


async def test_nobody_listens() -> None:
    port = unused()
    assert (await http(port, path="/healthz")).message == (
        f'Get "http://{IP}:{port}/healthz": dial tcp {IP}:{port}: connect: connection refused'
    )


async def test_the_answer_takes_too_long() -> None:
    async with server(None) as port:
        found = await http(port, timeout_s=0.05)
    assert found.message == (
        f'Get "http://{IP}:{port}/": '
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    )


@pytest.mark.parametrize("answer", [b"", b"\n", b"not http at all\n", b"x" * 70_000])
async def test_what_is_not_http_is_an_end_of_file(answer: bytes) -> None:
    async with server(answer) as port:
        assert await http(port) == Finding(False, f'Get "http://{IP}:{port}/": EOF')


async def test_the_request_says_who_asks_and_carries_the_headers() -> None:
    requests: list[bytes] = []
    async with server(b"HTTP/1.1 200 OK\r\n\r\n", requests) as port:
        await http(port, path="x?y=1", httpHeaders=[{"name": "X-Canary", "value": "always"}])
    lines = requests[0].decode().splitlines()
    assert lines[0] == "GET /x?y=1 HTTP/1.1"
    assert {f"Host: {IP}:{port}", "User-Agent: kube-probe/1.36", "X-Canary: always"} <= set(lines)


async def test_a_port_with_a_name_nobody_gave() -> None:
    assert await http("nobody") == Finding(False, "couldn't find port: nobody in container")


async def test_a_listening_socket_is_well() -> None:
    async with server(b"") as port:
        assert await check({"tcpSocket": {"port": port}}, target(), timeout_s=5) == WELL


async def test_a_socket_nobody_listens_on_is_not() -> None:
    port = unused()
    found = await check({"tcpSocket": {"port": port}}, target(), timeout_s=5)
    assert found.message == f"dial tcp {IP}:{port}: connect: connection refused"


@pytest.mark.parametrize(("code", "found"), [(0, WELL), (1, Finding(False, "no pulse"))])
async def test_a_command_is_well_when_it_ends_with_zero(code: int, found: Finding) -> None:
    async def run(_: list[str]) -> tuple[int, str]:
        return code, "no pulse"

    how: Object = {"exec": {"command": ["pulse"]}}
    assert await check(how, target(run), timeout_s=5) == found


async def test_a_command_that_takes_too_long_is_not_well() -> None:
    async def run(_: list[str]) -> tuple[int, str]:
        await asyncio.Event().wait()
        return 0, ""

    found = await check({"exec": {"command": ["a", "b"]}}, target(run), timeout_s=0.01)
    assert found.message == 'command timed out: "a b" timed out after 0.01s'


async def test_grpc_is_refused_with_a_remedy() -> None:
    found = await check({"grpc": {"port": 1}}, target(), timeout_s=5)
    assert "use httpGet, tcpSocket or exec" in found.message
