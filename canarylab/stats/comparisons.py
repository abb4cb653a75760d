"""Comparisons: two error rates, two sets of latencies, and the counts of several pods.

A difference is given with its interval or its effect size, because a small p-value alone says
nothing about how large the difference is. The p-value is the probability of data that fit at most
as well as these, if there is no difference.

SciPy is imported where it is used: NumPy and `scipy.stats` together take about 75 MB of memory, and
`scipy.special` alone takes less than half of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from canarylab.display import ShownAsTable, Table
from canarylab.stats.arguments import (
    LARGEST_COUNT,
    check_hits,
    check_sample,
    checked_seconds,
    is_count,
    shown,
)
from canarylab.stats.shares import DEFAULT_CONFIDENCE, wilson
from canarylab.text import OTHER, count_noun, percent, sort_naturally
from canarylab.traffic.sample import Sample

_FEWEST_EXPECTED = 5  # counts of each pod; below, chi-square is rough (Cochran 1954)


class DifferenceInterval(NamedTuple):
    """A confidence interval of a difference of two shares, both ends from -1 to 1.

    >>> 0 in DifferenceInterval(-0.01, 0.042), str(DifferenceInterval(-0.01, 0.042))
    (True, '-1 to 4.2 percentage points')
    """

    low: float
    high: float

    @property
    def width(self) -> float:
        """The distance between the ends.

        >>> round(DifferenceInterval(-0.01, 0.042).width, 3)
        0.052
        """
        return self.high - self.low

    def __contains__(self, difference: object) -> bool:
        return isinstance(difference, int | float) and self.low <= difference <= self.high

    def __str__(self) -> str:
        return f"{_points(self.low)} to {_points(self.high)} percentage points"


class ErrorRate(NamedTuple):
    """How many requests failed.

    >>> print(ErrorRate(9, 100))
    9 of 100 requests failed (9 %)
    """

    failures: int
    requests: int

    @property
    def rate(self) -> float:
        """The share of the requests that failed.

        >>> ErrorRate(9, 100).rate
        0.09
        """
        return self.failures / self.requests

    def __str__(self) -> str:
        return (
            f"{self.failures:,} of {count_noun(self.requests, 'request')} failed "
            f"({percent(self.rate)})"
        )


def error_rates(sample: Sample) -> dict[str, ErrorRate]:
    """The error rate of each version.

    A failed request counts for the version that its response names, as that of a 5xx does. One
    without a response, or without a version in it, counts for "other".

    >>> error_rates(Sample.from_versions(["1.0", "2.0", "1.0"]))["1.0"].requests
    2
    """
    check_sample(sample)
    requests = Counter(each.version or OTHER for each in sample.results)
    failures = Counter(each.version or OTHER for each in sample.results if each.failure)
    return {name: ErrorRate(failures[name], requests[name]) for name in sort_naturally(requests)}


def latencies(sample: Sample) -> dict[str, list[float]]:
    """The latencies of the answered requests of each version, in seconds.

    >>> latencies(Sample.from_versions(["1.0", "2.0", "1.0"]))
    {'1.0': [0.0, 0.0], '2.0': [0.0]}
    """
    check_sample(sample)
    found: dict[str, list[float]] = {}
    for each in sample.results:
        if each.failure is None:
            found.setdefault(each.version or OTHER, []).append(each.latency_s)
    return {name: found[name] for name in sort_naturally(found)}


def newcombe(
    hits_one: int,
    total_one: int,
    hits_two: int,
    total_two: int,
    *,
    confidence: float = DEFAULT_CONFIDENCE,
) -> DifferenceInterval:
    """Newcombe's interval of the second share minus the first.

    It combines the Wilson intervals of both shares, and so keeps its coverage for few requests and
    for rates near 0 (Newcombe 1998, "Interval estimation for the difference between independent
    proportions: comparison of eleven methods", Statistics in Medicine 17, 873-890, method 10).

    >>> print(newcombe(3, 300, 9, 100))
    3.4 to 15.3 percentage points
    """
    low_one, high_one = wilson(hits_one, total_one, confidence=confidence)
    low_two, high_two = wilson(hits_two, total_two, confidence=confidence)
    one, two = hits_one / total_one, hits_two / total_two
    below = math.hypot(two - low_two, high_one - one)
    above = math.hypot(high_two - two, one - low_one)
    return DifferenceInterval(two - one - below, two - one + above)


@dataclass(frozen=True, repr=False)
class ErrorRateComparison(ShownAsTable):
    """Two error rates, their difference, and how often chance alone gives so unequal ones."""

    production: ErrorRate
    canary: ErrorRate
    interval: DifferenceInterval
    """Of the canary's rate minus that of production."""
    p_value: float
    confidence: float = DEFAULT_CONFIDENCE

    @property
    def difference(self) -> float:
        """The canary's rate minus that of production.

        >>> round(compare_error_rates((3, 300), (9, 100)).difference, 3)
        0.08
        """
        return self.canary.rate - self.production.rate

    @property
    def sentence(self) -> str:
        """What the numbers mean."""
        how = (
            "as often as"
            if self.difference == 0
            else f"{_points(abs(self.difference))} percentage points "
            f"{'more' if self.difference > 0 else 'less'} often than"
        )
        return (
            f"The canary failed {how} production: {percent(self.canary.rate)} of "
            f"{count_noun(self.canary.requests, 'request')} against "
            f"{percent(self.production.rate)} of {self.production.requests:,}. "
            f"The {percent(self.confidence)} interval of the difference is {self.interval}; "
            f"{_p_value(self.p_value)}."
        )

    def _table(self) -> Table:
        """A row for each version."""
        rows = [
            (name, f"{each.failures:,} of {each.requests:,}", percent(each.rate), interval)
            for name, each in (("production", self.production), ("canary", self.canary))
            for interval in [wilson(*each, confidence=self.confidence)]
        ]
        columns = ("who", "failed", "error rate", f"{percent(self.confidence)} interval")
        return Table(self.sentence, columns, rows)


def compare_error_rates(
    production: tuple[int, int],
    canary: tuple[int, int],
    *,
    confidence: float = DEFAULT_CONFIDENCE,
) -> ErrorRateComparison:
    """Compare two error rates, each given as (failures, requests).

    The interval is Newcombe's. The p-value is that of Fisher's exact test, two-sided (Fisher 1935,
    "The logic of inductive inference", Journal of the Royal Statistical Society 98(1), 39-82). It
    is valid for any number of requests, and never too small; Barnard's test finds a difference
    somewhat earlier and takes minutes for thousands of requests.

    >>> compare_error_rates((3, 300), (9, 100))
    The canary failed 8 percentage points more often than production: 9 % of 100 requests against 1 % of 300. The 95 % interval of the difference is 3.4 to 15.3 percentage points; p = 0.00031.
    """  # noqa: E501  an example shows what a learner sees
    one, two = _error_rate(production, "production"), _error_rate(canary, "the canary")
    interval = newcombe(*one, *two, confidence=confidence)
    from scipy.stats import fisher_exact  # noqa: PLC0415  scipy takes 70 MB

    table = [[each.failures, each.requests - each.failures] for each in (one, two)]
    p_value = min(1.0, float(fisher_exact(table).pvalue))
    return ErrorRateComparison(one, two, interval, p_value, confidence)


@dataclass(frozen=True, repr=False)
class LatencyComparison(ShownAsTable):
    """Two sets of latencies, and how often the second is the longer one."""

    medians_s: tuple[float, float]
    counts: tuple[int, int]
    longer: float
    """The probability that a request of the second takes longer than one of the first."""
    p_value: float

    @property
    def sentence(self) -> str:
        """What the numbers mean."""
        one, two = (_duration(each) for each in self.medians_s)
        return (
            f"A request of the canary takes longer than one of production with probability "
            f"{percent(self.longer)}; 50 % is no difference. The medians are {two} and {one}; "
            f"{_p_value(self.p_value)}."
        )

    def _table(self) -> Table:
        """A row for each version."""
        both = zip(("production", "canary"), self.counts, self.medians_s, strict=True)
        rows = [(name, f"{count:,}", _duration(middle)) for name, count, middle in both]
        return Table(self.sentence, ("who", "requests", "median latency"), rows)


def compare_latencies(production: Iterable[float], canary: Iterable[float]) -> LatencyComparison:
    """Compare the latencies of two versions, in seconds, by ranks.

    The effect size is the probability that a request of the canary takes longer than one of
    production, where equal ones count half. It is the U of Mann and Whitney over all pairs, and
    the p-value is that of their test, two-sided (Mann and Whitney 1947, "On a test of whether one
    of two random variables is stochastically larger than the other", Annals of Mathematical
    Statistics 18(1), 50-60; McGraw and Wong 1992, "A common language effect size statistic",
    Psychological Bulletin 111(2), 361-365). Ranks do not see *how much* slower a request is: a
    canary that is slow for one request in fifty gives a probability of 51 %.

    >>> compare_latencies([0.010, 0.011, 0.012, 0.013], [0.012, 0.014, 0.015, 0.016])
    A request of the canary takes longer than one of production with probability 91 %; 50 % is no difference. The medians are 14 ms and 12 ms; p = 0.081.
    """  # noqa: E501  an example shows what a learner sees
    one = checked_seconds(production, "production")
    two = checked_seconds(canary, "the canary")
    from scipy.stats import mannwhitneyu  # noqa: PLC0415  scipy takes 70 MB

    tested = mannwhitneyu(two, one, alternative="two-sided")
    longer = float(tested.statistic) / (len(one) * len(two))
    medians = median(one), median(two)
    return LatencyComparison(medians, (len(one), len(two)), longer, float(tested.pvalue))


@dataclass(frozen=True, repr=False)
class Uniformity(ShownAsTable):
    """The counts of several pods, and how often an even split gives so unequal ones."""

    counts: Mapping[str, int]
    statistic: float
    """Pearson's chi-square."""
    p_value: float

    @property
    def mean(self) -> float:
        """The count of each pod if all were equal.

        >>> uniformity([10, 12, 8, 10]).mean
        10.0
        """
        return sum(self.counts.values()) / len(self.counts)

    @property
    def sentence(self) -> str:
        """What the numbers mean."""
        counts, total = self.counts.values(), sum(self.counts.values())
        rough = (
            f" With fewer than {_FEWEST_EXPECTED} for each pod this is rough."
            if self.mean < _FEWEST_EXPECTED
            else ""
        )
        return (
            f"{count_noun(len(counts), 'pod')} answered {min(counts):,} to {max(counts):,} of "
            f"{count_noun(total, 'request')}. If each pod is equally likely, counts are at least "
            f"as uneven in {percent(self.p_value)} of samples.{rough}"
        )

    def _table(self) -> Table:
        """A row for each pod."""
        total = sum(self.counts.values())
        rows = [(pod, f"{hits:,}", percent(hits / total)) for pod, hits in self.counts.items()]
        return Table(self.sentence, ("pod", "answers", "share"), rows)


def uniformity(counts: Mapping[str, int] | Sequence[int]) -> Uniformity:
    """Test whether each pod is equally likely, given how many requests each answered.

    Pearson's chi-square test (Pearson 1900, "On the criterion that a given system of deviations ...",
    Philosophical Magazine 50, 157-175). Every count has to be one of independent choices: with
    kept connections count connections, not requests.

    >>> uniformity({"a": 14, "b": 7, "c": 10, "d": 9})
    4 pods answered 7 to 14 of 40 requests. If each pod is equally likely, counts are at least as uneven in 46 % of samples.
    """  # noqa: E501  an example shows what a learner sees
    named = dict(counts) if isinstance(counts, Mapping) else _numbered(counts)
    if len(named) < 2:
        raise ValueError(
            f"Counts of {count_noun(len(named), 'pod')} cannot be compared. Give those of at least "
            "two pods."
        )
    hits = named.values()
    if not all(is_count(each, 0, LARGEST_COUNT) for each in hits) or not any(hits):
        raise ValueError(
            f"{shown(counts)} are no counts of pods. Give whole numbers from 0 on, at least one "
            "of them above 0."
        )
    mean = sum(hits) / len(hits)
    statistic = math.fsum((each - mean) ** 2 for each in hits) / mean
    from scipy.special import chdtrc  # noqa: PLC0415  scipy takes memory

    return Uniformity(named, statistic, float(chdtrc(len(named) - 1, statistic)))


def _numbered(counts: Sequence[int]) -> dict[str, int]:
    if not isinstance(counts, Sequence) or isinstance(counts, str):
        raise ValueError(f"{shown(counts)} is no list of counts. Give that of each pod: [14, 7].")
    return {f"pod {number}": hits for number, hits in enumerate(counts, start=1)}


def _error_rate(given: tuple[int, int], whose: str) -> ErrorRate:
    try:
        failures, requests = given
    except (TypeError, ValueError):
        raise ValueError(
            f"{given!r} is not an error rate of {whose}. Give the number of failures and the "
            "number of requests: (3, 300)."
        ) from None
    check_hits(failures, requests)
    return ErrorRate(failures, requests)


def _points(difference: float) -> str:
    decimals = 1 if abs(difference) >= 0.01 else 2
    return f"{round(100 * difference, decimals) + 0.0:g}"  # + 0.0: a zero has no minus


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def _p_value(probability: float) -> str:
    return "p is below 0.0001" if probability < 0.0001 else f"p = {probability:.2g}"
