"""The HTTP server of the ingress: a reverse proxy by the rules of HTTPRoutes, else of Ingresses.

aiohttp parses and writes HTTP; `forwarding.py` sends requests to pods. Bodies are streamed in both
directions, and a slow reader slows its writer down.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from random import Random

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpVersion11, StreamWriter
from multidict import CIMultiDict

from canarylab.http_headers import HOP_BY_HOP, without_fields
from canarylab.playground.connections import HttpConnections, http_logger, most_connections
from canarylab.playground.kube.api import Api
from canarylab.playground.network.forwarding import (
    Limits,
    RequestBody,
    UpstreamClient,
    UpstreamResponse,
)
from canarylab.playground.network.gateway_controller import GatewayController
from canarylab.playground.network.ingress_controller import IngressController
from canarylab.playground.network.proxy_request import (
    Decide,
    DirectResponse,
    Forward,
    RequestHead,
    read_head,
    sendable,
)

_SERVER = "canarylab ingress"
MOST_CONNECTIONS = 2_048
_SHUTDOWN_S = 1.0
_TUNNEL_BYTES = 65_536  # held in each direction
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NGINX_PHRASES = {
    408: "Request Time-out",
    413: "Request Entity Too Large",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_PAGE = (
    "<html>\r\n<head><title>{status} {phrase}</title></head>\r\n<body>\r\n"
    "<center><h1>{status} {phrase}</h1></center>\r\n<hr><center>{server}</center>\r\n"
    "</body>\r\n</html>\r\n"
)


class IngressServer:
    """The HTTP server, and the controllers that build its rules."""

    def __init__(
        self,
        api: Api,
        listeners: Sequence[socket.socket],
        *,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        random = random or Random()
        host, self.port = listeners[0].getsockname()[:2]
        self.ingress = IngressController(api, (host, self.port), random=random, sleep=sleep)
        self.gateway = GatewayController(api, host, random=random, sleep=sleep)
        self._proxy = ReverseProxy(self.decide, random=random)
        self._listeners = listeners

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._proxy.run(self._listeners))
            tasks.create_task(self.ingress.run())
            tasks.create_task(self.gateway.run())

    def decide(self, head: RequestHead) -> DirectResponse | Forward:
        """Decide about a request: a matching HTTPRoute has precedence over an Ingress."""
        return self.gateway.decide(head) or self.ingress.decide(head)


class ReverseProxy:
    """Forwards requests, or responds directly, as `decide` returns."""

    def __init__(
        self, decide: Decide, *, limits: Limits | None = None, random: Random | None = None
    ) -> None:
        self._decide = decide
        self._limits = limits or Limits()
        self._upstream = UpstreamClient(self._limits, random or Random())
        self._in_use: set[asyncio.BaseProtocol] = set()

    async def run(self, listeners: Sequence[socket.socket]) -> None:
        """Serve until cancelled; then close every connection."""
        server = web.Server(
            self._handle,
            handler_cancellation=True,
            access_log=None,
            logger=http_logger(__name__),
            auto_decompress=False,
            keepalive_timeout=self._limits.keep_alive_s,
            lingering_time=self._limits.linger_s,
        )
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)
        most = self._limits.connections or most_connections(MOST_CONNECTIONS)
        connections = HttpConnections(server, self._in_use, most=most)
        async with self._upstream:
            await runner.setup()
            acceptors = [connections.accept(listener) for listener in listeners]
            try:
                await asyncio.Event().wait()
            finally:
                for acceptor in acceptors:
                    acceptor.close()
                for connection in server.connections:
                    if connection.transport is not None:
                        connection.transport.abort()
                await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._in_use.add(request.protocol)
        try:
            return await self._respond(request)
        finally:
            self._in_use.discard(request.protocol)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        head = read_head(request)
        if isinstance(head, DirectResponse):
            return await _respond_directly(request, head, close=True)
        decision = self._decide(head)
        if isinstance(decision, DirectResponse):
            return await _respond_directly(request, decision)
        if decision.body_limit and (head.length or 0) > decision.body_limit:
            return await _respond_directly(request, DirectResponse(413))
        if head.by_name.get("expect", "").lower() == "100-continue":
            await _continue(request)
        return await self._forward(request, decision)

    async def _forward(self, request: web.BaseRequest, forward: Forward) -> web.StreamResponse:
        body = RequestBody(request, forward.body_limit, self._limits)
        source = self._upstream.source(request)
        try:
            self._upstream.mirror(forward.mirrors, body, source)
            found = await self._upstream.send(forward, body, source)
            if isinstance(found, DirectResponse):
                return await _respond_directly(request, found)
            async with found.response:
                return await self._pass_on(request, forward, found)
        finally:
            body.close()

    async def _pass_on(
        self, request: web.BaseRequest, forward: Forward, found: UpstreamResponse
    ) -> web.StreamResponse:
        if found.response.status != HTTPStatus.SWITCHING_PROTOCOLS:
            return await self._stream(request, found)
        if forward.head.is_upgrade:
            return await self._tunnel(request, found)
        return await _respond_directly(request, DirectResponse(502))

    async def _stream(
        self, request: web.BaseRequest, found: UpstreamResponse
    ) -> web.StreamResponse:
        response, passed_on = found.response, _PassedOnResponse(found, HOP_BY_HOP)
        content = response.content
        try:
            async with (
                asyncio.timeout_at(found.deadline),
                asyncio.timeout(None) as client_timeout,
            ):
                await _start(request, passed_on)
                if not content.total_bytes and not content.is_eof():
                    request.writer.send_headers()
                async for piece in content.iter_any():
                    client_timeout.reschedule(_now() + self._limits.read_timeout_s)
                    await passed_on.write(piece)
                    client_timeout.reschedule(None)
        except TimeoutError:
            _close_incomplete(request, at_once=True)
        except (aiohttp.ClientError, HttpProcessingError):
            response.close()
            _close_incomplete(request, at_once=False)
        else:
            if not request.content.at_eof():
                response.close()  # the pod does not need the rest of the request
            await _finish(request, passed_on)
        return passed_on

    async def _tunnel(
        self, request: web.BaseRequest, found: UpstreamResponse
    ) -> web.StreamResponse:
        """After a switch to WebSocket, copy bytes both ways until one side ends."""
        response = found.response
        passed_on = _PassedOnResponse(found, HOP_BY_HOP - {"upgrade"})
        passed_on.headers["Connection"] = "upgrade"
        passed_on.force_close()
        await passed_on.prepare(request)
        request.writer.send_headers()
        connection = response.connection
        if connection is None or connection.protocol is None:
            return passed_on
        protocol = connection.protocol
        protocol.read_timeout = None
        from_pod, from_client = _RawStream(protocol), _RawStream(request.protocol)
        protocol.set_parser(from_pod, from_pod.content)
        request.protocol.set_parser(from_client)  # type: ignore[arg-type]
        to_pod = StreamWriter(protocol, asyncio.get_running_loop())
        idle = _IdleTimeout(self._limits.read_timeout_s)
        copies = [
            asyncio.create_task(idle.copy(from_pod.content, request.writer)),
            asyncio.create_task(idle.copy(from_client.content, to_pod)),
        ]
        try:
            await idle.wait_for_first(copies)
        finally:
            for copy in copies:
                copy.cancel()
            await asyncio.gather(*copies, return_exceptions=True)
            response.close()
            _close_incomplete(request, at_once=False)
        return passed_on


class _PassedOnResponse(web.StreamResponse):
    """A response with the header fields of another one, and none that aiohttp adds."""

    _send_headers_immediately = False  # but with the first piece of the body, in one packet

    def __init__(self, found: UpstreamResponse, dropped: frozenset[str]) -> None:
        response = found.response
        headers = CIMultiDict(
            (name, sendable(value))
            for name, value in without_fields(response.headers, dropped).items()
        )
        if found.set_cookie is not None:
            headers.add("Set-Cookie", found.set_cookie)
        super().__init__(status=response.status, reason=response.reason, headers=headers)
        self._added = {"Content-Type", "Date", "Server"} - headers.keys()

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        for name in self._added:
            self.headers.pop(name, None)


class _RawStream:
    """Replaces aiohttp's WebSocket parser, and only collects the bytes."""

    def __init__(self, protocol: BaseProtocol) -> None:
        loop = asyncio.get_running_loop()
        self.content = aiohttp.StreamReader(protocol, _TUNNEL_BYTES, loop=loop)

    def feed_data(self, piece: bytes) -> tuple[bool, bytes]:
        """Take bytes from the connection."""
        self.content.feed_data(piece)
        return False, b""

    def feed_eof(self) -> None:
        """The connection has ended."""
        self.content.feed_eof()


class _IdleTimeout:
    """Ends a tunnel in which nothing is sent in either direction."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._timeout = asyncio.timeout(timeout_s)

    async def copy(self, source: aiohttp.StreamReader, sink: AbstractStreamWriter) -> None:
        """Copy until the source ends."""
        async for piece in source.iter_any():
            self._timeout.reschedule(_now() + self._timeout_s)
            await sink.write(piece)

    async def wait_for_first(self, copies: Sequence[asyncio.Task[None]]) -> None:
        """Wait until one of the copies ends, or nothing is sent."""
        try:
            async with self._timeout:
                await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            return


async def _respond_directly(
    request: web.BaseRequest, direct: DirectResponse, *, close: bool = False
) -> web.StreamResponse:
    phrase = _NGINX_PHRASES.get(direct.status) or HTTPStatus(direct.status).phrase
    body, kind = direct.body, "text/plain; charset=utf-8"
    if body is None:
        body, kind = (
            _PAGE.format(status=direct.status, phrase=phrase, server=_SERVER).encode(),
            "text/html",
        )
    headers = {"Content-Type": kind, "Server": _SERVER, **dict(direct.headers)}
    response = web.Response(status=direct.status, reason=phrase, headers=headers, body=body)
    if close:
        response.force_close()
    await _start(request, response)
    await _finish(request, response)
    return response


async def _start(request: web.BaseRequest, response: web.StreamResponse) -> None:
    if not request.content.at_eof():
        response.force_close()
    await response.prepare(request)


async def _finish(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """End the response, and half-close the connection if the request is not complete.

    aiohttp goes on reading and discarding for `linger_s`: closing at once would reset the
    connection, and the client could lose the response.
    """
    await response.write_eof()
    transport = request.transport
    if not request.content.at_eof() and transport is not None and transport.can_write_eof():
        transport.write_eof()


async def _continue(request: web.BaseRequest) -> None:
    if request.version >= HttpVersion11 and not request.content.at_eof():
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0  # the response has not started


def _close_incomplete(request: web.BaseRequest, *, at_once: bool) -> None:
    """Close without the end of the body, so that the client detects that it is incomplete."""
    if request.transport is None:
        return
    if at_once:
        request.transport.abort()
    else:
        request.transport.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
