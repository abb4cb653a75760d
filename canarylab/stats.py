"""Confidence intervals of observed shares, and the sample size they need.

A share observed in a few requests is random. Its interval holds the true shares that are
compatible with it. Wilson's interval keeps its coverage for few requests and for shares near 0
and 1, and the usual normal approximation does not (Wilson 1927, "Probable inference, the
law of succession, and statistical inference"; Brown, Cai and DasGupta 2001, "Interval estimation
for a binomial proportion", Statistical Science 16(2), 101-133).

The sample size n is the number of independent choices of a pod. A Service chooses once for each
connection, so 200 requests over one connection are n = 1. If a proxy chooses for each request,
every request counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from canarylab.text import percent
from canarylab.traffic.sample import Sample

if TYPE_CHECKING:
    from pandas import DataFrame

DEFAULT_CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A confidence interval of a share, both ends between 0 and 1.

    >>> 0.25 in Interval(0.14, 0.40), str(Interval(0.14, 0.40))
    (True, '14 % to 40 %')
    """

    low: float
    high: float

    @property
    def width(self) -> float:
        """The distance between the ends.

        >>> round(Interval(0.14, 0.40).width, 2)
        0.26
        """
        return self.high - self.low

    def __contains__(self, share: object) -> bool:
        return isinstance(share, int | float) and self.low <= share <= self.high

    def __str__(self) -> str:
        low, high = percent(self.low), percent(self.high)
        if low == high and self.low != self.high:
            low, high = (f"{100 * end:.2f} %" for end in self)
        return f"{low} to {high}"


class Share(NamedTuple):
    """The observed share of one version or pod, with its interval and the expected share."""

    name: str
    hits: int
    total: int
    """All answered requests: the denominator of the share."""
    interval: Interval
    expected: float | None

    @property
    def observed(self) -> float:
        """The observed share; 0 if nothing was answered.

        >>> Share("2.0", 10, 40, wilson(10, 40), 0.25).observed
        0.25
        """
        return self.hits / self.total if self.total else 0.0

    @property
    def contains_expected(self) -> bool | None:
        """Whether the interval contains the expected share; None without that share or an answer.

        >>> Share("2.0", 10, 40, wilson(10, 40), 0.25).contains_expected
        True
        """
        if self.expected is None or not self.total:
            return None
        return self.expected in self.interval


def wilson(hits: int, total: int, *, confidence: float = DEFAULT_CONFIDENCE) -> Interval:
    """Wilson's score interval for `hits` out of `total`.

    >>> print(wilson(10, 40))
    14 % to 40 %
    >>> print(wilson(0, 15))
    0 % to 20 %
    """
    if total <= 0 or not 0 <= hits <= total:
        raise ValueError(
            f"{hits} of {total} is not a share. Give at least one request, and hits from 0 to "
            "that number."
        )
    return _wilson(hits / total, total, confidence)


def requests_needed(share: float, margin: float, *, confidence: float = DEFAULT_CONFIDENCE) -> int:
    """The number of requests after which the observed share is within `margin` of the true one.

    >>> [requests_needed(0.25, margin) for margin in (0.10, 0.05, 0.01)]
    [73, 289, 7203]
    """
    if not 0 < share < 1 or not 0 < margin < 1:
        raise ValueError(
            f"A share of {share} and a margin of {margin} do not go together. Give both as "
            "fractions between 0 and 1: 0.05 is five percent."
        )
    return math.ceil(_score(confidence) ** 2 * share * (1 - share) / margin**2)


def interval(sample: Sample, hits: int, *, confidence: float = DEFAULT_CONFIDENCE) -> Interval:
    """The interval for a number of hits in a sample; 0 to 1 without answers.

    >>> print(interval(Sample.from_versions(["1.0", "2.0", "1.0", "1.0"]), 1))
    5 % to 70 %
    """
    if not sample.answered:
        return Interval(0.0, 1.0)
    return _wilson(hits / sample.answered, sample.trials, confidence)


def intervals(sample: Sample, *, confidence: float = DEFAULT_CONFIDENCE) -> dict[str, Interval]:
    """The interval of each version's share.

    >>> sample = Sample.from_versions(["1.0", "2.0"])
    >>> {name: str(found) for name, found in intervals(sample).items()}
    {'1.0': '9 % to 91 %', '2.0': '9 % to 91 %'}
    """
    return {each.name: each.interval for each in shares(sample, confidence=confidence)}


def shares(sample: Sample, *, confidence: float = DEFAULT_CONFIDENCE) -> list[Share]:
    """The share of each version.

    >>> [(each.name, each.hits) for each in shares(Sample.from_versions(["1.0", "2.0", "1.0"]))]
    [('1.0', 2), ('2.0', 1)]
    """
    return _shares(sample, sample.by_version, sample.expected, confidence)


def pod_shares(sample: Sample, *, confidence: float = DEFAULT_CONFIDENCE) -> list[Share]:
    """The share of each pod.

    >>> [(each.name, each.hits) for each in pod_shares(Sample.from_versions(["1.0", "2.0"]))]
    [('other', 2)]
    """
    return _shares(sample, sample.by_pod, sample.expected_pods, confidence)


def summary(sample: Sample, *, confidence: float = DEFAULT_CONFIDENCE) -> DataFrame:
    """A row for each version: hits, share, the ends of its interval, the expected share.

    >>> summary(Sample.from_versions(["1.0", "2.0", "1.0", "1.0"]))["share"].to_dict()
    {'1.0': 0.75, '2.0': 0.25}
    """
    return _frame("version", shares(sample, confidence=confidence))


def pod_summary(sample: Sample, *, confidence: float = DEFAULT_CONFIDENCE) -> DataFrame:
    """A row for each pod: hits, share, the ends of its interval, the expected share.

    >>> pod_summary(Sample.from_versions(["1.0", "2.0"])).index.to_list()
    ['other']
    """
    return _frame("pod", pod_shares(sample, confidence=confidence))


def _shares(
    sample: Sample,
    hits_by_name: Mapping[str, int],
    expected: Mapping[str, float] | None,
    confidence: float,
) -> list[Share]:
    return [
        Share(
            name,
            hits,
            sample.answered,
            interval(sample, hits, confidence=confidence),
            None if expected is None else expected.get(name, 0.0),
        )
        for name, hits in hits_by_name.items()
    ]


def _frame(name: str, found: list[Share]) -> DataFrame:
    from pandas import DataFrame  # noqa: PLC0415  importing the arithmetic must stay cheap

    columns = [name, "hits", "share", "low", "high", "expected"]
    rows = [(each.name, each.hits, each.observed, *each.interval, each.expected) for each in found]
    return DataFrame(rows, columns=columns).set_index(name)


def _wilson(share: float, total: int, confidence: float) -> Interval:
    score = _score(confidence)
    shrink = 1 + score**2 / total
    centre = share + score**2 / (2 * total)
    half_width = score * math.sqrt(share * (1 - share) / total + (score / (2 * total)) ** 2)
    low, high = (centre - half_width) / shrink, (centre + half_width) / shrink
    return Interval(0.0 if share == 0 else low, 1.0 if share == 1 else high)


def _score(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(
            f"A confidence of {confidence} is not between 0 and 1. Write 95 % as 0.95."
        )
    return NormalDist().inv_cdf((1 + confidence) / 2)
