"""HTTP connections of the sampler: resolve a host, connect, send a request, classify a failure.

The sampler opens a new connection for each request, so opening one must be cheap. Plain HTTP uses
the socket itself: asyncio's transports take three times as long to set up, which would measure the
client instead of the server. TLS uses asyncio's streams: its handshake costs more than a transport.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import NamedTuple, Protocol

from httptools import HttpParserError, HttpParserUpgrade

from canarylab.errors import TrafficError
from canarylab.traffic.http import (
    ParsedResponse,
    Request,
    ResponseParser,
    Target,
    VersionSource,
)

SocketAddress = tuple[socket.AddressFamily, tuple[str, int]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK = 65_536  # bytes
_IN_PROGRESS = (errno.EINPROGRESS, errno.EAGAIN, errno.ENOTCONN)  # the last one is macOS

REFUSED, UNREACHABLE, NO_CONNECTION = "refused", "unreachable", "no connection"
UNKNOWN_HOST, UNTRUSTED = "unknown host", "untrusted"
RESET, CUT_OFF, TIMEOUT, INVALID_RESPONSE = "reset", "cut off", "timeout", "invalid response"
NO_PORT_LEFT = "no port left"
UNREACHABLE_REASONS = {
    REFUSED: "the connection was refused",
    UNREACHABLE: "there is no route to that address",
    NO_CONNECTION: "no connection was established in time",
    UNKNOWN_HOST: "the host name is unknown",
    UNTRUSTED: "this machine does not trust its certificate, or it does not speak TLS",
}
"""Failures that mean nothing serves the URL, in words."""

_BY_NUMBER = {
    errno.ECONNREFUSED: REFUSED,
    errno.ENETUNREACH: UNREACHABLE,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ETIMEDOUT: NO_CONNECTION,
    errno.EADDRNOTAVAIL: NO_PORT_LEFT,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
}


class ConnectTimeoutError(OSError):
    """The connection was not established in time."""


class TruncatedResponseError(ConnectionError):
    """The connection ended before the response was complete."""


class StaleConnectionError(ConnectionError):
    """The server had closed a kept connection before it sent any part of the response."""


ConnectionFactory = Callable[[], "HttpConnection"]

_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectTimeoutError, NO_CONNECTION),
    (TruncatedResponseError, CUT_OFF),
    (TimeoutError, TIMEOUT),
    (HttpParserError, INVALID_RESPONSE),
    (HttpParserUpgrade, INVALID_RESPONSE),
    (socket.gaierror, UNKNOWN_HOST),
    (ssl.SSLError, UNTRUSTED),
    (ConnectionRefusedError, REFUSED),
    (ConnectionError, RESET),
)
REQUEST_ERRORS = (OSError, HttpParserError, HttpParserUpgrade)
"""What a request may raise; anything else is a bug."""


async def resolve(target: Target, request: Request, timeout: SharedTimeout) -> ConnectionFactory:
    """Look the host up once, and return a function that makes connections to it.

    A connection opens with its first request. If the name has several addresses, as `localhost`
    has, the first that accepts a connection is used for all requests.
    """
    address = await _address(target, timeout.timeout_s)
    if target.scheme == "http":
        return lambda: TcpConnection(address, timeout, request.version_source)
    context = request.tls or ssl.create_default_context()
    name = request.host.partition(":")[0] if request.host else target.host
    tls = Tls(context, name)
    return lambda: TlsConnection(address, tls, timeout, request.version_source)


async def _address(target: Target, timeout_s: float) -> SocketAddress:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise unreachable_error(target.url, UNKNOWN_HOST) from None
    addresses = [(family, (str(where[0]), int(where[1]))) for family, _, _, _, where in found]
    for address in addresses if len(addresses) > 1 else ():
        if await _accepts(address, timeout_s):
            return address
    return addresses[0]


async def _accepts(address: SocketAddress, timeout_s: float) -> bool:
    family, where = address
    with socket.socket(family, socket.SOCK_STREAM) as tried, suppress(OSError):
        tried.setblocking(False)
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(tried, where)
        return True
    return False


def unreachable_error(url: str, kind: str) -> TrafficError:
    """The error for a URL that nothing serves."""
    return TrafficError(
        f"There is no answer at {url}: {UNREACHABLE_REASONS[kind]}. "
        "Start the server, or correct the URL."
    )


def failure_kind(exc: BaseException) -> str:
    """Class of a failure, in one or two words, as a sample counts them.

    >>> failure_kind(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
    'refused'
    >>> failure_kind(TimeoutError())
    'timeout'
    """
    number = (exc.errno or 0) if isinstance(exc, OSError) else 0
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    words = (word for type_, word in _BY_TYPE if isinstance(exc, type_))
    return next(words, errno.errorcode.get(number, type(exc).__name__))


class HttpConnection(Protocol):
    """One TCP connection, opened by its first request."""

    first_byte_at: float
    """Reading of the clock when the first byte of the last response arrived."""

    async def send(self, message: bytes) -> ParsedResponse:
        """Send a request and return the response; any failure closes the connection."""

    def close(self) -> None:
        """Close it; it cannot be opened again."""


class TcpConnection:
    """A connection without TLS, on a socket of its own.

    Sockets are passed to the event loop by number. The loop looks a socket object up, and a failed
    look-up costs as much as two system calls, because the error describes the socket.
    """

    def __init__(
        self, address: SocketAddress, timeout: SharedTimeout, version_source: VersionSource
    ) -> None:
        self._address, self._timeout, self._version_source = address, timeout, version_source
        self.first_byte_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._connected = self._writing = self._used = self._ended = False
        self._unsent = b""
        self._parser: ResponseParser
        self._done: asyncio.Future[ParsedResponse]

    async def send(self, message: bytes) -> ParsedResponse:
        """Send a request and return the response; any failure closes the connection."""
        self._unsent, self._parser = message, ResponseParser(self._version_source)
        self._done = self._loop.create_future()
        self._timeout.start(self, self._time_out)
        try:
            self._write(self._socket or self._open())
            response = await self._done
        except ConnectionError as exc:
            raise self._error_for(exc) from exc
        finally:
            self._timeout.cancel(self)
            if self._parser.response is None:
                self.close()
        self._used = True
        return response

    def close(self) -> None:
        """Close it; it cannot be opened again."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._stop_writing(self._socket)
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        family, where = self._address
        self._socket = opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setblocking(False)
        _check(opened.connect_ex(where))
        self._loop.add_reader(opened.fileno(), self._readable, opened)
        return opened

    def _write(self, opened: socket.socket) -> None:
        if self._ended:
            raise TruncatedResponseError
        try:  # to an address on this machine the connection is there already
            self._unsent = self._unsent[opened.send(self._unsent) :]
            self._connected = True
        except OSError as exc:
            if exc.errno not in _IN_PROGRESS:
                raise
        if self._unsent:
            self._writing = True
            self._loop.add_writer(opened.fileno(), self._writable, opened)

    def _writable(self, opened: socket.socket) -> None:
        self._stop_writing(opened)
        try:
            _check(opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            self._write(opened)
        except OSError as exc:
            self._fail(exc)

    def _stop_writing(self, opened: socket.socket) -> None:
        if self._writing:
            self._loop.remove_writer(opened.fileno())
            self._writing = False

    def _readable(self, opened: socket.socket) -> None:
        try:
            received = opened.recv(_CHUNK)
            if received:
                if not self._parser.started:
                    self.first_byte_at = self._timeout.clock()
                self._parser.feed(received)
            else:
                self._finish(opened)
        except BlockingIOError:
            return
        except Exception as exc:  # noqa: BLE001  `send` raises it
            self._loop.remove_reader(opened.fileno())
            self._fail(exc)
        if self._parser.response is not None and not self._done.done():
            self._done.set_result(self._parser.response)

    def _finish(self, opened: socket.socket) -> None:
        self._ended = True
        self._loop.remove_reader(
            opened.fileno()
        )  # or an ended connection would be readable for ever
        if not self._parser.end():
            raise TruncatedResponseError

    def _time_out(self) -> None:
        self._fail(TimeoutError() if self._connected else ConnectTimeoutError())

    def _fail(self, exc: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(exc)

    def _error_for(self, exc: ConnectionError) -> ConnectionError:
        return StaleConnectionError() if self._used and not self._parser.started else exc


def _check(number: int) -> None:
    if number and number not in _IN_PROGRESS:
        raise OSError(number, os.strerror(number))


class Tls(NamedTuple):
    """The certificates that are trusted, and the name that the server's must be valid for."""

    context: ssl.SSLContext
    name: str


class TlsConnection:
    """A connection with TLS."""

    def __init__(
        self,
        address: SocketAddress,
        tls: Tls,
        timeout: SharedTimeout,
        version_source: VersionSource,
    ) -> None:
        self._address, self._tls, self._timeout = address, tls, timeout
        self._version_source = version_source
        self.first_byte_at = 0.0
        self._streams: Streams | None = None
        self._used = False

    async def send(self, message: bytes) -> ParsedResponse:
        """Send a request and return the response; any failure closes the connection."""
        parser = ResponseParser(self._version_source)
        try:
            async with asyncio.timeout(self._timeout.timeout_s):
                await self._exchange(message, parser)
        except TimeoutError:
            raise (TimeoutError() if self._streams else ConnectTimeoutError()) from None
        except ConnectionError as exc:
            raise (StaleConnectionError() if self._used and not parser.started else exc) from exc
        finally:
            if parser.response is None:
                self.close()
        if parser.response is None:
            raise TruncatedResponseError
        self._used = True
        return parser.response

    def close(self) -> None:
        """Close it; it cannot be opened again."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, message: bytes, parser: ResponseParser) -> None:
        if self._streams is None:
            self._streams = await self._open()
        incoming, outgoing = self._streams
        outgoing.write(message)
        while parser.response is None:
            received = await incoming.read(_CHUNK)
            if received:
                if not parser.started:
                    self.first_byte_at = self._timeout.clock()
                parser.feed(received)
            elif not parser.end():
                raise TruncatedResponseError

    async def _open(self) -> Streams:
        _, (host, port) = self._address
        return await asyncio.open_connection(
            host, port, ssl=self._tls.context, server_hostname=self._tls.name
        )


class SharedTimeout:
    """One timer for the requests of a sample, which all have the same timeout.

    They expire in the order in which they started, so one timer is enough; a timer for each request
    would cost a fifth of the speed.
    """

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.timeout_s, self.clock = timeout_s, clock
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Hashable, tuple[float, Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, key: Hashable, on_timeout: Callable[[], None]) -> None:
        """Call `on_timeout` after `timeout_s`, unless `cancel` comes first."""
        self._waiting[key] = (self._loop.time() + self.timeout_s, on_timeout)
        if self._timer is None:
            self._timer = self._loop.call_later(self.timeout_s, self._expire)

    def cancel(self, key: Hashable) -> None:
        """Stop waiting for a request."""
        self._waiting.pop(key, None)

    def close(self) -> None:
        """Cancel all."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        self._timer, now = None, self._loop.time()
        for key, (deadline, on_timeout) in list(self._waiting.items()):
            if deadline > now:
                self._timer = self._loop.call_at(deadline, self._expire)
                return
            del self._waiting[key]
            on_timeout()
