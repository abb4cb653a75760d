"""One listening socket of the proxy: who comes in, and where they are led."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from canarylab.playground.network.pump import Connection, connected, refuse
from canarylab.playground.network.routes import Address

logger = logging.getLogger(__name__)

_BACKLOG = 1024  # connections
_AT_ONCE = 64  # connections taken in before the loop turns to something else
_REST_S = 0.5
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Choose = Callable[[str], Address | None]
"""From a client's host to an endpoint, or None if there is none."""


class Door:
    """Open from the start; raises OSError where this address cannot be listened on."""

    def __init__(self, address: Address, choose: Choose, connections: set[Connection]) -> None:
        self._loop = asyncio.get_running_loop()
        self._choose, self._connections = choose, connections
        self._listening = socket.socket()
        try:
            self._listening.setblocking(False)
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited
            self._listening.bind(address)
            self._listening.listen(_BACKLOG)
        except OSError:
            self._listening.close()
            raise
        self._open()

    def close(self) -> None:
        """Let nobody in any more; who is in may stay."""
        self._loop.remove_reader(self._listening)
        self._listening.close()

    def _open(self) -> None:
        if self._listening.fileno() >= 0:
            self._loop.add_reader(self._listening, self._let_in)

    def _let_in(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, peer = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as problem:
                self._rest(problem)
                return
            self._lead(client, peer[0])

    def _lead(self, client: socket.socket, host: str) -> None:
        client.setblocking(False)
        endpoint = self._choose(host)
        if endpoint is None:
            refuse(client)
            return
        try:
            outgoing = connected(endpoint)
        except OSError:
            refuse(client)
            return
        connection = Connection(client, outgoing, self._connections.discard)
        self._connections.add(connection)
        connection.begin()

    def _rest(self, problem: OSError) -> None:
        """Too many files are open: those who knock wait a little, outside."""
        if problem.errno not in _EXHAUSTED:
            raise problem
        logger.warning("the service proxy cannot take in more connections now: %s", problem)
        self._loop.remove_reader(self._listening)
        self._loop.call_later(_REST_S, self._open)
