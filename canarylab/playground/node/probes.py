"""What does a probe say about a container, after so many good and bad looks?"""

from __future__ import annotations

from dataclasses import dataclass

from canarylab.playground.kube.api import Object

EAGER_FOR_S = 10.0
SHORTEST_PAUSE_S = 0.05
_SHARE_OF_AGE = 0.1


@dataclass(frozen=True)
class Probe:
    """When to look and how often to believe it. `how` is the manifest's httpGet, exec, ..."""

    how: Object
    delay_s: float = 0.0
    period_s: float = 10.0
    timeout_s: float = 1.0
    successes_needed: int = 1
    failures_needed: int = 3
    grace_s: int | None = None

    @classmethod
    def of(cls, manifest: Object) -> Probe:
        """As the manifest says, with Kubernetes' defaults.

        >>> Probe.of({"tcpSocket": {"port": 3333}, "periodSeconds": 1}).period_s
        1
        """
        return cls(
            how=manifest,
            delay_s=manifest.get("initialDelaySeconds", 0),
            period_s=manifest.get("periodSeconds") or 10,
            timeout_s=manifest.get("timeoutSeconds") or 1,
            successes_needed=manifest.get("successThreshold") or 1,
            failures_needed=manifest.get("failureThreshold") or 3,
            grace_s=manifest.get("terminationGracePeriodSeconds"),
        )


@dataclass(frozen=True)
class Streak:
    """What is believed now, and how many looks in a row said the same."""

    verdict: bool | None = None
    length: int = 0
    last: bool | None = None

    def after(self, probe: Probe, *, good: bool) -> Streak:
        """One look later. The belief changes when enough looks in a row ask for it.

        >>> probe = Probe({}, failures_needed=2)
        >>> up = Streak().after(probe, good=True)
        >>> up.after(probe, good=False).verdict
        True
        >>> up.after(probe, good=False).after(probe, good=False).verdict
        False
        """
        length = self.length + 1 if good == self.last else 1
        needed = probe.successes_needed if good else probe.failures_needed
        return Streak(good if length >= needed else self.verdict, length, last=good)


def pause_between_looks(age_s: float) -> float:
    """How long to wait for the next look at a container that has never answered.

    Twenty looks a second for the first half second, then fewer: a tenth of its age.

    >>> pause_between_looks(0.1), pause_between_looks(2.0)
    (0.05, 0.2)
    """
    return max(SHORTEST_PAUSE_S, age_s * _SHARE_OF_AGE)
