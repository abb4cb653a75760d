"""Which endpoint is next?

Round robin for each backend, from a random start, as ingress-nginx does it; so the pods of one
Service get equally many requests, far more evenly than by chance.
https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/#load-balance
"""

from __future__ import annotations

from collections.abc import Hashable
from random import Random

from canarylab.kube_objects import Address


class Turns:
    """Remembers for each backend whose turn it is."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._turns: dict[Hashable, tuple[tuple[Address, ...], int]] = {}

    def next(self, name: Hashable, endpoints: tuple[Address, ...]) -> Address:
        """One of the endpoints, which must not be none; they begin anew when they change."""
        known, turn = self._turns.get(name, ((), 0))
        if known != endpoints:
            turn = self._random.randrange(len(endpoints))
        self._turns[name] = (endpoints, (turn + 1) % len(endpoints))
        return endpoints[turn]
