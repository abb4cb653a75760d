"""port-forward: kubectl, the Python client, and a small client of the tests' own."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import urllib.request
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from kubernetes import client, config
from kubernetes.stream import portforward

from canarylab.kube_objects import Key
from canarylab.playground.address_range import local_address
from canarylab.playground.apiserver import port_forward
from canarylab.playground.apiserver.port_forward import CHANNELS, SPDY_IN_WEBSOCKET, PodConnection
from canarylab.playground.apiserver.spdy import (
    Data,
    FrameReader,
    FrameWriter,
    Ping,
    Reset,
    ResetStatus,
    data_frame,
    ping_frame,
    reset_frame,
)
from canarylab.playground.kube.api import IMMEDIATELY
from tests.needs import needs
from tests.playground.apiserver.server import KUBECTL, Server, pod, running_server
from tests.waiting import until

PATH = "/api/v1/namespaces/default/pods/web/portforward"
NOBODY = 1  # a port on which nobody listens
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back all that comes, and end after the client has ended."""
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    writer.write(b" and no more")
    writer.close()


async def answer_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    await writer.drain()
    writer.close()


@asynccontextmanager
async def pod_that(server: Server, serve: Serve, *, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A running pod `web` that serves each connection like this; its port."""
    async with await asyncio.start_server(serve, host, 0) as listening:
        created = await server.api.create(pod())
        status = {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}
        await server.api.update_status({**created, "status": status})
        yield listening.sockets[0].getsockname()[1]


@dataclass
class Stream:
    """What came on one stream."""

    came: bytearray = field(default_factory=bytearray)
    has_ended: asyncio.Event = field(default_factory=asyncio.Event)
    was_reset: bool = False


class SpdyClient:
    """A client that opens connections as kubectl does."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self.send = send
        self._reader, self._writer = FrameReader(), FrameWriter()
        self.streams: dict[int, Stream] = {}
        self.pings: list[int] = []

    async def open(self, port: int, *, kind: str, request: int) -> int:
        number = 2 * len(self.streams) + 1
        self.streams[number] = Stream()
        headers = {"streamtype": kind, "port": str(port), "requestid": str(request)}
        await self.send(self._writer.syn_stream(number, headers))
        return number

    async def connect(self, port: int) -> tuple[int, int]:
        """The streams of a connection: data, error."""
        request = len(self.streams)
        error = await self.open(port, kind="error", request=request)
        await self.send(data_frame(error, b"", is_last=True))
        return await self.open(port, kind="data", request=request), error

    def take(self, received: bytes) -> None:
        for frame in self._reader.feed(received):
            match frame:
                case Data(stream, payload, is_last):
                    self.streams[stream].came += payload
                    if is_last:
                        self.streams[stream].has_ended.set()
                case Reset(stream):
                    self.streams[stream].was_reset = True
                    self.streams[stream].has_ended.set()
                case Ping(number):
                    self.pings.append(number)

    async def all_of(self, stream: int) -> bytes:
        """All that came on a stream, after its end."""
        await self.streams[stream].has_ended.wait()
        return bytes(self.streams[stream].came)


@asynccontextmanager
async def websocket(
    server: Server, protocol: str, query: str = ""
) -> AsyncIterator[ClientWebSocketResponse]:
    async with (
        server.session() as session,
        asyncio.timeout(30),
        session.ws_connect(f"{PATH}{query}", protocols=[protocol]) as tunnel,
    ):
        assert tunnel.protocol == protocol
        yield tunnel


@asynccontextmanager
async def spdy(server: Server) -> AsyncIterator[SpdyClient]:
    """The client over a WebSocket, as kubectl from 1.31 on."""
    async with websocket(server, SPDY_IN_WEBSOCKET) as tunnel:
        made = SpdyClient(tunnel.send_bytes)

        async def receive() -> None:
            async for message in tunnel:
                made.take(message.data)
            for stream in made.streams.values():
                stream.has_ended.set()

        receiving = asyncio.create_task(receive())
        yield made
        receiving.cancel()


@asynccontextmanager
async def raw_spdy(server: Server) -> AsyncIterator[SpdyClient]:
    """The client over an upgraded connection, as kubectl before 1.31."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=server.tls)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {server.access.token}\r\nContent-Length: 0\r\n"
        "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        "X-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n"
    )
    writer.write(head.encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"X-Stream-Protocol-Version: portforward.k8s.io" in answer

    async def send(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    async def receive(made: SpdyClient) -> None:
        while received := await reader.read(65_536):
            made.take(received)

    made = SpdyClient(send)
    receiving = asyncio.create_task(receive(made))
    async with asyncio.timeout(30):
        yield made
    receiving.cancel()
    # Without the end of TLS, nor that of TCP: as of a client that is killed before it has read all.
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    writer.transport.abort()


WAYS = pytest.mark.parametrize("connected", [spdy, raw_spdy], ids=["websocket", "upgrade"])


@WAYS
async def test_a_half_closed_connection_still_answers(server: Server, connected: Any) -> None:
    async with pod_that(server, echo) as port, connected(server) as kubectl:
        data, error = await kubectl.connect(port)
        await kubectl.send(data_frame(data, b"hello"))
        await kubectl.send(data_frame(data, b"", is_last=True))

        assert await kubectl.all_of(data) == b"hello and no more"
        assert await kubectl.all_of(error) == b""


@WAYS
async def test_many_connections_are_forwarded_side_by_side(server: Server, connected: Any) -> None:
    async with pod_that(server, echo) as port, connected(server) as kubectl:
        opened = [(await kubectl.connect(port))[0] for _ in range(100)]
        for stream in reversed(opened):
            await kubectl.send(data_frame(stream, b"number %d" % stream, is_last=True))

        for stream in opened:
            assert await kubectl.all_of(stream) == b"number %d and no more" % stream


async def test_a_big_body_arrives_complete(server: Server) -> None:
    piece = os.urandom(32_768)
    async with pod_that(server, echo) as port, spdy(server) as kubectl:
        data, _ = await kubectl.connect(port)
        for _ in range(640):
            await kubectl.send(data_frame(data, piece))
        await kubectl.send(data_frame(data, b"", is_last=True))

        assert await kubectl.all_of(data) == piece * 640 + b" and no more"


async def test_a_program_that_listens_on_localhost_only_is_reached(server: Server) -> None:
    only_local = local_address("127.0.0.1")
    async with pod_that(server, echo, host=only_local) as port, spdy(server) as kubectl:
        data, _ = await kubectl.connect(port)
        await kubectl.send(data_frame(data, b"hello", is_last=True))

        assert await kubectl.all_of(data) == b"hello and no more"


async def test_a_port_on_which_nobody_listens_is_an_error(server: Server) -> None:
    async with pod_that(server, echo), spdy(server) as kubectl:
        data, error = await kubectl.connect(NOBODY)
        said = (await kubectl.all_of(error)).decode()

        assert said.startswith(f"error forwarding port {NOBODY} to pod web, uid ")
        assert said.endswith(f"dial tcp4 127.0.0.1:{NOBODY}: connect: connection refused")
        assert await kubectl.all_of(data) == b""


async def test_a_pod_that_ends_on_the_way_is_an_error(server: Server) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    async with pod_that(server, die) as port, spdy(server) as kubectl:
        data, error = await kubectl.connect(port)
        await kubectl.send(data_frame(data, b"hello"))

        assert b"connection reset by peer" in await kubectl.all_of(error)


async def test_another_pod_of_the_same_name_is_not_reached(server: Server) -> None:
    async with pod_that(server, echo) as port, spdy(server) as kubectl:
        await server.api.delete("Pod", Key("default", "web"), IMMEDIATELY)
        await server.api.create(pod())
        _, error = await kubectl.connect(port)

        assert b'pod not found ("web")' in await kubectl.all_of(error)


async def test_a_pod_that_has_finished_is_not_reached(server: Server) -> None:
    async with pod_that(server, echo) as port, spdy(server) as kubectl:
        current = await server.api.get("Pod", Key("default", "web"))
        done = {**current["status"], "phase": "Succeeded"}
        await server.api.update_status({**current, "status": done})
        _, error = await kubectl.connect(port)

        assert b'pod "web" is not running' in await kubectl.all_of(error)


def pod_that_waits() -> tuple[Serve, list[asyncio.Event]]:
    """A pod that sends nothing, and an event for each of its connections: its client has gone."""
    gone: list[asyncio.Event] = []

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = asyncio.Event()
        gone.append(mine)
        await reader.read()
        mine.set()
        writer.close()

    return wait, gone


@WAYS
async def test_a_client_that_goes_away_ends_its_connections_quietly(
    tmp_path: Path, connected: Any, caplog: pytest.LogCaptureFixture
) -> None:
    wait, gone = pod_that_waits()
    with caplog.at_level(logging.WARNING):
        async with running_server(tmp_path) as server, pod_that(server, wait) as port:
            async with connected(server) as kubectl:
                for _ in range(3):
                    await kubectl.connect(port)
                await until(lambda: len(gone) == 3)

            for event in gone:
                await event.wait()
    assert caplog.records == []


async def test_a_stream_that_is_reset_ends_its_connection(server: Server) -> None:
    wait, gone = pod_that_waits()
    async with pod_that(server, wait) as port, spdy(server) as kubectl:
        data, error = await kubectl.connect(port)
        await until(lambda: len(gone) == 1)
        await kubectl.send(reset_frame(data, ResetStatus.PROTOCOL_ERROR))

        assert await kubectl.all_of(error) == b""
        await gone[0].wait()


async def test_connections_over_the_limit_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_forward, "MOST_FORWARDED", 2)
    async with (
        running_server(tmp_path) as server,
        pod_that(server, echo) as port,
        spdy(server) as kubectl,
    ):
        opened = [(await kubectl.connect(port))[0] for _ in range(3)]
        for stream in reversed(opened):
            await kubectl.send(data_frame(stream, b"%d" % stream, is_last=True))

        answers = [await kubectl.all_of(stream) for stream in opened]
        assert answers == [b"%d and no more" % stream for stream in opened]


async def test_streams_over_the_limit_are_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_forward, "MOST_STREAMS", 2)
    wait, _ = pod_that_waits()
    async with pod_that(server, wait) as port, spdy(server) as kubectl:
        await kubectl.connect(port)
        third = await kubectl.open(port, kind="error", request=9)

        await kubectl.all_of(third)
        assert kubectl.streams[third].was_reset


async def test_what_a_pod_does_not_read_is_not_kept() -> None:
    reads = asyncio.Event()
    total = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal total
        await reads.wait()
        while piece := await reader.read(65_536):
            total += len(piece)
        writer.close()

    class Ports:
        forwarded = asyncio.Semaphore(1)

        async def connect(self, port: int) -> Any:
            return await asyncio.open_connection("127.0.0.1", port)

    async def send(_: bytes) -> None: ...

    async with await asyncio.start_server(slow, "127.0.0.1", 0, limit=4_096) as listening:
        connection = PodConnection(listening.sockets[0].getsockname()[1])
        running = asyncio.create_task(connection.run(Ports(), send))  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(0.05, reads.set)
        for _ in range(500):
            await connection.write(bytes(65_536))
            assert _kept(connection) <= 65_536
        connection.end_input()
        await running
    assert total == 500 * 65_536


def _kept(connection: PodConnection) -> int:
    """Bytes that are in the daemon's memory."""
    writer = connection._writer
    return len(connection._waiting) + (writer.transport.get_write_buffer_size() if writer else 0)


async def test_a_ping_is_answered(server: Server) -> None:
    async with pod_that(server, echo), spdy(server) as kubectl:
        await kubectl.send(ping_frame(5))
        await until(lambda: kubectl.pings == [5])


@pytest.mark.parametrize(
    "noise", [b"\xff" * 64, b"\x80\x03\x00\x01\0\0\0\x0c" + bytes(12), b"\0\0\0\x63\x01\0\0\0"]
)
async def test_noise_ends_the_session_quietly(
    server: Server, noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with pod_that(server, echo) as port, spdy(server) as kubectl:
            await kubectl.connect(port)
            await kubectl.send(noise)
            await kubectl.send(b"\xff" * 16)
            await until(lambda: all(each.has_ended.is_set() for each in kubectl.streams.values()))
    assert caplog.records == []


@pytest.mark.parametrize("headers", [{"kind": "stdout"}, {"port": 70_000}, {"port": 0}])
async def test_a_stream_without_a_meaning_is_reset(server: Server, headers: Any) -> None:
    async with pod_that(server, echo), spdy(server) as kubectl:
        stream = await kubectl.open(**{"port": 80, "kind": "data", "request": 1, **headers})
        await kubectl.all_of(stream)
        assert kubectl.streams[stream].was_reset


async def test_channels_begin_with_the_port_and_carry_data(server: Server) -> None:
    async with pod_that(server, echo) as port:
        query = f"?ports={port}&ports={NOBODY}"
        async with websocket(server, CHANNELS, query) as tunnel:
            first = [await tunnel.receive_bytes() for _ in range(4)]
            numbers = [port, port, NOBODY, NOBODY]
            expected = [bytes([i]) + struct.pack("<H", each) for i, each in enumerate(numbers)]
            assert first == expected

            failed = await tunnel.receive_bytes()
            assert failed[0] == 3
            assert failed.endswith(b"connect: connection refused")

            await tunnel.send_bytes(b"\x00hello")
            assert await tunnel.receive_bytes() == b"\x00hello"
            await tunnel.send_str("\x00again")
            assert await tunnel.receive_bytes() == b"\x00again"


async def test_channels_end_when_the_pod_ends_the_connection(server: Server) -> None:
    async with (
        pod_that(server, answer_http) as port,
        websocket(server, CHANNELS, f"?ports={port}") as tunnel,
    ):
        await tunnel.send_bytes(b"\x00GET / HTTP/1.1\r\n\r\n")
        came = [message.data async for message in tunnel if message.type is WSMsgType.BINARY]
    assert came[-1].endswith(b"hello")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", 'query parameter "ports" is required'),
        ("?ports=http", 'invalid ports "http"'),
        ("?ports=80,0", 'invalid ports "80,0"'),
        ("?ports=70000", 'invalid ports "70000"'),
    ],
)
async def test_channels_need_ports(server: Server, query: str, words: str) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": CHANNELS,
    }
    async with pod_that(server, echo):
        response = await server.request("GET", f"{PATH}{query}", **upgrade)
    assert (response.code, response.body["message"]) == (400, words)


async def test_requests_that_cannot_be_forwarded_are_refused(server: Server) -> None:
    lonely = pod()
    del lonely["spec"]["nodeName"]
    await server.api.create(lonely)
    await server.api.create(pod("other"))
    said = [
        (await server.request("POST", PATH.replace("web", name))).body["message"]
        for name in ("web", "other", "nobody")
    ]
    assert said == [
        "pod web does not have a host assigned",
        "Upgrade request required",
        'pods "nobody" not found',
    ]


async def test_the_python_client_forwards_a_port(server: Server) -> None:
    def get(port: int) -> bytes:
        api = client.CoreV1Api(config.new_client_from_config(str(server.kubeconfig)))
        forwarding = portforward(
            api.connect_get_namespaced_pod_portforward, "web", "default", ports=str(port)
        )
        connection, came = forwarding.socket(port), b""
        connection.settimeout(20)
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while piece := connection.recv(4_096):
            came += piece
        forwarding.close()
        forwarding.websocket.shutdown()
        forwarding.local_ports[port].python.close()  # the client leaves its own side open
        api.api_client.close()
        return came

    async with pod_that(server, answer_http) as port:
        assert (await asyncio.to_thread(get, port)).endswith(b"hello")


@asynccontextmanager
async def kubectl_forwarding(server: Server, *arguments: str) -> AsyncIterator[Any]:
    """The real kubectl, and the local port that it has chosen."""
    process = await asyncio.create_subprocess_exec(
        KUBECTL,
        "port-forward",
        *arguments,
        stdout=PIPE,
        stderr=PIPE,
        cwd=server.folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(server.folder),
            "KUBECONFIG": str(server.kubeconfig),
            "KUBECACHEDIR": str(server.folder / "cache"),
        },
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
            yield process, int(line.split(" -> ")[0].rpartition(":")[2])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _get(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as response:
        return bytes(response.read())


@needs("kubectl")
async def test_kubectl_forwards_many_requests(server: Server) -> None:
    async with (
        pod_that(server, answer_http) as port,
        kubectl_forwarding(server, "pod/web", f":{port}") as (_, local),
    ):
        answers = await asyncio.gather(*(asyncio.to_thread(_get, local) for _ in range(40)))
    assert answers == [b"hello"] * 40


@needs("kubectl")
async def test_kubectl_says_that_nobody_listens(server: Server) -> None:
    async with (
        pod_that(server, answer_http),
        kubectl_forwarding(server, "pod/web", f":{NOBODY}") as (process, local),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", local)
        assert await reader.read() == b""
        writer.close()
        said = (await process.stderr.read()).decode()
    assert f"an error occurred forwarding {local} -> {NOBODY}: error forwarding port" in said
    assert "connect: connection refused" in said
    assert said.endswith("error: lost connection to pod\n")
