"""What can be decided about a request?"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

from canarylab.kube_objects import Address
from canarylab.playground.network.http.head import Head


class Answer(NamedTuple):
    """The ingress answers itself."""

    status: int
    body: bytes | None = None
    """None for the page of that status."""
    fields: tuple[tuple[str, str], ...] = ()


class Forward(NamedTuple):
    """A pod answers."""

    name: Hashable
    """Whose turns are counted together."""
    endpoints: tuple[Address, ...]
    target: str
    body_limit: int = 0
    """Bytes; 0 is no limit."""
    head: Head | None = None
    """The request as the pod shall get it, if not as it came."""
    mirrors: tuple[Forward, ...] = ()
    """Who gets a copy."""


NOWHERE = Forward("", (), "")
"""Before it is decided."""

Decide = Callable[[Head], Answer | Forward]
