"""Which rule does a request match, who answers it, and what path arrives there?

The same for every request that looks the same; chance comes last, in `Route.backend`. To read the
reasons as sentences, go on with `words.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from canarylab.playground.network.ingress.canaries import Chance, chance
from canarylab.playground.network.ingress.locations import match
from canarylab.playground.network.ingress.paths import normalised, split, upstream_target
from canarylab.playground.network.ingress.table import Location, Server, Table, Upstream
from canarylab.playground.network.ingress.wishes import ANY_HOST, Backend

Draw = Callable[[int], int]
"""A whole number from 1 to the one given, each as likely as the others."""

_PORT = re.compile(r":\d*$")
_ONE_LABEL = re.compile(r"[\w-]+")


class Request(NamedTuple):
    """What a rule can look at."""

    host: str
    """With or without a port."""
    target: str
    """The path, and the query if there is one."""
    headers: Mapping[str, str] = {}
    """By their names in lower case."""


class Route(NamedTuple):
    """Where a request goes."""

    status: int
    """0 where it goes on; else what the ingress itself answers."""
    server: Server | None = None
    location: Location | None = None
    primary: Upstream | None = None
    canary: Upstream | None = None
    chance: Chance | None = None
    """How likely the canary answers; None where there is none to answer."""
    target: str = ""
    """What the pod is asked for."""

    def upstream(self, draw: Draw) -> Upstream | None:
        """Who answers this time: chance is asked for every request anew."""
        if self.chance is not None and draw(self.chance.total) <= self.chance.weight:
            return self.canary
        return self.primary

    def shares(self) -> dict[Backend, float]:
        """Which backends answer, and how many of such requests, from 0 to 1."""
        if self.primary is None or self.status:
            return {}
        share = self.chance.share if self.chance is not None else 0.0
        shares = {self.primary.backend: 1 - share}
        if self.canary is not None:
            shares[self.canary.backend] = share
        return {backend: part for backend, part in shares.items() if part}


def request(
    host: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
) -> Request:
    """A request as somebody writes it down.

    >>> request("foo.bar.com", "/", {"X-Canary": "always"}, {"tester": "yes"}).headers
    {'x-canary': 'always', 'cookie': 'tester=yes'}
    """
    named = {name.lower(): value for name, value in (headers or {}).items()}
    if cookies:
        named["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Request(host, target, named)


def route(table: Table, asked: Request) -> Route:
    """The way of a request through the table."""
    path = normalised(split(asked.target)[0])
    if path is None:
        return Route(400)
    server = serving(table, asked.host)
    location = match(server, path) if server is not None else None
    if location is None or location.backend is None:
        return Route(404, server, location)
    primary = table.upstreams.get(location.backend)
    if primary is None or not primary.endpoints:
        # Before any canary is looked at: `_M.rewrite` in balancer.lua.
        return Route(503, server, location, primary)
    canary = table.upstreams.get(primary.canary) if primary.canary else None
    return Route(
        0,
        server,
        location,
        primary,
        canary,
        # A canary without endpoints is ignored: "no alternative balancer" in balancer.lua.
        _chance(canary, asked) if canary is not None and canary.endpoints else None,
        upstream_target(location, path, asked.target),
    )


def serving(table: Table, host: str) -> Server | None:
    """The host itself, else a wildcard for its first label, else whatever has no host.

    `buildServerName` in
    https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/template/template.go
    """
    name = _PORT.sub("", host).rstrip(".").lower()
    first, dot, rest = name.partition(".")
    if (exact := table.servers.get(name)) is not None:
        return exact
    wildcard = table.servers.get(f"*.{rest}") if dot else None
    if wildcard is not None and _ONE_LABEL.fullmatch(first):
        return wildcard
    return table.servers.get(ANY_HOST)


def _chance(canary: Upstream, asked: Request) -> Chance:
    return chance(canary.policy, asked.headers, _cookies(asked.headers.get("cookie", "")))


def _cookies(header: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in reversed(header.split(";"))]  # the first one counts
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}
