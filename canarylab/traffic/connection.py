"""One connection: how is a request asked over it, and asked again?

A new connection for each request is the rule here, so opening one must be cheap. That is why
plain HTTP uses the socket itself: asyncio's transports take three times as long to set up, which
is the difference between measuring a server and measuring ourselves. `secure.py` does the same
over TLS, where the handshake costs more than any transport.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import Protocol

from canarylab.traffic.failure import CutOffError, NoConnectionError, StaleError
from canarylab.traffic.patience import Patience
from canarylab.traffic.reply import Reader, Reply

Address = tuple[socket.AddressFamily, tuple[str, int]]

_CHUNK = 65_536  # bytes
_NOT_YET = (errno.EINPROGRESS, errno.EAGAIN, errno.ENOTCONN)  # the last one is macOS


class Connection(Protocol):
    """One TCP connection, opened by its first request."""

    async def ask(self, message: bytes) -> Reply:
        """Send a request and wait for the response; any failure closes the connection."""

    def close(self) -> None:
        """End it; a closed connection stays closed."""


class PlainConnection:
    """A connection without TLS, on a socket of its own.

    The loop is told of sockets by number: it looks each up, and a socket it does not find costs
    as much as two system calls, because the error describes the socket.
    """

    def __init__(self, address: Address, patience: Patience) -> None:
        self._address, self._patience = address, patience
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._connected = self._writing = self._used = self._ended = False
        self._unsent = b""
        self._reader: Reader
        self._done: asyncio.Future[Reply]

    async def ask(self, message: bytes) -> Reply:
        """Send a request and wait for the response; any failure closes the connection."""
        self._unsent, self._reader = message, Reader()
        self._done = self._loop.create_future()
        self._patience.begin(self, self._run_out)
        try:
            self._send(self._socket or self._open())
            reply = await self._done
        except ConnectionError as exc:
            raise self._stale_or(exc) from exc
        finally:
            self._patience.end(self)
            if self._reader.reply is None:
                self.close()
        self._used = True
        return reply

    def close(self) -> None:
        """End it; a closed connection stays closed."""
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

    def _send(self, opened: socket.socket) -> None:
        if self._ended:
            raise CutOffError
        try:  # to an address on this machine the connection is there already
            self._unsent = self._unsent[opened.send(self._unsent) :]
            self._connected = True
        except OSError as exc:
            if exc.errno not in _NOT_YET:
                raise
        if self._unsent:
            self._writing = True
            self._loop.add_writer(opened.fileno(), self._writable, opened)

    def _writable(self, opened: socket.socket) -> None:
        self._stop_writing(opened)
        try:
            _check(opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            self._send(opened)
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
                self._reader.feed(received)
            else:
                self._finish(opened)
        except BlockingIOError:
            return
        except Exception as exc:  # noqa: BLE001  `ask` raises it to whoever waits
            self._loop.remove_reader(opened.fileno())
            self._fail(exc)
        if self._reader.reply is not None and not self._done.done():
            self._done.set_result(self._reader.reply)

    def _finish(self, opened: socket.socket) -> None:
        self._ended = True
        self._loop.remove_reader(
            opened.fileno()
        )  # or an ended connection would be readable for ever
        if not self._reader.end():
            raise CutOffError

    def _run_out(self) -> None:
        self._fail(TimeoutError() if self._connected else NoConnectionError())

    def _fail(self, exc: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(exc)

    def _stale_or(self, exc: ConnectionError) -> ConnectionError:
        return StaleError() if self._used and not self._reader.started else exc


def _check(number: int) -> None:
    if number and number not in _NOT_YET:
        raise OSError(number, os.strerror(number))
