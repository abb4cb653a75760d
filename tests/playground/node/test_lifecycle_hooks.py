"""Tests of lifecycle hooks alone; those of containers with hooks are in `test_container.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.node.lifecycle_hooks import run_hook
from canarylab.playground.node.probes import ProbeTarget


async def no_command(argv: list[str]) -> tuple[int, str]:
    raise NotImplementedError


async def run(action: Object) -> str:
    container = {"name": "web", "lifecycle": {"preStop": action}}
    return await run_hook(
        "preStop", ProbeTarget("127.0.0.1", container, no_command), "web-1_lab(a)"
    )


@asynccontextmanager
async def answering(status: int) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that gives this status to all; its port, and the requests that came."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], requests


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_any_answer_to_a_request_will_do(status: int) -> None:
    async with answering(status) as (port, requests):
        assert await run({"httpGet": {"path": "/stop", "port": port}}) == ""
    assert requests[0].startswith(b"GET /stop HTTP/1.1\r\n")
    assert b"User-Agent: kube-lifecycle/1.36\r\n" in requests[0]


async def test_a_request_without_an_answer_fails() -> None:
    async with answering(200) as (port, _):
        pass
    address = f"127.0.0.1:{port}"
    assert await run({"httpGet": {"path": "/stop", "port": port}}) == (
        'HTTP lifecycle hook (/stop) for Container "web" in Pod "web-1_lab(a)" failed - error: '
        f'Get "http://{address}/stop": dial tcp {address}: connect: connection refused'
    )
