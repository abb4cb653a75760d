"""Which endpoint does this connection go to?

Any of the ready ones, each as likely as the others, and drawn anew for each connection; so the
split of a few connections is as uneven as chance makes it. With affinity, the one that this
client's last connection went to, unless that is too long ago or the endpoint is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from canarylab.playground.network.routes import Address, Route

_SWEEP_AT = 4096  # remembered clients; then the outdated are forgotten


class _Visit(NamedTuple):
    endpoint: Address
    at: float
    forgotten_after_s: int


class Chooser:
    """Draws endpoints, and remembers clients where a Service asks for it."""

    def __init__(self, random: Random, clock: Callable[[], float]) -> None:
        self._random, self._clock = random, clock
        self._visits: dict[tuple[str, str, str, int], _Visit] = {}

    def choose(self, listener: Address, route: Route, client: str) -> Address | None:
        """None if there is no endpoint."""
        if not route.endpoints:
            return None
        if route.affinity_s is None:
            return self._random.choice(route.endpoints)
        visitor = (client, *route.service, listener.port)
        visit = self._visits.get(visitor)
        if visit is None or visit.endpoint not in route.endpoints or self._is_outdated(visit):
            endpoint = self._random.choice(route.endpoints)
        else:
            endpoint = visit.endpoint
        self._visits[visitor] = _Visit(endpoint, self._clock(), route.affinity_s)
        if len(self._visits) > _SWEEP_AT:
            self._forget_the_outdated()
        return endpoint

    def _is_outdated(self, visit: _Visit) -> bool:
        return self._clock() - visit.at > visit.forgotten_after_s

    def _forget_the_outdated(self) -> None:
        self._visits = {
            visitor: visit
            for visitor, visit in self._visits.items()
            if not self._is_outdated(visit)
        }
