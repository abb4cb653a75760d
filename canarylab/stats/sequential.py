"""Evidence and confidence sequences: they hold however often one looks, and whenever one stops.

A usual test keeps its error rate only if it is looked at once, after a number of requests that was
fixed before. The two functions here are fair bets against a claim: whatever is true, the chance
that the evidence ever reaches 1/alpha against a true claim is at most alpha (Ville's inequality).
Both spread the bet evenly over all alternatives (Robbins 1970, "Statistical methods related to the
law of the iterated logarithm", Annals of Mathematical Statistics 41; for canary releases Lindon,
Sanden and Shirikian 2022, "Rapid regression detection in software deployments through sequential
testing", KDD, arXiv 2205.14762).
"""

from __future__ import annotations

import math

from canarylab.stats.arguments import (
    LARGEST_COUNT,
    check_probability,
    is_count,
    is_fraction,
    shown,
)
from canarylab.stats.shares import Interval

DEFAULT_ALPHA = 0.05
_STEPS = 200  # of the search for an end; Newton's method needs about six
_EXACT = 1e-15
_LARGEST_SAID = 1_000_000


def evidence(hits: int, total: int, share: float) -> float:
    """The evidence against the claim that each of `total` trials hits with probability `share`.

    B(hits + 1, total - hits + 1) / (share^hits (1 - share)^(total - hits)), where B is the beta
    function. 1 says nothing; 20 is reached with a true claim by one in twenty at most, ever. The
    evidence of several independent sets of trials is the product.

    >>> round(evidence(8, 10, 0.25), 3), evidence(0, 0, 0.25)
    (235.371, 1.0)
    """
    log = log_evidence(hits, total, share)
    return math.exp(log) if log < 700 else math.inf


def log_evidence(hits: int, total: int, share: float) -> float:
    """The natural logarithm of `evidence`; unlike it, it is never too large for a float.

    >>> round(log_evidence(3, 3, 0.25), 3)
    2.773
    """
    _check(hits, total)
    if not is_fraction(share):
        raise ValueError(
            f"With a share of {shown(share)} of the trials there is nothing to compare. Give a "
            "share between 0 and 1."
        )
    misses = total - hits
    return _log_beta(hits, misses) - hits * math.log(share) - misses * math.log1p(-share)


def evidence_text(log: float) -> str:
    """An evidence from its logarithm, rounded as one says it.

    >>> evidence_text(5.461), evidence_text(-1.448), evidence_text(300.0)
    ('235', '0.24', 'over 1,000,000')
    """
    if log > math.log(_LARGEST_SAID):
        return f"over {_LARGEST_SAID:,}"
    value = math.exp(log)
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def confidence_sequence(hits: int, total: int, *, alpha: float = DEFAULT_ALPHA) -> Interval:
    """The rates that the hits so far do not contradict, however often one has looked.

    All rates with an `evidence` against them of less than 1/alpha. It is wider than `wilson` at the
    same number of trials, because it holds at all of them together.

    >>> low, high = confidence_sequence(4, 15)
    >>> round(low, 5), round(high, 5)
    (0.04403, 0.63851)
    """
    _check(hits, total)
    check_probability(alpha, "alpha")
    return Interval(1 - _upper_end(total - hits, total, alpha), _upper_end(hits, total, alpha))


def _upper_end(hits: int, total: int, alpha: float) -> float:
    """Where the evidence reaches 1/alpha, to the right of the observed rate."""
    if hits == total:
        return 1.0
    misses, goal = total - hits, _log_beta(hits, total - hits) + math.log(alpha)
    if not hits:
        return -math.expm1(goal / misses)
    low, high = hits / total, 1.0
    rate = min(low + 3 * math.sqrt(low * (1 - low) / total) + 3 / total, (low + 1) / 2)
    for _ in range(_STEPS):
        excess = goal - hits * math.log(rate) - misses * math.log1p(-rate)
        low, high = (low, rate) if excess > 0 else (rate, high)
        slope = misses / (1 - rate) - hits / rate
        following = rate - excess / slope if slope else low
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - rate) <= _EXACT:
            break
        rate = following
    return rate


def _log_beta(hits: int, misses: int) -> float:
    return math.lgamma(hits + 1) + math.lgamma(misses + 1) - math.lgamma(hits + misses + 2)


def _check(hits: int, total: int) -> None:
    if not is_count(total, 0, LARGEST_COUNT) or not is_count(hits, 0, total):
        raise ValueError(
            f"{shown(hits)} hits in {shown(total)} trials cannot be. Give from 0 hits to as many "
            "as trials."
        )
