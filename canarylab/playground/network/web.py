"""Answers requests from outside: by the rules of HTTPRoutes, else by those of Ingresses.

Both come in at the same sockets, which listen already; an Ingress shows the address of the first.
The controllers are in `ingress/controller.py` and `gateway/controller.py`; how bytes travel, in
`http`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from random import Random

from canarylab.playground.kube.api import Api
from canarylab.playground.network.gateway.controller import GatewayController
from canarylab.playground.network.http.head import Head
from canarylab.playground.network.http.limits import Limits
from canarylab.playground.network.http.server import HttpServer
from canarylab.playground.network.http.shared import Shared
from canarylab.playground.network.http.verdicts import Answer, Forward
from canarylab.playground.network.ingress.controller import IngressController


class Web:
    """`run` must run for anybody to be answered."""

    def __init__(
        self,
        api: Api,
        listeners: Sequence[socket.socket],
        *,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        limits: Limits | None = None,
    ) -> None:
        random = random or Random()
        address, self.port = listeners[0].getsockname()
        self.ingress = IngressController(
            api, address=address, port=self.port, random=random, sleep=sleep
        )
        self.gateway = GatewayController(api, address=address, random=random, sleep=sleep)
        self._listeners = listeners
        self._server = HttpServer(Shared(self.decide, self.port, limits or Limits(), random))

    async def run(self) -> None:
        """Until cancelled; then nobody is answered any more."""
        async with asyncio.TaskGroup() as tasks:
            for listener in self._listeners:
                tasks.create_task(self._server.run(listener))
            tasks.create_task(self.ingress.run())
            tasks.create_task(self.gateway.run())

    def decide(self, head: Head) -> Answer | Forward:
        """An HTTPRoute goes before an Ingress, wherever one means the request."""
        return self.gateway.decider.decide(head) or self.ingress.decider.decide(head)
