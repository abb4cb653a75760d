"""Peeking: how often one is misled who looks again and again, simulated.

A 95 % interval misses the true share once in twenty times if one looks once, after a number of
requests that was fixed before. Who looks after every few requests, and stops when something looks
wrong, has many chances to be misled (Armitage, McPherson and Rowe 1969, "Repeated significance
tests on accumulating data", Journal of the Royal Statistical Society A 132(2), 235-244). A
confidence sequence allows for this: `sequential.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from canarylab.display import ShownAsTable, Table
from canarylab.stats.arguments import check_count, check_probability, check_seed
from canarylab.stats.sequential import DEFAULT_ALPHA, log_evidence
from canarylab.stats.shares import wilson
from canarylab.text import count_noun, percent

MAX_DRAWS = 20_000_000


@dataclass(frozen=True, repr=False)
class Peeking(ShownAsTable):
    """How many of the simulated releases looked wrong, though every share was as expected.

    >>> Peeking(0.25, 1000, 20, 1000, once=50, interval=349, sequence=13)
    Of 1,000 releases with nothing wrong, 35 % look wrong to a person who looks 50 times, and 5 % to one who looks once.
    """  # noqa: E501  an example shows what a learner sees

    share: float
    """The true share of the canary, which is also the expected one."""
    requests: int
    """Requests of one release."""
    every: int
    """Requests between two looks."""
    releases: int
    once: int
    """Releases in which the share is outside the 95 % interval of all requests."""
    interval: int
    """Releases in which it is outside the 95 % interval at one look or more."""
    sequence: int
    """Releases in which it is outside the 95 % confidence sequence at one look or more."""

    @property
    def looks(self) -> int:
        """How often one looks at a release."""
        return self.requests // self.every

    @property
    def sentence(self) -> str:
        """What the numbers mean."""
        return (
            f"Of {count_noun(self.releases, 'release')} with nothing wrong, "
            f"{percent(self.interval / self.releases)} look wrong to a person who looks "
            f"{count_noun(self.looks, 'time')}, and {percent(self.once / self.releases)} to one "
            "who looks once."
        )

    def _table(self) -> Table:
        """A row for each way to look."""
        looks = count_noun(self.looks, "time")
        rows = [
            (method, when, f"{number:,} of {self.releases:,}", percent(number / self.releases))
            for method, when, number in (
                ("95 % interval", "once, at the end", self.once),
                ("95 % interval", looks, self.interval),
                ("confidence sequence", looks, self.sequence),
            )
        ]
        return Table(self.sentence, ("method", "looked at", "false alarms", "share"), rows)


def simulate_peeking(
    share: float = 0.25,
    *,
    requests: int = 1000,
    every: int = 20,
    releases: int = 1000,
    seed: int = 2,
) -> Peeking:
    """Simulate releases in which the canary gets its share, and look after `every` requests.

    A look is a false alarm if the share is outside the interval of all requests so far. Each
    request is a random draw with the probability `share`; the `seed` decides about all of them.

    >>> simulate_peeking(requests=200, every=20, releases=400).once <= 40
    True
    """
    check_probability(share, "share")
    for number, things in ((requests, "requests"), (every, "requests"), (releases, "releases")):
        check_count(number, things)
    check_seed(seed)
    if every > requests or requests * releases > MAX_DRAWS:
        raise ValueError(
            f"{releases:,} releases of {requests:,} requests with a look after every {every:,} "
            f"cannot be simulated. Give at most {MAX_DRAWS:,} requests in all, and a look within "
            "each release."
        )
    random, once, interval, sequence = Random(seed), 0, 0, 0
    for _ in range(releases):
        looks = _looks(random, share, requests // every, every)
        by_interval = [share not in wilson(hits, total) for hits, total in looks]
        once += by_interval[-1]
        interval += any(by_interval)
        sequence += any(_is_outside_sequence(hits, total, share) for hits, total in looks)
    return Peeking(share, requests, every, releases, once, interval, sequence)


def _looks(random: Random, share: float, looks: int, every: int) -> list[tuple[int, int]]:
    """Hits and requests so far, at each look."""
    hits, found = 0, []
    for look in range(1, looks + 1):
        hits += sum(random.random() < share for _ in range(every))
        found.append((hits, look * every))
    return found


def _is_outside_sequence(hits: int, total: int, share: float) -> bool:
    """Whether `confidence_sequence` excludes the share; without its search for the ends."""
    return log_evidence(hits, total, share) >= -math.log(DEFAULT_ALPHA)
