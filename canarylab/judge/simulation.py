"""How often a judge is wrong, and how many requests it needs: many releases, drawn at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import get_args

from canarylab.display import Table
from canarylab.judge.counts import Counts, StepCounts
from canarylab.judge.decision import PROMOTE, ROLL_BACK, UNCLEAR, AnyJudge, Verdict, check_judge
from canarylab.stats.arguments import check_seed, is_count, is_number, shown
from canarylab.text import count_noun, percent

MAX_RELEASES, MAX_REQUESTS = 20_000, 200_000


@dataclass(frozen=True)
class Scenario:
    """Two versions whose true failure rates are known, and how a judge looks at them."""

    canary_rate: float
    production_rate: float
    share: float = 0.25
    """The probability that a request goes to the canary."""
    look_every: int = 50
    """Requests from one look of the judge to the next."""
    max_requests: int = 20_000

    def __post_init__(self) -> None:
        for name in ("canary_rate", "production_rate", "share"):
            if not is_number(getattr(self, name), 0, 1):
                raise ValueError(
                    f"{name} cannot be {getattr(self, name)}. Give a number from 0 to 1."
                )
        fits = is_count(self.max_requests, 1, MAX_REQUESTS)
        if not fits or not is_count(self.look_every, 1, self.max_requests):
            raise ValueError(
                f"look_every={self.look_every} and max_requests={self.max_requests} do not go "
                f"together. Give from 1 to {MAX_REQUESTS:,}, and for the second not less."
            )


@dataclass(frozen=True, repr=False)
class Simulation:
    """The verdicts of many releases of the same two versions, and when they were reached."""

    scenario: Scenario
    verdicts: tuple[tuple[Verdict, int], ...]
    """The verdict on each release, and after how many requests; the last look if there is none."""

    def share_of(self, verdict: Verdict) -> float:
        """The share of the releases with this verdict.

        >>> Simulation(Scenario(0.01, 0.01), (("promote", 50),)).share_of("promote")
        1.0
        """
        if verdict not in get_args(Verdict):
            known = ", ".join(get_args(Verdict))
            raise ValueError(f"There is no verdict {verdict!r}. Choose one of: {known}.")
        return sum(found == verdict for found, _ in self.verdicts) / len(self.verdicts)

    def median_requests(self, verdict: Verdict) -> float | None:
        """The median number of requests to this verdict; None if no release had it."""
        found = [requests for each, requests in self.verdicts if each == verdict]
        return median(found) if found else None

    def table(self) -> Table:
        """A row for each verdict.

        >>> print(Simulation(Scenario(0.01, 0.01), (("promote", 50),)).table().sentence)
        1 release: the canary fails in 1 % of its requests, production in 1 %.
        """
        counted = Counter(verdict for verdict, _ in self.verdicts)
        rows = [
            (verdict, f"{counted[verdict]:,}", percent(self.share_of(verdict)), _text(requests))
            for verdict in (ROLL_BACK, PROMOTE, UNCLEAR)
            for requests in [self.median_requests(verdict)]
        ]
        return Table(
            f"{count_noun(len(self.verdicts), 'release')}: the canary fails in "
            f"{percent(self.scenario.canary_rate)} of its requests, production in "
            f"{percent(self.scenario.production_rate)}.",
            ("verdict", "releases", "share", "median of requests"),
            rows,
        )

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def simulate(
    judge: AnyJudge, scenario: Scenario, *, releases: int = 600, seed: int = 0
) -> Simulation:
    """Draw releases at random and let the judge look at each until it decides.

    The same seed draws the same releases, so that two judges can be compared on them.

    >>> from canarylab.judge import ThresholdJudge
    >>> simulate(ThresholdJudge(), Scenario(canary_rate=0, production_rate=0), releases=3)
    3 releases: the canary fails in 0 % of its requests, production in 0 %.
    verdict             releases  share  median of requests
    roll back           0         0 %    -
    promote             3         100 %  500
    not enough to tell  0         0 %    -
    """
    judge = check_judge(judge)
    if not is_count(releases, 1, MAX_RELEASES):
        raise ValueError(
            f"{releases} releases cannot be drawn. Give a number from 1 to {MAX_RELEASES:,}."
        )
    if not isinstance(scenario, Scenario):
        raise ValueError(f"{shown(scenario)} is no scenario. Give Scenario(...), two true rates.")
    check_seed(seed)
    from numpy.random import default_rng  # noqa: PLC0415  numpy is slow to import

    random, looks = default_rng(seed), scenario.max_requests // scenario.look_every
    found = []
    for _ in range(releases):
        canary = random.binomial(scenario.look_every, scenario.share, looks)
        canary_failures = random.binomial(canary, scenario.canary_rate)
        of_production = scenario.look_every - canary
        production_failures = random.binomial(of_production, scenario.production_rate)
        drawn = (canary, canary_failures, of_production, production_failures)
        sums = (each.cumsum().tolist() for each in drawn)
        steps = (
            StepCounts(scenario.share, Counts(*each[:2]), Counts(*each[2:]))
            for each in zip(*sums, strict=True)
        )
        found.append(_first_verdict(judge, steps))
    return Simulation(scenario, tuple(found))


def _first_verdict(judge: AnyJudge, looks: Iterable[StepCounts]) -> tuple[Verdict, int]:
    """The first verdict but "not enough to tell", and after how many requests."""
    requests = 0
    for step in looks:
        verdict, requests = judge.verdict([step]), step.requests
        if verdict != UNCLEAR:
            return verdict, requests
    return UNCLEAR, requests


def _text(requests: float | None) -> str:
    return "-" if requests is None else f"{requests:,.0f}"
