"""What do all connections of the ingress share?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from canarylab.playground.network.http.limits import Limits
from canarylab.playground.network.http.turns import Turns
from canarylab.playground.network.http.verdicts import Decide


@dataclass
class Shared:
    """Who decides, by which limits, with which luck and clock."""

    decide: Decide
    port: int
    """Where clients come in: X-Forwarded-Port."""
    limits: Limits = field(default_factory=Limits)
    random: Random = field(default_factory=Random)
    clock: Callable[[], float] = monotonic
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self.turns = Turns(self.random)

    def request_id(self) -> str:
        """32 hexadecimal digits, as nginx makes them."""
        return f"{self.random.getrandbits(128):032x}"
