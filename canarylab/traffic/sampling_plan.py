"""Plan of a sample: its bounds, its rate, and what kept the sampler from meeting them.

Without a rate the loop is closed: each worker sends a request when its previous one has been
answered, so a slow server gets fewer requests. With a rate the loop is open: each request has a
scheduled time and is sent then, whether or not earlier ones were answered. A visitor does not wait
for other visitors either.

A request that is sent late has its latency taken from the scheduled time. Otherwise a pause of the
server would hide the requests that should have been sent during it. Gil Tene named this mistake
coordinated omission (https://github.com/giltene/wrk2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from canarylab.text import count_noun, percent

DEFAULT_CONCURRENCY = 16
MAX_REQUESTS = 200_000
MAX_DURATION_S = 600.0
MAX_CONCURRENCY = 256  # connections
MAX_TIMEOUT_S = 60.0
MAX_RATE = 100_000.0  # requests per second

LATE_S = 0.01
"""A request that is sent later than this counts as late."""
FEW_LATE = 0.01
"""A smaller share of late requests is not mentioned."""
BUSY = 0.9
"""Share of a CPU from which on the sampler counts as the slowest part."""
LONG_S = 1.0  # the CPU time of a shorter sample says little


@dataclass(frozen=True, kw_only=True)
class SamplingPlan:
    """The bounds of one sample: a number of requests or a time, one of the two; perhaps a rate.

    >>> SamplingPlan(count=40).workers
    16
    >>> SamplingPlan(seconds=2, keep_alive=4).workers
    4
    >>> SamplingPlan(seconds=2, rate=200).workers
    256
    """

    count: int | None = None
    seconds: float | None = None
    """No request starts later than this; it ends earlier at `MAX_REQUESTS`."""
    concurrency: int | None = None
    """Most requests in flight at once: 16, or 256 with a rate; with `keep_alive` one for each
    connection."""
    keep_alive: int = 0
    """How many connections are opened and kept; 0 opens a new one for each request."""
    rate: float | None = None
    """Requests per second, sent at their scheduled times whether or not earlier ones were answered;
    None sends a request when an earlier one has been answered."""
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        if (self.count is None) == (self.seconds is None):
            given = "neither is" if self.count is None else "both are"
            raise ValueError(
                f"A sample is bounded by a number of requests or by a time, and here {given} "
                "given. Give one of the two: 200 requests, or 10 seconds."
            )
        _check_range("The number of requests", self.count, 1, MAX_REQUESTS)
        _check_positive("seconds", self.seconds, MAX_DURATION_S)
        _check_range("concurrency", self.concurrency, 1, MAX_CONCURRENCY)
        _check_range("keep_alive", self.keep_alive, 0, MAX_CONCURRENCY)
        _check_positive("rate", self.rate, MAX_RATE)
        _check_positive("timeout_s", self.timeout_s, MAX_TIMEOUT_S)
        if self.count and self.rate and self.count / self.rate > MAX_DURATION_S:
            raise ValueError(
                f"At rate={self.rate:g} a second, {count_noun(self.count, 'request')} take longer "
                f"than {MAX_DURATION_S:,.0f} seconds. Give fewer requests, or a higher rate."
            )

    @property
    def workers(self) -> int:
        """Most requests in flight at once."""
        default = MAX_CONCURRENCY if self.rate else DEFAULT_CONCURRENCY
        return min(self.keep_alive or self.concurrency or default, self.max_requests)

    @property
    def first_round(self) -> int:
        """So many failures without any connection mean that nothing serves the URL."""
        return min(self.workers, DEFAULT_CONCURRENCY)

    @property
    def max_requests(self) -> int:
        """Upper limit on requests, also if the plan is bounded by time."""
        return self.count or MAX_REQUESTS

    def requests_due(self, seconds: float) -> int:
        """How many requests the rate asks for in that time; 0 without a rate.

        >>> SamplingPlan(seconds=2, rate=200).requests_due(2.0)
        400
        """
        until_s = seconds if self.seconds is None else min(seconds, self.seconds)
        return min(self.max_requests, round(until_s * self.rate)) if self.rate else 0


class SamplerUse(NamedTuple):
    """What the sampler did and needed, for `limit_of`."""

    seconds: float
    sent: int
    late: int
    """Requests that were sent more than `LATE_S` after their scheduled time."""
    latest_s: float
    """How late the last of them was sent, at most."""
    most_in_flight: int
    cpu_s: float
    """CPU time of the thread that sent the requests."""

    @property
    def cpu_share(self) -> float:
        """Share of one CPU.

        >>> SamplerUse(2.0, 10, 0, 0.0, 1, 1.0).cpu_share
        0.5
        """
        return self.cpu_s / self.seconds if self.seconds else 0.0


def limit_of(plan: SamplingPlan, use: SamplerUse) -> str:
    """A sentence when the sampler itself was the slowest part, else nothing.

    >>> plan = SamplingPlan(seconds=2, rate=500)
    >>> limit_of(plan, SamplerUse(2.0, 1000, 3, 0.02, 12, 0.4))
    ''
    >>> late = SamplerUse(2.0, 800, 300, 0.52, 256, 0.4)
    >>> print(limit_of(plan, late))  # doctest: +NORMALIZE_WHITESPACE
    The sampler was the slowest part: 300 of 800 requests were sent late, by up to 0.52 s, and
    200 were not sent, because 256 were in flight at once, the most it allows.
    """
    unsent = max(0, plan.requests_due(use.seconds) - use.sent)
    if plan.rate and max(use.late, unsent) > FEW_LATE * (use.sent + unsent):
        not_sent = f", and {unsent:,} were not sent" if unsent > FEW_LATE * use.sent else ""
        return (
            f"The sampler was the slowest part: {use.late:,} of "
            f"{count_noun(use.sent, 'request')} were sent late, by up to {use.latest_s:.2g} s"
            f"{not_sent}, because {_why_late(plan, use)}."
        )
    if not plan.rate and use.seconds >= LONG_S and use.cpu_share >= BUSY:
        return (
            f"The sampler was the slowest part: at {use.sent / use.seconds:,.0f} requests a second "
            f"it used {_cpu(use)}. The server may be able to do more."
        )
    return ""


def _why_late(plan: SamplingPlan, use: SamplerUse) -> str:
    if use.cpu_share >= BUSY:
        return f"it used {_cpu(use)}"
    if use.most_in_flight < plan.workers:
        return f"it used {_cpu(use)} and got no more of it: this machine or this program was busy"
    if plan.keep_alive:
        kept = count_noun(plan.keep_alive, "kept connection")
        return f"{kept} can carry no more requests at a time"
    return f"{use.most_in_flight:,} were in flight at once, the most it allows"


def _cpu(use: SamplerUse) -> str:
    return f"{percent(min(1.0, use.cpu_share))} of a CPU"


def _check_range(name: str, value: int | None, least: int, most: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(
            f"{name} cannot be {value!r}. Give a whole number from {least} to {most:,}."
        )


def _check_positive(name: str, value: float | None, most: float) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most:
        raise ValueError(f"{name} cannot be {value!r}. Give a number above 0, {most:,.0f} at most.")
