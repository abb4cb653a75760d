"""Sample sizes: how many requests it takes to see a difference.

`requests_needed` of `shares.py` gives the number for a margin. Here a true difference is given,
and `power` is the probability that a test with the error probability `alpha` finds it. Both
formulas compare arcsines of square roots, whose variance is the same for every share (Cohen 1988,
"Statistical Power Analysis for the Behavioral Sciences", chapter 6; his effect size h). The
`math` module is enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from canarylab.display import ShownAsTable, Table
from canarylab.stats.arguments import check_probability, check_share
from canarylab.text import count_noun, percent


def requests_to_tell_apart(
    one: float, two: float, *, power: float = 0.8, alpha: float = 0.05
) -> int:
    """The number of requests after which a share `one` is told from a known share `two`.

    The requests are those of one sample, and the test is two-sided: is the share 25 %, as the pods
    suggest, or is it 20 %?

    >>> requests_to_tell_apart(0.25, 0.20), requests_to_tell_apart(0.25, 0.50)
    (546, 29)
    """
    check_probability(alpha, "alpha")
    effect = _effect(one, two, what="share")
    return math.ceil((_scores(power, alpha / 2, alpha) / effect) ** 2)


@dataclass(frozen=True, repr=False)
class RequestsToCompare(ShownAsTable):
    """The requests that both versions have to get.

    >>> RequestsToCompare(0.01, 0.02, canary=1184, production=3551, power=0.8)
    To see that the canary fails with 2 % and production with 1 %, send 4,735 requests: 1,184 to the canary and 3,551 to production. The difference is then found in 80 % of releases.
    """  # noqa: E501  an example shows what a learner sees

    rate_of_production: float
    rate_of_canary: float
    canary: int
    production: int
    power: float

    @property
    def total(self) -> int:
        """The requests to both versions together."""
        return self.canary + self.production

    @property
    def sentence(self) -> str:
        """What the numbers mean."""
        return (
            f"To see that the canary fails with {percent(self.rate_of_canary)} and production with "
            f"{percent(self.rate_of_production)}, send {count_noun(self.total, 'request')}: "
            f"{self.canary:,} to the canary and {self.production:,} to production. The difference "
            f"is then found in {percent(self.power)} of releases."
        )

    def _table(self) -> Table:
        """A row for each version."""
        rows = [
            ("production", percent(self.rate_of_production), f"{self.production:,}"),
            ("canary", percent(self.rate_of_canary), f"{self.canary:,}"),
        ]
        return Table(self.sentence, ("who", "error rate", "requests"), rows)


def requests_to_compare_error_rates(
    production: float,
    canary: float,
    *,
    canary_share: float = 0.5,
    power: float = 0.8,
    alpha: float = 0.05,
) -> RequestsToCompare:
    """The requests after which the canary's error rate is told from that of production.

    Both rates are measured. The test is one-sided: is the canary worse? `canary_share` is the
    share of the requests that reach the canary.

    >>> requests_to_compare_error_rates(0.01, 0.02).canary
    1776
    >>> requests_to_compare_error_rates(0.01, 0.02, canary_share=0.25).canary
    1184
    """
    effect = _effect(production, canary, what="error rate")
    check_probability(canary_share, "share of the canary")
    times = (1 - canary_share) / canary_share
    needed = (1 + 1 / times) * (_scores(power, alpha, alpha) / effect) ** 2
    return RequestsToCompare(
        production, canary, math.ceil(needed), math.ceil(needed * times), power
    )


def requests_to_see_one(error_rate: float, *, confidence: float = 0.95) -> int:
    """The number of requests of which at least one fails, with the probability `confidence`.

    None of n fails with the probability (1 - error_rate)^n.

    >>> requests_to_see_one(0.01)
    299
    """
    check_probability(error_rate, "error rate")
    check_probability(confidence, "confidence")
    return math.ceil(math.log1p(-confidence) / math.log1p(-error_rate))


def _effect(one: float, two: float, *, what: str) -> float:
    check_share(one, what)
    check_share(two, what)
    effect = abs(2 * math.asin(math.sqrt(one)) - 2 * math.asin(math.sqrt(two)))
    if not effect:
        raise ValueError(
            f"Both are {percent(one)}, and no number of requests tells equals apart. Give two "
            "different fractions."
        )
    return effect


def _scores(power: float, tail: float, alpha: float) -> float:
    """The sum of the normal quantiles of the power and of the test."""
    check_probability(power, "power")
    check_probability(alpha, "alpha")
    if power <= tail:
        raise ValueError(
            f"A power of {power} is below the error probability {alpha}. Give a larger power, such "
            "as 0.8."
        )
    return NormalDist().inv_cdf(power) + NormalDist().inv_cdf(1 - tail)
