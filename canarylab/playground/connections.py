"""Connections to the daemon's servers, limited in number and time.

Every user of this machine, and every web page in a browser on it, can connect to the API server, to
the Ingress and to node ports. Each server may therefore have a limited number of connections open,
together fewer than the files that the process may open. A server that has reached its limit closes
a connection that is not in use, so that it goes on accepting others.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from aiohttp import web
from aiohttp.http import HttpProcessingError

logger = logging.getLogger(__name__)

ACCEPTS_PER_WAKEUP = 64  # connections
HANDSHAKE_TIMEOUT_S = 10.0
_BACKLOG = 1_024  # connections
_NO_FILES_PAUSE_S = 0.5
_FLOOD_PAUSE_S = 0.01  # after so many connections at once, time for those that are established


def most_connections(at_most: int) -> int:
    """How many connections a server may have: an eighth of the open files at most.

    The three servers have three eighths, and connections from the Ingress and from node ports to
    pods two more. The rest is for pods, their logs, and clients of the owner.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return at_most if files == resource.RLIM_INFINITY else max(1, min(at_most, files // 8))


class Closable(Protocol):
    """A connection that can be closed immediately."""

    def abort(self) -> None:
        """Close it without sending the rest."""


class OpenConnections:
    """The open connections of a server, ordered by their last use, at most `most`.

    >>> class Connection:
    ...     def abort(self):
    ...         print("closed")
    >>> first, second = Connection(), Connection()
    >>> connections = OpenConnections(most=1)
    >>> connections.add(first)
    >>> connections.add(second)
    closed
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._connections: dict[Closable, None] = {}

    def __len__(self) -> int:
        """How many are open."""
        return len(self._connections)

    def add(self, connection: Closable) -> None:
        """Add a connection; close the one that has been idle the longest if there are too many."""
        while len(self._connections) >= self._most:
            oldest = next(iter(self._connections))
            self.discard(oldest)
            oldest.abort()
        self._connections[connection] = None

    def used(self, connection: Closable) -> None:
        """Move a connection to the end, since something was sent on it."""
        if connection in self._connections:
            del self._connections[connection]
            self._connections[connection] = None

    def discard(self, connection: Closable) -> None:
        """Forget a connection that is closed."""
        self._connections.pop(connection, None)

    def close(self) -> None:
        """Close all."""
        for connection in list(self._connections):
            connection.abort()
        self._connections.clear()


class Acceptor:
    """Accepts the connections of a listening socket, which it owns.

    If the process has too many files open, new connections wait in the backlog for a moment.
    asyncio's servers log each attempt to accept, a thousand at a time.
    """

    def __init__(
        self,
        listener: socket.socket,
        on_accept: Callable[[socket.socket, str], None],
        *,
        at_once: int = ACCEPTS_PER_WAKEUP,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener, self._on_accept, self._at_once = listener, on_accept, at_once
        listener.setblocking(False)
        listener.listen(_BACKLOG)
        self._start()

    def close(self) -> None:
        """Accept no more; established connections are not affected."""
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _start(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(self._at_once):
            try:
                client, peer = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as exc:
                logger.warning("cannot accept connections now: %s", exc)
                self._pause(_NO_FILES_PAUSE_S)
                return
            client.setblocking(False)
            self._on_accept(client, peer[0])
        self._pause(_FLOOD_PAUSE_S)

    def _pause(self, pause_s: float) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(pause_s, self._start)


class HttpConnections:
    """The connections of an HTTP server of aiohttp.

    Those in `kept` are in use, or their client has authenticated. Others are closed, the oldest
    first, if there are more than `most` connections, or more than `most_others` that are not kept.
    With `first_request_s`, they are closed as well when they are not kept after so many seconds.
    """

    def __init__(
        self,
        server: web.Server,
        kept: set[asyncio.BaseProtocol],
        *,
        most: int,
        most_others: int | None = None,
        first_request_s: float | None = None,
    ) -> None:
        self._server, self._kept = server, kept
        self._most, self._most_others = most, most if most_others is None else most_others
        self._first_request_s = first_request_s
        self._starting: dict[web.RequestHandler, asyncio.Task[None]] = {}

    def accept(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> Acceptor:
        """Start to accept connections."""

        def start(client: socket.socket, _: str) -> None:
            if not self._make_room():
                client.close()
                return
            protocol = self._server()
            task = asyncio.create_task(self._connect(client, protocol, tls))
            self._starting[protocol] = task
            task.add_done_callback(lambda _: self._starting.pop(protocol, None))

        # A TLS handshake takes several rounds of the event loop. Connections that others open in
        # the meantime must not close this one before it is complete.
        at_once = min(ACCEPTS_PER_WAKEUP, max(1, self._most_others // 8))
        return Acceptor(listener, start, at_once=at_once)

    def close(self) -> None:
        """Close the connections whose TLS handshake is not complete."""
        for task in self._starting.values():
            task.cancel()

    async def _connect(
        self, client: socket.socket, protocol: web.RequestHandler, tls: ssl.SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        timeout_s = None if tls is None else HANDSHAKE_TIMEOUT_S
        try:
            await loop.connect_accepted_socket(
                lambda: protocol, client, ssl=tls, ssl_handshake_timeout=timeout_s
            )
        except OSError:
            return  # the client has disconnected, or does not speak TLS
        if self._first_request_s is not None:
            loop.call_later(self._first_request_s, self._close_unless_kept, protocol)

    def _make_room(self) -> bool:
        """Close what must be closed for one more connection; False if nothing can be closed."""
        established = self._server.connections
        if len(self._starting) + len(established) < min(self._most, self._most_others):
            return True
        self._kept.intersection_update(established)
        others = [each for each in established if each not in self._kept] + list(self._starting)
        with_one_more = len(others) + 1
        too_many = max(
            len(self._kept) + with_one_more - self._most, with_one_more - self._most_others, 0
        )
        for protocol in others[:too_many]:
            self._abort(protocol)
        return too_many <= len(others)

    def _close_unless_kept(self, protocol: web.RequestHandler) -> None:
        if protocol not in self._kept:
            self._abort(protocol)

    def _abort(self, protocol: web.RequestHandler) -> None:
        if (task := self._starting.pop(protocol, None)) is not None:
            task.cancel()
        elif protocol.transport is not None:
            protocol.transport.abort()


def http_logger(name: str) -> logging.Logger:
    """A logger for aiohttp without errors of clients.

    Those are requests that cannot be parsed, and connections that ended before their response.
    """
    found = logging.getLogger(f"{name}.http")
    found.addFilter(_is_own_error)
    return found


def _is_own_error(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (HttpProcessingError, ConnectionResetError))
