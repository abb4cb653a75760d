"""Random draws: how many hits chance alone gives, if the true share is known.

Each request is a draw: it reaches the canary with the probability `share`, independently of the
others. The number of hits is then binomial. All functions here use the `math` module alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from canarylab.display import ShownAsTable, Table
from canarylab.stats.arguments import check_count, check_hits, check_probability, check_share
from canarylab.text import count_noun, percent

MOST_REQUESTS = 1_000_000
"""Of a distribution: it has a probability for each number of hits."""
_SAME_LIKELIHOOD = 1e-7  # of two draws that differ by rounding only, as SciPy has it


def draw_probabilities(share: float, requests: int) -> list[float]:
    """The probability of each number of hits, from 0 to `requests`: the binomial distribution.

    ValueError for a share outside 0 to 1, and for more than 1,000,000 requests.

    >>> [round(each, 3) for each in draw_probabilities(0.25, 3)]
    [0.422, 0.422, 0.141, 0.016]
    >>> round(draw_probabilities(0.25, 15)[0], 4)
    0.0134
    """
    check_share(share)
    check_count(requests, "requests", MOST_REQUESTS)
    if share in {0, 1}:
        return [float(hits == requests * share) for hits in range(requests + 1)]
    log_share, log_rest = math.log(share), math.log1p(-share)
    ways = math.lgamma(requests + 1)
    return [
        math.exp(
            ways
            - math.lgamma(hits + 1)
            - math.lgamma(requests - hits + 1)
            + hits * log_share
            + (requests - hits) * log_rest
        )
        for hits in range(requests + 1)
    ]


class LikelyHits(NamedTuple):
    """The usual numbers of hits, both ends included.

    >>> print(LikelyHits(1, 7, 15))
    1 to 7 of 15 requests, that is 6.7 % to 47 %
    """

    low: int
    high: int
    requests: int

    def __contains__(self, hits: object) -> bool:
        return isinstance(hits, int) and self.low <= hits <= self.high

    def __str__(self) -> str:
        low, high = (percent(each / self.requests) for each in (self.low, self.high))
        who = count_noun(self.requests, "request")
        return f"{self.low:,} to {self.high:,} of {who}, that is {low} to {high}"


def likely_hits(share: float, requests: int, *, confidence: float = 0.95) -> LikelyHits:
    """The numbers of hits that are left if 2.5 % of the draws are cut off at each end.

    >>> print(likely_hits(0.25, 15))
    1 to 7 of 15 requests, that is 6.7 % to 47 %
    """
    check_probability(confidence, "confidence")
    at_most = list(accumulate(draw_probabilities(share, requests)))
    cut_off = (1 - confidence) / 2
    low = next(hits for hits, reached in enumerate(at_most) if reached >= cut_off)
    high = next((hits for hits, reached in enumerate(at_most) if reached >= 1 - cut_off), requests)
    return LikelyHits(low, high, requests)


def two_sided_probability(hits: int, trials: int, share: float) -> float:
    """The probability of all draws that are at most as likely as this one, if `share` is true.

    It is what the exact binomial test of R and SciPy calls the two-sided p-value.

    >>> round(two_sided_probability(0, 10, 0.25), 3)
    0.076
    """
    check_hits(hits, trials)
    check_share(share)
    return _two_sided_probability(hits, trials, share)


@lru_cache(maxsize=256)
def _two_sided_probability(hits: int, trials: int, share: float) -> float:
    probabilities = draw_probabilities(share, trials)
    most = probabilities[hits] * (1 + _SAME_LIKELIHOOD)
    return min(1.0, math.fsum(each for each in probabilities if each <= most))


@dataclass(frozen=True, repr=False)
class KeptConnections(ShownAsTable):
    """How far the observed share is spread if connections are kept.

    >>> KeptConnections(0.25, 200, 8, spread=0.153, spread_without=0.031, none=0.1)
    200 requests over 8 kept connections are 8 draws: the observed share has a standard deviation of 15.3 percentage points around 25 %. With a new connection for each request it is 3.1.
    """  # noqa: E501  an example shows what a learner sees

    share: float
    requests: int
    connections: int
    spread: float
    """Standard deviation of the observed share, as a fraction."""
    spread_without: float
    """The same with a new connection for each request."""
    none: float
    """The probability that no request at all reaches the canary."""

    @property
    def sentence(self) -> str:
        """What the numbers mean."""
        draws = min(self.requests, self.connections)
        kept = count_noun(self.connections, "kept connection")
        be = "is" if self.requests == 1 else "are"
        return (
            f"{count_noun(self.requests, 'request')} over {kept} {be} {count_noun(draws, 'draw')}: "
            f"the observed share has a standard deviation of {100 * self.spread:.1f} percentage "
            f"points around {percent(self.share)}. With a new connection for each request it is "
            f"{100 * self.spread_without:.1f}."
        )

    def _table(self) -> Table:
        """A row for kept connections, and one for a new connection for each request."""
        columns = ("connections", "requests", "standard deviation", "no request at the canary")
        without_none = (1 - self.share) ** self.requests
        rows = [
            (f"{count:,} {how}", f"{self.requests:,}", f"{100 * spread:.1f} points", percent(none))
            for count, how, spread, none in (
                (self.connections, "kept", self.spread, self.none),
                (self.requests, "new", self.spread_without, without_none),
            )
        ]
        return Table(self.sentence, columns, rows)


def kept_connections(share: float, requests: int, connections: int) -> KeptConnections:
    """The spread of the observed share if `requests` are sent over `connections` that are kept.

    A Service chooses a pod once for each connection, so all requests over one connection are
    answered by the same pod. The requests are dealt out to the connections in turn. The variance
    of a weighted mean of independent draws is share (1 - share) times the sum of the squared
    weights (Kish 1965, "Survey Sampling", on cluster sampling).

    >>> [round(kept_connections(0.25, 1600, kept).spread, 3) for kept in (1, 2, 8, 32)]
    [0.433, 0.306, 0.153, 0.077]
    >>> kept_connections(0.25, 200, 1).none
    0.75
    """
    check_share(share)
    check_count(requests, "requests")
    check_count(connections, "connections")
    used = min(requests, connections)
    each, more = divmod(requests, used)
    squares = more * (each + 1) ** 2 + (used - more) * each**2
    variance = share * (1 - share)
    return KeptConnections(
        share,
        requests,
        connections,
        spread=math.sqrt(variance * squares) / requests,
        spread_without=math.sqrt(variance / requests),
        none=(1 - share) ** used,
    )
