"""Keeps the proxy listening where it should.

An address whose route leads nowhere is not listened on, so that a client is refused by the system
itself, at once, as kube-proxy refuses for a Service without endpoints. The port is free then, as a
NodePort is on a real node, where nothing holds it either.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import NamedTuple

from canarylab.playground.kube.api import Key
from canarylab.playground.network.choice import Chooser
from canarylab.playground.network.door import Door
from canarylab.playground.network.pump import Connection
from canarylab.playground.network.routes import LOOPBACK, Address, Routes


class Obstacle(NamedTuple):
    """Why an address of a Service cannot be listened on."""

    service: Key
    address: Address
    error: int
    """An errno."""

    @property
    def may_pass(self) -> bool:
        """Another program may end; a missing permission stays missing."""
        return self.error == errno.EADDRINUSE

    def __str__(self) -> str:
        host, port = self.address
        name = f"{self.service.namespace}/{self.service.name}"
        if self.error == errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is in use by another program, so Service {name} does not "
                "answer there. End that program, or choose another port for the Service."
            )
        if self.error in (errno.EACCES, errno.EPERM):
            return (
                f"This user may not listen on port {port}, so Service {name} does not answer at "
                f"its cluster IP {host}. Use its NodePort, or a Service port from 1024 up."
            )
        return (
            f"Service {name} cannot listen on {host}:{port} ({errno.errorcode.get(self.error)}). "
            "Choose another port for the Service."
        )


class Listeners:
    """A listening socket for each address that leads somewhere."""

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser
        self._routes: Routes = {}
        self._doors: dict[Address, Door] = {}
        self._connections: set[Connection] = set()

    def follow(self, routes: Routes) -> list[Obstacle]:
        """Listen as these routes say; connections that stand already stay as they are."""
        self._routes = routes
        wanted = {address for address, route in routes.items() if route.endpoints}
        for address in self._doors.keys() - wanted:
            self._doors.pop(address).close()
        tried = [self._open(address) for address in sorted(wanted - self._doors.keys())]
        return [obstacle for obstacle in tried if obstacle is not None]

    def owns(self, port: int) -> bool:
        """Is it this proxy that listens on this port of 127.0.0.1?"""
        return Address(LOOPBACK, port) in self._doors

    def close(self) -> None:
        """Stop listening, and end every connection."""
        for door in self._doors.values():
            door.close()
        self._doors.clear()
        for connection in list(self._connections):
            connection.abort()

    def _open(self, address: Address) -> Obstacle | None:
        try:
            self._doors[address] = Door(address, self._choose_for(address), self._connections)
        except OSError as problem:
            service = self._routes[address].service
            return Obstacle(service, address, problem.errno or errno.EINVAL)
        return None

    def _choose_for(self, listener: Address) -> Callable[[str], Address | None]:
        def choose(client: str) -> Address | None:
            route = self._routes.get(listener)
            return None if route is None else self._chooser.choose(listener, route, client)

        return choose
