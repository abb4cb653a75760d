"""What becomes of a request that comes in, by the table of the moment?"""

from __future__ import annotations

from random import Random

from canarylab.ingress_rules.routing import IngressRequest, route_request
from canarylab.ingress_rules.server_table import EMPTY_TABLE, ServerTable
from canarylab.playground.network.http.head import Head
from canarylab.playground.network.http.pages import DEFAULT_BACKEND
from canarylab.playground.network.http.verdicts import Answer, Forward


class Decider:
    """Holds the table, which is replaced as a whole, and draws for the canaries."""

    def __init__(self, random: Random) -> None:
        self.table: ServerTable = EMPTY_TABLE
        self._random = random

    def decide(self, head: Head) -> Answer | Forward:
        """Chance is asked for each request, as `math.random` is in balancer.lua."""
        found = route_request(self.table, IngressRequest(head.host, head.target, head.named))
        upstream = found.upstream(self._draw)
        if found.status == 404:
            return Answer(404, DEFAULT_BACKEND)
        if found.status or upstream is None or found.location is None:
            return Answer(found.status or 503)
        return Forward(
            upstream.backend, upstream.endpoints, found.target, found.location.body_limit
        )

    def _draw(self, total: int) -> int:
        return self._random.randint(1, total)
