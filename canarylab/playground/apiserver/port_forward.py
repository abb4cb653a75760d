"""port-forward: TCP connections of a client to ports of one pod, all in one HTTP connection.

kubectl opens two SPDY streams for each connection, one for its data and one for an error; from
version 1.31 on it sends the frames in messages of a WebSocket, and before that on the upgraded
connection itself. The Python client has one connection for each port, whose messages begin with the
number of a channel. In each direction, what one side does not read the other cannot send, as SPDY
is used without windows: a pod that does not read delays the other connections of its client.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, cast

from aiohttp import WSMsgType, web

from canarylab.errors import BadRequestError, NotFoundError
from canarylab.kube_objects import is_finished, parse_integer, uid_of
from canarylab.playground.address_range import local_address
from canarylab.playground.apiserver.requests import RequestContext, dial_error
from canarylab.playground.apiserver.spdy import (
    Data,
    Frame,
    FrameReader,
    FrameWriter,
    Ping,
    Reset,
    ResetStatus,
    SpdyError,
    SynStream,
    data_frame,
    ping_frame,
    reset_frame,
)
from canarylab.playground.connections import most_connections

SPDY_IN_WEBSOCKET, CHANNELS = "SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io"
MOST_FORWARDED = 1_024  # connections to pods, of all clients; further ones wait
MOST_STREAMS = 2_048  # of one client
_CHUNK = 32 * 1024  # bytes
_MOST_WAITING = 64 * 1024  # bytes for a pod whose connection is not established
_MOST_PORTS = 64  # of one client of channels
_CONNECT_TIMEOUT_S = 10.0

Send = Callable[[bytes], Awaitable[None]]


class PortError(Exception):
    """The port cannot be forwarded; the message is in Kubernetes' words."""


async def forward_ports(context: RequestContext) -> web.StreamResponse:
    """GET or POST .../portforward."""
    pod, request = context.current(), context.request
    if not pod["spec"].get("nodeName"):
        raise BadRequestError(f"pod {context.path.name} does not have a host assigned")
    ports = PodPorts(context, uid_of(pod), request.app[FORWARDED])
    if request.headers.get("Upgrade", "").upper() == "SPDY/3.1":
        raw = RawConnection(request)
        await SpdyForwarding(raw, ports).run()
        return raw.close()
    socket = web.WebSocketResponse(protocols=(SPDY_IN_WEBSOCKET, CHANNELS), compress=False)
    offered = socket.can_prepare(request)
    if not offered:
        raise BadRequestError("Upgrade request required")
    if offered.protocol == SPDY_IN_WEBSOCKET:
        await socket.prepare(request)
        await SpdyForwarding(WebSocketConnection(socket), ports).run()
    else:
        numbers = _port_numbers(request.query.getall("ports", []))
        await socket.prepare(request)
        await ChannelForwarding(WebSocketConnection(socket), ports, numbers).run()
    await socket.close()
    return socket


def _port_numbers(written: list[str]) -> list[int]:
    words = [word for part in written for word in part.split(",") if word]
    if not words:
        raise BadRequestError('query parameter "ports" is required')
    numbers = [parse_integer(word) or 0 for word in words]
    if not all(0 < number < 65_536 for number in numbers) or len(numbers) > _MOST_PORTS:
        raise BadRequestError(f'invalid ports "{",".join(words)}"')
    return numbers


class Tunnel(Protocol):
    """The connection to the client. `send` waits while the client does not read."""

    async def send(self, data: bytes) -> None:
        """Raise ConnectionError if the client has disconnected."""
        ...

    def received(self) -> AsyncIterator[bytes]:
        """Yield what the client sends, until it disconnects."""
        ...


class WebSocketConnection:
    """The messages of a WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def send(self, data: bytes) -> None:
        """Send one message."""
        await self._socket.send_bytes(data)

    async def received(self) -> AsyncIterator[bytes]:
        """Yield the messages."""
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                yield message.data
            elif message.type is WSMsgType.TEXT:
                yield message.data.encode()


class RawConnection:
    """The bytes of a connection that is upgraded to SPDY, which kubectl used before 1.31."""

    def __init__(self, request: web.Request) -> None:
        transport, http = request.transport, request.protocol
        if transport is None:
            raise ConnectionResetError("the client has disconnected")
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=2 * _CHUNK)
        protocol = _UpgradedProtocol(reader, http)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self._reader = reader
        self._writer = asyncio.StreamWriter(
            cast("asyncio.WriteTransport", transport), protocol, reader, loop
        )
        self._writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            b"X-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n"
        )

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        if self._writer.is_closing():
            raise ConnectionResetError("the client has disconnected")
        self._writer.write(data)
        await self._writer.drain()

    async def received(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they come."""
        with suppress(ConnectionError):
            while received := await self._reader.read(_CHUNK):
                yield received

    def close(self) -> web.StreamResponse:
        """End the connection; return a response of which nothing is sent."""
        self._writer.close()
        return _NothingToSend()


class _UpgradedProtocol(asyncio.StreamReaderProtocol):
    """Tells the HTTP server when the connection ends."""

    def __init__(self, reader: asyncio.StreamReader, http: asyncio.Protocol) -> None:
        super().__init__(reader)
        self._http = http

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._http.connection_lost(exc)


class _NothingToSend(web.StreamResponse):
    async def prepare(self, request: web.BaseRequest) -> None:
        self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        pass


@dataclass(frozen=True)
class PodPorts:
    """The ports of one pod. Another pod that takes its name or its address is not reached."""

    context: RequestContext
    uid: str
    forwarded: asyncio.Semaphore

    async def connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a port of the pod; raise PortError if that fails.

        As in Kubernetes, a program that listens on localhost only is reached too.
        """
        address = self._address()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                try:
                    return await asyncio.open_connection(address, port, limit=_CHUNK)
                except ConnectionRefusedError:
                    local = local_address(address)
                    return await asyncio.open_connection(local, port, limit=_CHUNK)
        except OSError as error:
            raise PortError(dial_error(address, port, error)) from error

    def error(self, port: int, error: PortError) -> bytes:
        """What is sent to the client."""
        name = self.context.path.name
        words = f"error forwarding port {port} to pod {name}, uid {self.uid}: {error}"
        return words.encode()

    def _address(self) -> str:
        name = self.context.path.name
        try:
            pod = self.context.current()
        except NotFoundError:
            raise PortError(f'pod not found ("{name}")') from None
        if uid_of(pod) != self.uid:
            raise PortError(f'pod not found ("{name}")')
        status = pod.get("status", {})
        if not status.get("podIP") or is_finished(pod):
            raise PortError(f'pod "{name}" is not running; its phase is {status.get("phase")}')
        return str(status["podIP"])


class PodConnection:
    """One connection to a port of the pod."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._writer: asyncio.StreamWriter | None = None
        self._is_connected = asyncio.Event()
        self._waiting = bytearray()
        self._has_input_ended = False

    async def run(self, ports: PodPorts, send: Send) -> None:
        """Send the client what the pod sends, until the pod ends the connection.

        Raise PortError if the connection fails, ConnectionError if the client has disconnected.
        """
        try:
            async with ports.forwarded:
                reader, self._writer = await ports.connect(self.port)
                self._start_input(self._writer)
                while chunk := await self._read(reader):
                    await send(chunk)
        finally:
            self._is_connected.set()
            self._has_input_ended = True
            if self._writer is not None:
                self._writer.transport.abort()

    async def write(self, piece: bytes) -> None:
        """Send the pod what the client sends; wait while the pod does not read."""
        if self._writer is None:
            self._waiting += piece
            if len(self._waiting) > _MOST_WAITING:
                await self._is_connected.wait()
        elif not self._has_input_ended:
            self._writer.write(piece)
            with suppress(ConnectionError):  # `_read` has it as well
                await self._writer.drain()

    def end_input(self) -> None:
        """Tell the pod that the client sends no more; the pod may still send."""
        if self._writer is not None and not self._has_input_ended:
            with suppress(OSError):
                self._writer.write_eof()
        self._has_input_ended = True

    def _start_input(self, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(self._waiting))
        self._waiting.clear()
        if self._has_input_ended:
            writer.write_eof()
        self._is_connected.set()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.read(_CHUNK)
        except OSError as error:
            words = os.strerror(error.errno or 0).lower()
            raise PortError(f"read from port {self.port}: {words}") from error


@dataclass
class _Request:
    """The two streams of one connection, as far as the client has opened them."""

    port: int
    streams: dict[str, int] = field(default_factory=dict)
    connection: PodConnection | None = None
    task: asyncio.Task[None] | None = None


class SpdyForwarding:
    """All connections of one kubectl."""

    def __init__(self, tunnel: Tunnel, ports: PodPorts) -> None:
        self._tunnel, self._ports = tunnel, ports
        self._reader, self._writer = FrameReader(), FrameWriter()
        self._requests: dict[str, _Request] = {}
        self._streams: dict[int, _Request] = {}

    async def run(self) -> None:
        """Forward until the client disconnects; then close all connections to the pod."""
        async with asyncio.TaskGroup() as tasks:
            with suppress(SpdyError, ConnectionError):
                async for received in self._tunnel.received():
                    for frame in self._reader.feed(received):
                        await self._handle(frame, tasks)
            for request in self._requests.values():
                if request.task is not None:
                    request.task.cancel()

    async def _handle(self, frame: Frame, tasks: asyncio.TaskGroup) -> None:
        match frame:
            case SynStream():
                await self._open(frame, tasks)
            case Data(stream, payload, is_last):
                await self._take_data(stream, payload, is_last=is_last)
            case Reset(stream):
                request = self._streams.get(stream)
                if request is not None and stream == request.streams.get("data") and request.task:
                    request.task.cancel()
            case Ping(number):
                await self._tunnel.send(ping_frame(number))

    async def _open(self, frame: SynStream, tasks: asyncio.TaskGroup) -> None:
        kind, port = frame.headers.get("streamtype"), parse_integer(frame.headers.get("port", ""))
        number = frame.headers.get("requestid", "")
        if kind not in {"error", "data"} or port is None or not 0 < port < 65_536:
            await self._tunnel.send(reset_frame(frame.stream, ResetStatus.PROTOCOL_ERROR))
            return
        request = self._requests.get(number) or _Request(port)
        is_repeated = frame.stream in self._streams or kind in request.streams
        if is_repeated or len(self._streams) >= MOST_STREAMS:
            await self._tunnel.send(reset_frame(frame.stream, ResetStatus.REFUSED_STREAM))
            return
        request.streams[kind] = frame.stream
        self._requests[number] = self._streams[frame.stream] = request
        await self._tunnel.send(self._writer.syn_reply(frame.stream))
        if len(request.streams) == 2 and request.task is None:
            request.connection = PodConnection(request.port)
            request.task = tasks.create_task(self._forward(number, request, request.connection))

    async def _take_data(self, stream: int, payload: bytes, *, is_last: bool) -> None:
        request = self._streams.get(stream)
        if request is None or request.connection is None or stream != request.streams["data"]:
            return  # of a connection that has ended, or of an error that clients do not send
        if payload:
            await request.connection.write(payload)
        if is_last:
            request.connection.end_input()

    async def _forward(self, number: str, request: _Request, connection: PodConnection) -> None:
        data, error = request.streams["data"], request.streams["error"]
        failed = b""
        try:
            await connection.run(
                self._ports, lambda chunk: self._tunnel.send(data_frame(data, chunk))
            )
        except PortError as problem:
            failed = self._ports.error(request.port, problem)
        except ConnectionError:
            return  # the client has disconnected
        finally:
            del self._requests[number], self._streams[data], self._streams[error]
            ends = data_frame(error, failed, is_last=True) + data_frame(data, b"", is_last=True)
            with suppress(ConnectionError):
                await self._tunnel.send(ends)


class ChannelForwarding:
    """One connection for each port that the query names; channel 2i has its data, 2i + 1 errors."""

    def __init__(self, tunnel: Tunnel, ports: PodPorts, numbers: list[int]) -> None:
        self._tunnel, self._ports = tunnel, ports
        self._connections = [PodConnection(number) for number in numbers]

    async def run(self) -> None:
        """Forward until the client disconnects, or all connections have ended."""
        for index, connection in enumerate(self._connections):
            for channel in (2 * index, 2 * index + 1):
                await self._tunnel.send(bytes([channel]) + struct.pack("<H", connection.port))
        async with asyncio.TaskGroup() as tasks:
            forwarding = tasks.create_task(self._forward_all())
            receiving = tasks.create_task(self._receive())
            await asyncio.wait([forwarding, receiving], return_when=asyncio.FIRST_COMPLETED)
            forwarding.cancel()
            receiving.cancel()

    async def _forward_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for index, connection in enumerate(self._connections):
                tasks.create_task(self._forward(2 * index, connection))

    async def _forward(self, channel: int, connection: PodConnection) -> None:
        with suppress(ConnectionError):
            try:
                await connection.run(
                    self._ports, lambda chunk: self._tunnel.send(bytes([channel]) + chunk)
                )
            except PortError as problem:
                failed = self._ports.error(connection.port, problem)
                await self._tunnel.send(bytes([channel + 1]) + failed)

    async def _receive(self) -> None:
        async for message in self._tunnel.received():
            index, is_error = divmod(message[0], 2) if message else (0, 1)
            if not is_error and index < len(self._connections):
                await self._connections[index].write(message[1:])


FORWARDED = web.AppKey("forwarded", asyncio.Semaphore)


def forwarded_limit() -> asyncio.Semaphore:
    """The limit of all connections to pods."""
    return asyncio.Semaphore(most_connections(MOST_FORWARDED))
