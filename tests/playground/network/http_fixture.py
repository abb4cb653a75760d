"""The HTTP half of the ingress in a test: real sockets, pods of a few lines, a decision by hand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from canarylab.kube_objects import Address
from canarylab.playground.network.forwarding import Limits
from canarylab.playground.network.ingress_server import ReverseProxy
from canarylab.playground.network.proxy_request import Decide, DirectResponse, Forward

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GET = b"GET / HTTP/1.1\r\nHost: foo.bar.com\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: foo.bar.com\r\nConnection: close\r\n\r\n"


@dataclass
class PodWorld:
    """A pod of a few lines, and what it was asked."""

    address: Address
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    is_left: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Received:
    """An answer, as a client reads it."""

    status: int
    fields: dict[str, str]
    body: bytes


def ok(body: bytes = b"fine", *fields: str) -> bytes:
    """An answer of a pod."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


FINE = ok()


@asynccontextmanager
async def pod(
    answer: bytes | Callable[[int], bytes] = FINE, *, ends: bool = False
) -> AsyncIterator[PodWorld]:
    """Reads requests, and answers each with the same bytes, or with those for its number."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.connections += 1
        while head := await read_head(reader):
            here.heads.append(head)
            here.bodies.append(await read_body(reader, head))
            writer.write(answer if isinstance(answer, bytes) else answer(len(here.heads)))
            if ends:
                break
        writer.close()
        here.is_left.set()

    async with listening(handle) as address:
        here = PodWorld(address)
        yield here


@asynccontextmanager
async def listening(handle: Handle) -> AsyncIterator[Address]:
    """Somewhere on this machine; who still waits there at the end is not waited for."""
    tasks: set[asyncio.Task[object]] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
            writer.close()  # what is written still arrives
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # the other side went, or the test is over
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(kept, "127.0.0.1", 0)
    try:
        yield Address(*server.sockets[0].getsockname()[:2])
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@asynccontextmanager
async def serving(decide: Decide, limits: Limits | None = None) -> AsyncIterator[int]:
    """An ingress that decides so; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    proxy = ReverseProxy(decide, limits=limits, random=Random(1))
    task = asyncio.create_task(proxy.run([listener]))
    try:
        yield port
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def to_pods(
    *pods: Address, limits: Limits | None = None, body_limit: int = 0
) -> AsyncIterator[int]:
    """An ingress that sends everything to these."""
    async with serving(lambda head: Forward("web", pods, head, body_limit), limits) as port:
        yield port


@asynccontextmanager
async def to_pod(
    answer: bytes | Callable[[int], bytes] = FINE,
    *,
    ends: bool = False,
    limits: Limits | None = None,
) -> AsyncIterator[tuple[int, PodWorld]]:
    """An ingress before one pod."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(pod(answer, ends=ends))
        port = await stack.enter_async_context(to_pods(here.address, limits=limits))
        yield port, here


@asynccontextmanager
async def connected(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def ask(port: int, request: bytes = CLOSE) -> bytes:
    """Everything that comes back on a new connection, up to its end."""
    async with connected(port) as (reader, writer):
        writer.write(request)
        return await reader.read()


async def received(reader: asyncio.StreamReader, *, bodiless: bool = False) -> Received:
    """The next answer."""
    head = await read_head(reader)
    status = int(head.split()[1])
    return Received(status, fields_of(head), b"" if bodiless else await read_body(reader, head))


def status_of(answer: bytes) -> int:
    """0 when there is no answer."""
    return int(answer.split()[1]) if answer else 0


def fields_of(head: str) -> dict[str, str]:
    """By names in lower case."""
    lines = [line.partition(": ") for line in head.split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines if name}


async def read_head(reader: asyncio.StreamReader) -> str:
    """Nothing where there is none any more."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n")
    except asyncio.IncompleteReadError:
        return ""


async def read_body(reader: asyncio.StreamReader, head: str) -> bytes:
    """What comes after a head, chunked or not."""
    fields = fields_of(head)
    if fields.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(fields.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def answers(status: int) -> Decide:
    """A decision against everything."""
    return lambda _: DirectResponse(status)
