"""Carries the bytes of one connection between a client and an endpoint.

Two flows, one for each direction. A flow reads only when what it read before has been sent on, so
that it never holds more than one buffer, and a slow reader slows its writer down. Sockets and the
loop's readiness callbacks are used directly: asyncio's transports carry half as many connections.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

BUFFER = 65_536  # bytes
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
_scratch = memoryview(bytearray(BUFFER))  # between a read and the send right after it


class Connection:
    """A client's socket and an endpoint's, and what flows between them."""

    def __init__(
        self,
        client: socket.socket,
        endpoint: socket.socket,
        forget: Callable[[Connection], None],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._client, self._endpoint, self._forget = client, endpoint, forget
        self._flows = (Flow(self, client, endpoint), Flow(self, endpoint, client))
        self._running = len(self._flows)

    def begin(self) -> None:
        """Start, or wait until the endpoint has answered; on this machine it mostly has."""
        try:
            self._endpoint.getpeername()
        except OSError:
            self.loop.add_writer(self._endpoint, self._answered)
        else:
            self._start()

    def flow_ended(self) -> None:
        """One direction is done; with the other one the connection is."""
        self._running -= 1
        if not self._running:
            self._close()

    def abort(self) -> None:
        """End it at once, and let both sides know that it did not end well."""
        self.loop.remove_writer(self._endpoint)
        for flow in self._flows:
            flow.stop()
        for side in (self._client, self._endpoint):
            with suppress(OSError):
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close()

    def _answered(self) -> None:
        self.loop.remove_writer(self._endpoint)
        if self._endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.abort()  # one try and no other endpoint, as with kube-proxy
        else:
            self._start()

    def _start(self) -> None:
        for flow in self._flows:
            flow.start()

    def _close(self) -> None:
        self._client.close()
        self._endpoint.close()
        self._forget(self)


class Flow:
    """One direction: what comes in at `source` goes out at `sink`."""

    __slots__ = ("_connection", "_from", "_loop", "_sink", "_source", "_to", "_unsent")

    def __init__(self, connection: Connection, source: socket.socket, sink: socket.socket) -> None:
        self._loop = connection.loop
        self._connection, self._source, self._sink = connection, source, sink
        self._from, self._to = source.fileno(), sink.fileno()
        self._unsent = b""

    def start(self) -> None:
        """Wait for something to carry."""
        self._loop.add_reader(self._from, self._carry)

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._loop.remove_reader(self._from)
        self._loop.remove_writer(self._to)

    def _carry(self) -> None:
        try:
            length = self._source.recv_into(_scratch)
        except BlockingIOError:
            return
        except OSError:
            self._connection.abort()
            return
        if length == 0:
            self._end()
        else:
            self._send(_scratch[:length])

    def _send(self, piece: memoryview) -> None:
        try:
            sent = self._sink.send(piece)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._connection.abort()
            return
        had_to_wait = bool(self._unsent)
        self._unsent = bytes(piece[sent:])
        if self._unsent and not had_to_wait:
            self._loop.remove_reader(self._from)
            self._loop.add_writer(self._to, self._send_rest)
        elif had_to_wait and not self._unsent:
            self._loop.remove_writer(self._to)
            self.start()

    def _send_rest(self) -> None:
        self._send(memoryview(self._unsent))

    def _end(self) -> None:
        """No more will come; the other side is told, and may still answer."""
        self._loop.remove_reader(self._from)
        with suppress(OSError):
            self._sink.shutdown(socket.SHUT_WR)
        self._connection.flow_ended()


def connected(endpoint: tuple[str, int]) -> socket.socket:
    """A socket on its way to an endpoint; raise OSError where there is no way."""
    outgoing = socket.socket()
    try:
        outgoing.setblocking(False)
        outgoing.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            outgoing.connect(endpoint)
    except OSError:
        outgoing.close()
        raise
    return outgoing


def refuse(client: socket.socket) -> None:
    """End a connection that leads nowhere with a reset, as a firewall that rejects does."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()
