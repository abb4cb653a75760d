"""What does the ingress know when a request comes: hosts, their locations, and upstreams.

The words are nginx's. It is swapped whole when something changes, so that no request sees half of
a change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from canarylab.playground.kube.api import Key
from canarylab.playground.network.ingress.annotations import BODY_LIMIT, Policy
from canarylab.playground.network.ingress.wishes import Backend
from canarylab.playground.network.routes import Address


class Upstream(NamedTuple):
    """A backend, and who answers for it."""

    backend: Backend
    endpoints: tuple[Address, ...]
    policy: Policy = Policy()
    """Which requests it takes, if it is a canary."""
    canary: Backend | None = None
    """Who takes some of its requests."""


class Location(NamedTuple):
    """What a host does with some of the paths."""

    path: str
    exact: bool
    backend: Backend | None
    """None is the default backend of the ingress itself: 404."""
    ingress: Key | None = None
    pattern: re.Pattern[str] | None = None
    """Where the paths of the host are regular expressions."""
    rewrite_target: str = ""
    """Empty where the path goes on as it came."""
    body_limit: int = BODY_LIMIT


class Server(NamedTuple):
    """A host."""

    host: str
    locations: tuple[Location, ...]
    """In the order in which they are tried: the longest path first."""

    @property
    def by_regex(self) -> bool:
        """Are its paths regular expressions?"""
        return any(location.pattern is not None for location in self.locations)


class Table(NamedTuple):
    """Everything."""

    servers: Mapping[str, Server]
    upstreams: Mapping[Backend, Upstream]


EMPTY = Table({}, {})
