"""The relay of one TCP connection between a client and an endpoint.

Two directions, each with at most one buffer: a direction reads only when what it read before has
been sent on, so a slow reader slows its writer down. Sockets and the loop's readiness callbacks are
used directly, because asyncio's transports carry half as many connections.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

from canarylab.playground.connections import OpenConnections

BUFFER = 65_536  # bytes
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
_scratch = memoryview(bytearray(BUFFER))  # between a read and the send right after it


class TcpRelay:
    """The client's socket and the endpoint's, with a direction each way."""

    def __init__(
        self,
        client: socket.socket,
        endpoint: socket.socket,
        connections: OpenConnections,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.connections = connections
        self._client, self._endpoint = client, endpoint
        self._directions = (
            _Direction(self, client, endpoint),
            _Direction(self, endpoint, client),
        )
        self._open_directions = len(self._directions)
        connections.add(self)

    def start(self) -> None:
        """Start when the endpoint has accepted; on one machine it usually has already."""
        try:
            self._endpoint.getpeername()
        except OSError:
            self.loop.add_writer(self._endpoint, self._connected)
        else:
            self._start()

    def direction_ended(self) -> None:
        """Close both sockets when both directions have ended."""
        self._open_directions -= 1
        if not self._open_directions:
            self._close()

    def abort(self) -> None:
        """End the connection at once, with a reset to both sides."""
        self.loop.remove_writer(self._endpoint)
        for direction in self._directions:
            direction.stop()
        for side in (self._client, self._endpoint):
            with suppress(OSError):
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close()

    def _connected(self) -> None:
        self.loop.remove_writer(self._endpoint)
        if self._endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.abort()  # one attempt and no other endpoint, as with kube-proxy
        else:
            self._start()

    def _start(self) -> None:
        for direction in self._directions:
            direction.start()

    def _close(self) -> None:
        self._client.close()
        self._endpoint.close()
        self.connections.discard(self)


def connect(endpoint: tuple[str, int]) -> socket.socket:
    """Begin to connect a socket to an endpoint; raise OSError if that fails immediately."""
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


def reset(client: socket.socket) -> None:
    """Close an accepted connection with a reset, as a firewall that rejects does."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()


class _Direction:
    """Bytes from `source` to `sink`."""

    __slots__ = ("_loop", "_relay", "_sink", "_sink_fd", "_source", "_source_fd", "_unsent")

    def __init__(self, relay: TcpRelay, source: socket.socket, sink: socket.socket) -> None:
        self._relay, self._loop = relay, relay.loop
        self._source, self._sink = source, sink
        self._source_fd, self._sink_fd = source.fileno(), sink.fileno()
        self._unsent = b""

    def start(self) -> None:
        """Read as soon as bytes arrive."""
        self._loop.add_reader(self._source_fd, self._read)

    def stop(self) -> None:
        """Neither read nor write any more."""
        self._loop.remove_reader(self._source_fd)
        self._loop.remove_writer(self._sink_fd)

    def _read(self) -> None:
        try:
            length = self._source.recv_into(_scratch)
        except BlockingIOError:
            return
        except OSError:
            self._relay.abort()
            return
        if length == 0:
            self._end()
        else:
            self._relay.connections.used(self._relay)
            self._send(_scratch[:length])

    def _send(self, piece: memoryview) -> None:
        try:
            sent = self._sink.send(piece)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._relay.abort()
            return
        was_waiting = bool(self._unsent)
        self._unsent = bytes(piece[sent:])
        if self._unsent and not was_waiting:
            self._loop.remove_reader(self._source_fd)
            self._loop.add_writer(self._sink_fd, self._send_rest)
        elif was_waiting and not self._unsent:
            self._loop.remove_writer(self._sink_fd)
            self.start()

    def _send_rest(self) -> None:
        self._send(memoryview(self._unsent))

    def _end(self) -> None:
        """The source has ended: shut down the sink's sending side, which may still send."""
        self._loop.remove_reader(self._source_fd)
        with suppress(OSError):
            self._sink.shutdown(socket.SHUT_WR)
        self._relay.direction_ended()
