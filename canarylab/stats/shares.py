"""Confidence intervals of observed shares, and how these agree with the expected ones.

A share observed in a few requests is random. Its interval holds the true shares that are
compatible with it. Wilson's interval keeps its coverage for few requests and for shares near 0
and 1, and the usual normal approximation does not (Wilson 1927, "Probable inference, the
law of succession, and statistical inference"; Brown, Cai and DasGupta 2001, "Interval estimation
for a binomial proportion", Statistical Science 16(2), 101-133).

The sample size n is the number of independent choices of a pod. A Service chooses once for each
connection, so 200 requests over one connection are n = 1. If a proxy chooses for each request,
every request counts.

`agreement` decides whether a difference is chance, and `finding` says it in words. Pictures,
tables, widgets, checkpoints and the tour use these two, so that they cannot contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Literal, NamedTuple, get_args

from canarylab.display import Table
from canarylab.stats.arguments import (
    check_hits,
    check_probability,
    check_sample,
    check_samples,
    check_share,
    is_fraction,
    is_number,
    shown,
)
from canarylab.stats.draws import two_sided_probability
from canarylab.text import OTHER, count_noun, join_words, percent, version_label
from canarylab.traffic.sample import Sample

DEFAULT_CONFIDENCE = 0.95
COMMONEST, RAREST = 20, 10_000
"""An unlucky draw happens about once in so many times; a rarer one is not called chance."""
FEWEST_TRIALS = 12
"""With fewer choices the interval of some draws is wider than 50 points."""

_DIGITS = 12  # of an expected share: a sum of weights may be 1 - 1e-16


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


Source = Literal["pods", "rules"]
"""Source of an expected share: the ready pods, or the rules of an Ingress."""

Fit = Literal["as expected", "too few to judge", "unlucky", "not suggested"]
"""How well two shares agree, the worst last."""


class Agreement(NamedTuple):
    """How an observed share agrees with the expected one; its text is what learners read.

    >>> print(Agreement("unlucky", 40))
    an unlucky draw, about once in 40
    """

    fit: Fit
    once_in: int | None = None
    """How rare so unlikely a draw is, for an unlucky one."""
    source: Source = "pods"

    @property
    def holds(self) -> bool:
        """False only if chance does not explain the difference.

        >>> Agreement("unlucky", 40).holds, Agreement("not suggested").holds
        (True, False)
        """
        return self.fit != "not suggested"

    def __str__(self) -> str:
        if self.fit == "unlucky":
            return f"an unlucky draw, about once in {self.once_in:,}"
        return f"not what the {self.source} suggest" if self.fit == "not suggested" else self.fit


class Share(NamedTuple):
    """The observed share of one version or pod, with its interval and the expected share."""

    name: str
    hits: int
    total: int
    """All answered requests: the denominator of the share."""
    interval: Interval
    expected: float | None
    agreement: Agreement | None = None
    """None without an expected share or an answer."""

    @property
    def observed(self) -> float:
        """The observed share; 0 if nothing was answered.

        >>> Share("2.0", 10, 40, wilson(10, 40), 0.25).observed
        0.25
        """
        return self.hits / self.total if self.total else 0.0

    @property
    def misses(self) -> bool:
        """Whether the expected share is outside the interval.

        >>> Share("2.0", 10, 40, wilson(10, 40), 0.25).misses
        False
        """
        return bool(self.total) and self.expected is not None and self.expected not in self.interval


class Finding(NamedTuple):
    """What a sample shows, in one sentence without a full stop: title, status line, checkpoint."""

    sentence: str
    agreement: Agreement | None = None
    """Of the version that agrees least; None if there is nothing to compare."""


def wilson(hits: int, total: int, *, confidence: float = DEFAULT_CONFIDENCE) -> Interval:
    """Wilson's score interval for `hits` out of `total`.

    >>> print(wilson(10, 40))
    14 % to 40 %
    >>> print(wilson(0, 15))
    0 % to 20 %
    """
    check_hits(hits, total)
    return _wilson(hits / total, total, confidence)


def requests_needed(share: float, margin: float, *, confidence: float = DEFAULT_CONFIDENCE) -> int:
    """The number of requests after which the observed share is within `margin` of the true one.

    >>> [requests_needed(0.25, margin) for margin in (0.10, 0.05, 0.01)]
    [73, 289, 7203]
    """
    if not is_fraction(share) or not is_fraction(margin):
        raise ValueError(
            f"A share of {shown(share)} and a margin of {shown(margin)} do not go together. Give "
            "both as fractions between 0 and 1: 0.05 is five percent."
        )
    return math.ceil(_score(confidence) ** 2 * share * (1 - share) / margin**2)


def agreement(
    hits: int, trials: int, expected: float, drawn: Interval, *, source: Source = "pods"
) -> Agreement:
    """Decide how `hits` of `trials` choices agree with an expected share.

    The share agrees if it lies within the interval that is drawn. Otherwise the exact two-sided
    binomial probability of a draw that is at least as unlikely decides: rarer than once in 10,000
    is no bad luck. A 95 % interval misses its mark about once in 20 times, so no unlucky draw is
    called more common than that. With fewer than 12 choices the interval of some draws is wider
    than 50 points, and such a sample is not judged.

    >>> print(agreement(10, 40, 0.25, wilson(10, 40)))
    as expected
    >>> print(agreement(70, 200, 0.25, wilson(70, 200)))
    an unlucky draw, about once in 550
    >>> print(agreement(100, 200, 0.25, wilson(100, 200)))
    not what the pods suggest
    """
    check_hits(hits, trials)
    expected = _rounded(expected) if is_number(expected) else expected
    check_share(expected)
    is_random = 0 < expected < 1
    if expected in drawn and not (is_random and trials < FEWEST_TRIALS):
        return Agreement("as expected", source=source)
    probability = 1.0 if expected in drawn else two_sided_probability(hits, trials, expected)
    if probability < 1 / RAREST:
        return Agreement("not suggested", source=source)
    if trials < FEWEST_TRIALS:
        return Agreement("too few to judge", source=source)
    return Agreement("unlucky", max(COMMONEST, _two_digits(1 / probability)), source)


def finding(sample: Sample) -> Finding:
    """What a sample shows. Titles, tables, status lines, checkpoints and the tour all say this.

    >>> sample = Sample.from_versions(["1.0", "2.0", "1.0", "1.0"] * 10)
    >>> finding(sample.with_expected({"1.0": 0.75, "2.0": 0.25})).sentence
    'As expected: version 2.0 answered 25 % of 40 requests, expected 25 %'
    >>> finding(sample).sentence
    'Version 2.0 answered 25 % of 40 requests'
    """
    check_sample(sample)
    if not sample.total:
        return Finding(" ".join(sample.notes).removesuffix(".") or "No request was sent")
    if not sample.answered:
        return Finding(f"None of {count_noun(sample.total, 'request')} was answered")
    share = _least_agreeing(shares(sample))
    what = _what_happened(sample, share)
    if share.agreement is None:
        return Finding(_capitalized(what) + _failed(sample))
    return Finding(
        f"{_capitalized(str(share.agreement))}: {what}{_failed(sample)}", share.agreement
    )


def finding_of_samples(samples: Sequence[Sample], version: str) -> Finding:
    """What several samples at one ratio show: how many intervals contain the expected share.

    All are judged together and none alone: of 20 samples one is unlucky, and that is the point.

    >>> one = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
    >>> finding_of_samples([one] * 20, "2.0").sentence
    '20 of 20 intervals contain the expected 50 %'
    """
    check_samples(samples)
    each = [share_of(sample, version) for sample in samples]
    answered = [share for share in each if share.total]
    failed = _failed(*samples)
    if not answered:
        return Finding("No request was answered")
    expected = answered[0].expected
    if expected is None or any(share.expected != expected for share in each):
        seen = [share.observed for share in answered]
        range_ = f"{percent(min(seen))} to {percent(max(seen))}"
        who = version_label(version)
        return Finding(f"In {count_noun(len(each), 'sample')} {who} answered {range_}{failed}")
    contain = sum(not share.misses for share in answered)
    sentence = (
        f"{contain} of {count_noun(len(answered), 'interval')} "
        f"{'contains' if contain == 1 else 'contain'} the expected {percent(expected)}{failed}"
    )
    found = _pooled(samples, version, expected)
    return Finding(sentence if found.holds else f"{_capitalized(str(found))}: {sentence}", found)


def finding_of_sweep(labels: Sequence[str], samples: Sequence[Sample], version: str) -> Finding:
    """What samples at several ratios show.

    >>> one = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
    >>> finding_of_sweep(["1 : 1", "2 : 2"], [one, one], "2.0").sentence
    'As expected at each of 2 ratios: requests are split like the pods'
    """
    check_samples(samples)
    findings = [finding(sample) for sample in samples]
    failed = _failed(*samples)
    if any(each.agreement is None for each in findings):
        worst = next(index for index, each in enumerate(findings) if each.agreement is None)
        why = "the pods changed" if samples[worst].answered else "no request was answered"
        return Finding(f"Nothing to compare at {labels[worst]}: {why} during the sample{failed}")
    found = [each.agreement for each in findings if each.agreement]
    worst = max(range(len(found)), key=lambda index: _rank(found[index]))
    if found[worst].fit == "not suggested" or len(found) == 1:
        words, _, what = findings[worst].sentence.partition(":")
        return Finding(f"{words} at {labels[worst]}:{what}", found[worst])
    if found[worst].fit == "too few to judge":
        few = count_noun(samples[worst].trials, "choice")
        return Finding(f"Too few to judge: {few} of a pod at {labels[worst]}{failed}", found[worst])
    unlucky = [label for label, each in zip(labels, found, strict=True) if each.fit == "unlucky"]
    if not unlucky:
        split = "requests are split like the pods"
        count = count_noun(len(found), "ratio")
        return Finding(f"As expected at each of {count}: {split}{failed}", found[worst])
    fitting = f"As expected at {len(found) - len(unlucky)} of {count_noun(len(found), 'ratio')}"
    if len(unlucky) == 1:
        return Finding(f"{fitting}; at {unlucky[0]} {found[worst]}{failed}", found[worst])
    rarest = f"the rarest about once in {found[worst].once_in:,}"
    return Finding(
        f"{fitting}; at {join_words(unlucky)} unlucky draws, {rarest}{failed}", found[worst]
    )


def interval(sample: Sample, hits: int, *, confidence: float = DEFAULT_CONFIDENCE) -> Interval:
    """The interval for a number of hits in a sample; 0 to 1 without answers.

    >>> print(interval(Sample.from_versions(["1.0", "2.0", "1.0", "1.0"]), 1))
    4.6 % to 70 %
    """
    check_sample(sample)
    if not sample.answered:
        return Interval(0.0, 1.0)
    check_hits(hits, sample.answered)
    return _wilson(hits / sample.answered, sample.trials, confidence)


def intervals(sample: Sample) -> dict[str, Interval]:
    """The 95 % interval of each version's share.

    >>> sample = Sample.from_versions(["1.0", "2.0"])
    >>> {name: str(found) for name, found in intervals(sample).items()}
    {'1.0': '9.5 % to 91 %', '2.0': '9.5 % to 91 %'}
    """
    return {each.name: each.interval for each in shares(sample)}


def shares(sample: Sample) -> list[Share]:
    """The share of each version.

    >>> [(each.name, each.hits) for each in shares(Sample.from_versions(["1.0", "2.0", "1.0"]))]
    [('1.0', 2), ('2.0', 1)]
    """
    check_sample(sample)
    return [share_of(sample, name) for name in sample.by_version]


def share_of(sample: Sample, version: str) -> Share:
    """The share of one version, also of one without an answer.

    >>> share_of(Sample.from_versions(["1.0"]), "2.0").observed
    0.0
    """
    check_sample(sample)
    return _share(sample, version, sample.by_version, sample.expected, sample.choices("version"))


def share_of_all(samples: Sequence[Sample], version: str) -> Share:
    """The share of a version in several samples together, with what the first one expected.

    >>> one = Sample.from_versions(["1.0", "2.0"] * 20)
    >>> print(share_of_all([one] * 5, "2.0").interval)
    43 % to 57 %
    """
    check_samples(samples)
    hits = sum(each.by_version.get(version, 0) for each in samples)
    total, trials = sum(each.answered for each in samples), sum(each.trials for each in samples)
    expected = share_of(samples[0], version).expected
    if not total:
        return Share(version, 0, 0, Interval(0.0, 1.0), expected)
    drawn = _wilson(hits / total, trials, DEFAULT_CONFIDENCE)
    found = None if expected is None else _pooled(samples, version, expected)
    return Share(version, hits, total, drawn, expected, found)


def pod_shares(sample: Sample) -> list[Share]:
    """The share of each pod.

    >>> [(each.name, each.hits) for each in pod_shares(Sample.from_versions(["1.0", "2.0"]))]
    [('other', 2)]
    """
    check_sample(sample)
    hits, choices = sample.by_pod, sample.choices("pod")
    return [_share(sample, name, hits, sample.expected_pods, choices) for name in hits]


def summary(sample: Sample) -> Table:
    """A row for each version: hits, share, interval, expected share, and how the two agree.

    >>> summary(Sample.from_versions(["1.0", "2.0", "1.0", "1.0"]))
    Version 2.0 answered 25 % of 4 requests.
    version  answers  share  95 % interval  expected  finding
    1.0      3        75 %   30 % to 95 %   unknown   not compared
    2.0      1        25 %   4.6 % to 70 %  unknown   not compared
    """
    columns = ("version", "answers", "share", "95 % interval", "expected", "finding")
    rows = [
        (
            each.name,
            f"{each.hits:,}",
            percent(each.observed) if each.total else "no answer",
            each.interval,
            "unknown" if each.expected is None else percent(each.expected),
            each.agreement or "not compared",
        )
        for each in shares(sample)
    ]
    return Table(f"{finding(sample).sentence}.", columns, rows)


def _share(
    sample: Sample,
    name: str,
    hits: Mapping[str, int],
    expected: Mapping[str, float] | None,
    choices: Mapping[str, int],
) -> Share:
    number, drawn = hits.get(name, 0), interval(sample, hits.get(name, 0))
    share = None if expected is None else _rounded(expected.get(name, 0.0))
    found = None
    if share is not None and sample.answered:
        chosen, source = choices.get(name, 0), sample.expected_from
        found = agreement(chosen, sample.trials, share, drawn, source=source)
    return Share(name, number, sample.answered, drawn, share, found)


def _rounded(expected: float) -> float:
    return round(min(max(expected, 0.0), 1.0), _DIGITS)


def _least_agreeing(found: Sequence[Share]) -> Share:
    """The newest of those that agree least; an answer without a version only if nothing else."""
    named = [each for each in found if each.name != OTHER] or found
    worst = max(named[::-1], key=_disagreement)
    other = found[-1]
    return other if _disagreement(other) > _disagreement(worst) else worst


def _disagreement(share: Share) -> tuple[int, int]:
    return _rank(share.agreement) if share.agreement else (-1, 0)


def _rank(found: Agreement) -> tuple[int, int]:
    return get_args(Fit).index(found.fit), found.once_in or 0


def _what_happened(sample: Sample, share: Share) -> str:
    thing = count_noun(sample.answered, "answered request" if sample.failed else "request")
    if share.name == OTHER:
        return f"{share.hits:,} of {thing} got an answer without a version"
    by_connection = sample.keep_alive and sample.balanced_per == "connection"
    over = f" over {count_noun(sample.trials, 'connection')}" if by_connection else ""
    how_many = {0: "none of ", share.total: "all "}.get(
        share.hits, f"{percent(share.observed)} of "
    )
    answered = f"{version_label(share.name)} answered {how_many}{thing}{over}"
    if share.expected == 0 and share.hits:
        no = "no ready pod runs it" if sample.expected_from == "pods" else "no rule leads to it"
        return f"{answered}, though {no}"
    return answered if share.expected is None else f"{answered}, expected {percent(share.expected)}"


def _failed(*samples: Sample) -> str:
    failed = sum(sample.failed for sample in samples)
    return f"; {count_noun(failed, 'request')} failed" if failed else ""


def _pooled(samples: Sequence[Sample], version: str, expected: float) -> Agreement:
    """The agreement of all choices together."""
    hits = sum(sample.choices("version")[version] for sample in samples)
    trials = sum(sample.trials for sample in samples)
    source = samples[0].expected_from
    return agreement(hits, trials, expected, wilson(hits, trials), source=source)


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


def _two_digits(number: float) -> int:
    return round(number, 1 - math.floor(math.log10(number))).__trunc__()


def _wilson(share: float, total: int, confidence: float) -> Interval:
    score = _score(confidence)
    shrink = 1 + score**2 / total
    centre = share + score**2 / (2 * total)
    half_width = score * math.sqrt(share * (1 - share) / total + (score / (2 * total)) ** 2)
    low, high = (centre - half_width) / shrink, (centre + half_width) / shrink
    return Interval(0.0 if share == 0 else low, 1.0 if share == 1 else high)


def _score(confidence: float) -> float:
    check_probability(confidence, "confidence")
    return NormalDist().inv_cdf((1 + confidence) / 2)
