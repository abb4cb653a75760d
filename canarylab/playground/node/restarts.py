"""When is a container that ended started again?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartDelays:
    """At once the first time, then after 10 s, doubling to five minutes.

    A container that ran for ten minutes has made good, and starts over. The delay counts from
    its end.
    """

    first_s: float = 10.0
    last_s: float = 300.0
    forgiven_after_s: float = 600.0

    def next(self, before_s: float | None, *, ran_s: float) -> float:
        """How long to wait, given the wait before this run, None if there was none.

        >>> delays = RestartDelays()
        >>> delays.next(None, ran_s=1), delays.next(0, ran_s=1), delays.next(10, ran_s=1)
        (0.0, 10.0, 20)
        >>> delays.next(300, ran_s=601)
        0.0
        """
        if before_s is None or ran_s > self.forgiven_after_s:
            return 0.0
        return min(before_s * 2, self.last_s) if before_s else self.first_s


def is_restarted(policy: str, exit_code: int) -> bool:
    """Does this restartPolicy start it again?

    >>> is_restarted("OnFailure", 0), is_restarted("Always", 0)
    (False, True)
    """
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)
