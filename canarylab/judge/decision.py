"""Judges: is the canary worse than production, and is that known well enough to go on?

`Judge` compares both versions and may be consulted after every request. `ThresholdJudge` compares
the canary with a fixed number, as the usual tools do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from canarylab.display import Table
from canarylab.judge.counts import (
    Counts,
    StepCounts,
    check_limit,
    checked,
    count,
    count_so_far,
    total,
)
from canarylab.stats import Interval
from canarylab.stats.arguments import is_count, is_fraction, is_number, shown
from canarylab.stats.sequential import (
    DEFAULT_ALPHA,
    confidence_sequence,
    evidence_text,
    log_evidence,
)
from canarylab.text import count_noun, percent, percentage_points, tolerated
from canarylab.traffic.sample import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from canarylab.figures import Picture

Verdict = Literal["roll back", "promote", "not enough to tell"]

ROLL_BACK: Verdict = "roll back"
PROMOTE: Verdict = "promote"
UNCLEAR: Verdict = "not enough to tell"
_HALF = DEFAULT_ALPHA / 2  # of the table's intervals: both hold together with 95 %
_LOOKS = 200
"""Of one sample; more cannot be told apart in a picture."""


class Limits(NamedTuple):
    """What a judge was set to before it saw a request."""

    tolerance: float
    alpha: float
    slower_than_s: float | None = None

    @property
    def enough(self) -> float:
        """The evidence at which it rolls back.

        >>> Limits(tolerance=0.02, alpha=0.05).enough
        20.0
        """
        return 1 / self.alpha


class Look(NamedTuple):
    """What the counts said at one moment."""

    requests: int
    evidence: float
    """Natural logarithm of the evidence that the canary fails more often."""
    difference: float
    """By how much the canary may fail more often, as a difference of two rates."""


@dataclass(frozen=True, repr=False)
class Decision:
    """A verdict, why, and the counts it rests on."""

    verdict: Verdict
    reasons: tuple[str, ...]
    """A sentence for each."""
    steps: tuple[StepCounts, ...]
    looks: tuple[Look, ...] = ()
    """The evidence as it grew, the last look last; none of a judge that weighs no evidence."""
    limits: Limits | None = None
    """None of a judge that weighs no evidence."""
    baseline: str = ""
    """The Deployment that the canary was compared with; empty for production."""

    @property
    def sentence(self) -> str:
        """The verdict with its first reason.

        >>> Decision("promote", ("It may fail 1 points more often.",), ()).sentence
        'Promote: it may fail 1 points more often.'
        """
        first = self.reasons[0]
        return f"{self.verdict.capitalize()}: {first[0].lower()}{first[1:]}"

    @property
    def canary(self) -> Counts:
        """All requests to the canary, and its failures."""
        return total(each.canary for each in self.steps)

    @property
    def production(self) -> Counts:
        """All requests to production, and its failures."""
        return total(each.production for each in self.steps)

    def plot(self) -> Picture:
        """The canary's share of the failures beside its share of the requests.

        >>> Judge().decide(StepCounts(0.25, Counts(250, 40), Counts(750, 10))).plot().title
        'Roll back: the canary has 40 of 50 failures and 25 % of the traffic'
        """
        from canarylab.judge import pictures  # noqa: PLC0415  matplotlib is slow to import

        return pictures.plot_decision(self)

    def plot_evidence(self) -> Picture:
        """The evidence against the canary as it grew, and how much is enough.

        >>> judge, step = Judge(), StepCounts(0.25, Counts(250, 40), Counts(750, 10))
        >>> judge.decide(step).plot_evidence().title
        'After 1,000 requests the evidence is ..., and 20 is enough to roll back'
        """
        from canarylab.judge import pictures  # noqa: PLC0415  matplotlib is slow to import

        return pictures.plot_evidence(self)

    def plot_difference(self) -> Picture:
        """By how much the canary may fail more often as requests came, and what is tolerated.

        >>> judge, step = Judge(), StepCounts(0.25, Counts(250, 0), Counts(750, 0))
        >>> judge.decide(step).plot_difference().title
        'After 1,000 requests the canary may fail 3.6 points more often, and 2 points are tolerated'
        """
        from canarylab.judge import pictures  # noqa: PLC0415  matplotlib is slow to import

        return pictures.plot_difference(self)

    def save(self, path: str | Path) -> Path:
        """Write the decision as one page of HTML, with its pictures; return its path."""
        from canarylab.judge import pictures  # noqa: PLC0415  matplotlib is slow to import

        return pictures.save_report(self, path)

    def table(self) -> Table:
        """The verdict, its reasons and the counts.

        >>> print(*Judge().decide(StepCounts(0.25, Counts(5, 0), Counts(15, 0))).table().columns)
        version requests failures failure rate confidence sequence
        """
        half = self.limits.alpha / 2 if self.limits else _HALF
        rows = [
            (name, f"{each.requests:,}", f"{each.failures:,}", percent(each.rate), interval)
            for name, each in (
                ("canary", self.canary),
                ("baseline" if self.baseline else "production", self.production),
            )
            for interval in [_interval(each, half)]
        ]
        columns = ("version", "requests", "failures", "failure rate", "confidence sequence")
        return Table(self.sentence, columns, rows, notes=self.reasons[1:])

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


class AnyJudge(Protocol):
    """What `simulate` and a release need of a judge."""

    @property
    def slower_than_s(self) -> float | None:
        """The latency beyond which an answer counts as a failure; None for no limit."""

    def verdict(self, steps: Sequence[StepCounts]) -> Verdict:
        """The verdict alone, quickly."""

    def decide(
        self, observed: Sample | StepCounts | Sequence[StepCounts], *, baseline: str = ""
    ) -> Decision:
        """The verdict with its reasons."""


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Compares the canary with production; its error rates hold however often it is consulted.

    *Roll back* when the evidence that the canary fails more often is 1 / `alpha`. If it is no
    worse, its share of the failures is its share of the traffic, so a good canary is ever rolled
    back with a probability of `alpha` at most. *Promote* when the canary fails less than
    `tolerance` more often than production: when its highest possible rate, less the lowest possible
    rate of production, is below it. Both rates have a confidence sequence at `alpha` / 2. Until
    then, *not enough to tell*.

    The evidence of several steps is multiplied. The rates are those of all steps together, so they
    say little if the rates themselves changed from step to step, as in an outage.

    `slower_than_s` makes each slower answer a failure. Set it before the release, from
    `slow_limit` of a sample of production. Errors and slow answers are then one kind of failure;
    two judges, one for each kind, have to share `alpha`: give each the half.

    >>> judge = Judge(tolerance=0.02)
    >>> judge.decide(StepCounts(0.25, Counts(40, 8), Counts(120, 2)))
    Roll back: the canary has 8 of 10 failures and 25 % of the traffic.
    version     requests  failures  failure rate  confidence sequence
    canary      40        8         20 %          5 % to 45 %
    production  120       2         1.7 %         under 0.1 % to 10 %
    The evidence that it fails more often is 235, and 20 is enough: ...
    """

    tolerance: float = 0.02
    """Difference of two failure rates: 0.02 is two percentage points."""
    alpha: float = DEFAULT_ALPHA
    slower_than_s: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("tolerance", self.tolerance), ("alpha", self.alpha)):
            if not is_fraction(value):
                raise ValueError(
                    f"{name} cannot be {shown(value)}. Give a number between 0 and 1: 0.05."
                )
        check_limit(self.slower_than_s)

    @property
    def limits(self) -> Limits:
        """What it was set to."""
        return Limits(self.tolerance, self.alpha, self.slower_than_s)

    def verdict(self, steps: Sequence[StepCounts]) -> Verdict:
        """The verdict alone."""
        fair = sum(each.share * each.failures for each in steps)
        is_more = sum(each.canary.failures for each in steps) > fair
        if is_more and _log_evidence(steps) >= -math.log(self.alpha):
            return ROLL_BACK
        return PROMOTE if self._is_surely_tolerable(steps) else UNCLEAR

    def look(self, steps: Sequence[StepCounts]) -> Look:
        """The evidence of all steps together, and by how much the canary may be worse."""
        requests = sum(each.requests for each in steps)
        return Look(requests, _log_evidence(steps), self._difference(steps))

    def _difference(self, steps: Sequence[StepCounts]) -> float:
        canary, production = _worst_canary(steps), total(each.production for each in steps)
        if not canary.requests or not production.requests:
            return 1.0
        highest = _interval(canary, self.alpha / 2).high
        return highest - _interval(production, self.alpha / 2).low

    def _is_surely_tolerable(self, steps: Sequence[StepCounts]) -> bool:
        canary, production = _worst_canary(steps), total(each.production for each in steps)
        worst = production.rate + self.tolerance
        # The lowest rate of production is not above the observed one. So the answer is no, and no
        # interval has to be computed, as long as the canary's contains what that would tolerate.
        if worst < 1 and (
            canary.rate >= worst
            or log_evidence(canary.failures, canary.requests, worst) < -math.log(self.alpha / 2)
        ):
            return False
        return self._difference(steps) < self.tolerance

    def decide(
        self, observed: Sample | StepCounts | Sequence[StepCounts], *, baseline: str = ""
    ) -> Decision:
        """The verdict on a sample, or on counts, with its reasons.

        Several counts are the steps of one release; their evidence is multiplied. In a sample, the
        canary is compared with the pods of the Deployment `baseline`, if one is named.
        """
        if isinstance(observed, Sample):
            every, limit = max(1, observed.total // _LOOKS), self.slower_than_s
            so_far = list(count_so_far(observed, every, slower_than_s=limit, baseline=baseline))
            steps, looks = so_far[-1:], tuple(self.look([each]) for each in so_far)
        else:
            steps = list(checked(observed))
            looks = (self.look(steps),)
        verdict = self.verdict(steps)
        reasons = self._reasons(verdict, steps, looks[-1])
        return Decision(verdict, reasons, tuple(steps), looks, self.limits, baseline)

    def _reasons(
        self, verdict: Verdict, steps: Sequence[StepCounts], look: Look
    ) -> tuple[str, ...]:
        enough = f"{self.limits.enough:g}"
        against = (
            f"The evidence that it fails more often is {evidence_text(look.evidence)}, and "
            f"{enough} is enough: with a canary that is no worse, at most one release of {enough} "
            "gets there."
        )
        may = percentage_points(look.difference)
        if may == percentage_points(self.tolerance):  # rounded alike, and the verdict rests on it
            may = f"{100 * look.difference:.3g} points"
        difference = (
            f"The canary may fail {may} more often than production, "
            f"and {tolerated(self.tolerance)}."
        )
        if look.difference < 0:
            less = percentage_points(-look.difference)
            difference = f"The canary fails at least {less} less often than production."
        if verdict == ROLL_BACK:
            return (_failure_shares(steps), against, *_lost(steps))
        if verdict == PROMOTE:
            return (difference, *_lost(steps))
        return (_without_requests(steps) or difference, against, *_lost(steps))


@dataclass(frozen=True, kw_only=True)
class ThresholdJudge:
    """Compares the canary's failure rate with a fixed limit, whatever production does.

    Flagger compares so (`thresholdRange` of `request-success-rate`, over an `interval`), and Argo
    Rollouts can (`failureCondition` of a metric). Both can tolerate some failed checks before they
    roll back (`threshold`, `failureLimit`), which this judge does not, so their own error rates
    differ. It rolls back as soon as the canary's rate is
    above `max_failure_rate` after `min_requests` requests to the canary, and promotes after
    `promote_after` requests to both.

    >>> ThresholdJudge().decide(StepCounts(0.25, Counts(40, 1), Counts(120, 0))).verdict
    'roll back'
    """

    max_failure_rate: float = 0.02
    min_requests: int = 20
    promote_after: int = 500
    slower_than_s: float | None = None

    def __post_init__(self) -> None:
        if not is_number(self.max_failure_rate, 0, 1) or self.max_failure_rate == 1:
            raise ValueError(
                f"max_failure_rate cannot be {self.max_failure_rate}. Give a number from 0, and "
                "below 1: 0.02 is two percent."
            )
        if not is_count(self.min_requests) or not is_count(self.promote_after, self.min_requests):
            raise ValueError(
                f"min_requests={self.min_requests} and promote_after={self.promote_after} do not "
                "go together. Give 1 at least, and for the second as many as for the first or more."
            )
        check_limit(self.slower_than_s)

    def verdict(self, steps: Sequence[StepCounts]) -> Verdict:
        """The verdict alone."""
        canary = total(each.canary for each in steps)
        if canary.requests >= self.min_requests and canary.rate > self.max_failure_rate:
            return ROLL_BACK
        is_long = sum(each.requests for each in steps) >= self.promote_after
        return PROMOTE if is_long and canary.requests else UNCLEAR

    def decide(
        self, observed: Sample | StepCounts | Sequence[StepCounts], *, baseline: str = ""
    ) -> Decision:
        """The verdict on a sample, or on the counts of the steps of a release."""
        if isinstance(observed, Sample):
            observed = count(observed, slower_than_s=self.slower_than_s, baseline=baseline)
        steps = checked(observed)
        verdict, canary = self.verdict(steps), total(each.canary for each in steps)
        requests = count_noun(canary.requests, "request")
        rate = f"The canary fails in {percent(canary.rate)} of {requests}"
        limit = f"and the limit is {percent(self.max_failure_rate)}"
        reasons = {
            ROLL_BACK: f"{rate}, {limit}.",
            PROMOTE: f"{rate}, {limit}; {self.promote_after:,} requests are enough for this judge.",
            UNCLEAR: f"{rate}; this judge waits for {self.min_requests:,} of them, and for "
            f"{self.promote_after:,} requests to both.",
        }
        return Decision(verdict, (reasons[verdict],), steps, baseline=baseline)


def check_judge(judge: AnyJudge | None) -> AnyJudge:
    """The judge, or the usual one for None; ValueError for what cannot judge.

    >>> check_judge(None)
    Judge(tolerance=0.02, alpha=0.05, slower_than_s=None)
    """
    if judge is None:
        return Judge()
    is_judge = callable(getattr(judge, "decide", None)) and hasattr(judge, "slower_than_s")
    if isinstance(judge, type) or not is_judge:
        raise ValueError(f"{judge!r} is no judge. Give Judge() or ThresholdJudge().")
    return judge


def _log_evidence(steps: Sequence[StepCounts]) -> float:
    return sum(log_evidence(each.canary.failures, each.failures, each.share) for each in steps)


def _failure_shares(steps: Sequence[StepCounts]) -> str:
    failures, canary = sum(each.failures for each in steps), total(each.canary for each in steps)
    fair = sum(each.share * each.failures for each in steps) / failures
    return (
        f"The canary has {canary.failures:,} of {count_noun(failures, 'failure')} and "
        f"{percent(fair)} of the traffic."
    )


def _without_requests(steps: Sequence[StepCounts]) -> str:
    for name, counts in (
        ("canary", total(each.canary for each in steps)),
        ("production", total(each.production for each in steps)),
    ):
        if not counts.requests:
            return f"No request reached {'the canary' if name == 'canary' else name}."
    return ""


def _lost(steps: Sequence[StepCounts]) -> tuple[str, ...]:
    lost = sum(each.unattributed for each in steps)
    if not lost:
        return ()
    return (
        f"{count_noun(lost, 'request')} {'was' if lost == 1 else 'were'} lost before a pod "
        "answered. Nobody knows whose they were; to promote, all count as the canary's.",
    )


def _worst_canary(steps: Sequence[StepCounts]) -> Counts:
    """The canary's counts if every lost request that nobody answered was its own."""
    lost = sum(each.unattributed for each in steps)
    canary = total(each.canary for each in steps)
    return Counts(canary.requests + lost, canary.failures + lost)


def _interval(counts: Counts, alpha: float) -> Interval:
    return confidence_sequence(counts.failures, counts.requests, alpha=alpha)
