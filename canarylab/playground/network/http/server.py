"""Listens for clients, and looks after those who are silent for too long."""

from __future__ import annotations

import asyncio
import socket

from canarylab.playground.network.http.client import Client
from canarylab.playground.network.http.limits import LOOK_EVERY_S
from canarylab.playground.network.http.pool import Pool
from canarylab.playground.network.http.shared import Shared

_BACKLOG = 1024  # connections


class HttpServer:
    """`run` must run for anybody to be answered."""

    def __init__(self, shared: Shared) -> None:
        self._pool = Pool(shared.clock)
        self._shared = shared
        self._clients: set[Client] = set()
        self._is_closed = False

    async def run(self, listener: socket.socket, *, look_every_s: float = LOOK_EVERY_S) -> None:
        """Until cancelled; then nobody listens and no connection stands."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._client, sock=listener, backlog=_BACKLOG)
        try:
            while True:
                await asyncio.sleep(look_every_s)
                self._look()
        finally:
            server.close()
            await self._close()

    def welcome(self, client: Client) -> None:
        """Somebody came in; who was at the door when it closed is sent away."""
        if self._is_closed:
            client.abort()
        else:
            self._clients.add(client)

    def forget(self, client: Client) -> None:
        """Somebody left."""
        self._clients.discard(client)

    async def _close(self) -> None:
        self._is_closed = True
        while self._clients:
            for client in list(self._clients):
                client.abort()
            await asyncio.sleep(0)  # who is aborted is gone in the loop's next round
        await self._pool.close()

    def _client(self) -> Client:
        return Client(self._shared, self._pool, self)

    def _look(self) -> None:
        now = self._shared.clock()
        for client in list(self._clients):
            if client.deadline < now:
                client.overdue()
        self._pool.close_idle(idle_s=self._shared.limits.idle_pod_s)
