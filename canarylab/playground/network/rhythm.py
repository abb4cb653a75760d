"""When are changes taken in?

As kube-proxy does: the first at once, and then at most once a second, all that came meanwhile
together. This second is why a pod that stops listening as soon as it is told to end still gets
connections, and loses them; a lesson is about that.
"""

from __future__ import annotations

from dataclasses import dataclass

SHORTEST_INTERVAL_S = 1.0


@dataclass(frozen=True)
class Rhythm:
    """When changes were last taken in."""

    last: float | None = None

    def wait_s(self, now: float) -> float:
        """How long a change that is there now has to wait.

        >>> Rhythm().wait_s(5.0), Rhythm(last=5.0).wait_s(5.25), Rhythm(last=5.0).wait_s(9.0)
        (0.0, 0.75, 0.0)
        """
        if self.last is None:
            return 0.0
        return max(0.0, self.last + SHORTEST_INTERVAL_S - now)
