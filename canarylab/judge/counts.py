"""What a judge compares: requests and failures of the canary and of production.

A request failed if its answer has a status of 500 or more, if it was lost, or if its answer took
longer than a limit that is set before the release. A lost request that no pod answered is of
neither version; it is counted apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from canarylab.stats.arguments import check_probability, check_sample, is_number, shown
from canarylab.text import sort_naturally
from canarylab.traffic.sample import RequestResult, Sample
from canarylab.traffic.sample_tables import percentile

_SLOW = 0.95


class Counts(NamedTuple):
    """Requests to one version, and how many of them failed."""

    requests: int
    failures: int

    @property
    def rate(self) -> float:
        """The share of the requests that failed; 0 without requests.

        >>> Counts(200, 3).rate
        0.015
        """
        return self.failures / self.requests if self.requests else 0.0


class StepCounts(NamedTuple):
    """The counts while the canary's share of the traffic stood still.

    >>> StepCounts(0.25, canary=Counts(50, 8), production=Counts(150, 2)).failures
    10
    """

    share: float
    """The canary's share of the traffic, from weight or ready pods, not from the requests."""
    canary: Counts
    production: Counts
    """Of production, or of a baseline that is as old and as large as the canary."""
    unattributed: int = 0
    """Lost requests that no pod answered, so that nobody can say whose they were."""

    @property
    def failures(self) -> int:
        """The failures of both."""
        return self.canary.failures + self.production.failures

    @property
    def requests(self) -> int:
        """The requests of both."""
        return self.canary.requests + self.production.requests


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of several counts.

    >>> total([Counts(10, 1), Counts(5, 0)])
    Counts(requests=15, failures=1)
    """
    several = list(counts)
    return Counts(sum(each.requests for each in several), sum(each.failures for each in several))


def count(sample: Sample, *, slower_than_s: float | None = None, baseline: str = "") -> StepCounts:
    """The counts of a sample; the canary is the newest of the expected versions.

    With the name of a `baseline`, a Deployment of production's version that is as large and as new
    as the canary's, only the pods of these two are compared. Answers of versions that nobody
    expected are left out. Raises ValueError if the share of the traffic is unknown, changed under
    way, or is all or nothing.

    >>> sample = Sample.from_versions(["1.0", "1.0", "2.0", "1.0"])
    >>> count(sample.with_expected({"1.0": 0.75, "2.0": 0.25}))
    StepCounts(share=0.25, canary=Counts(requests=1, failures=0), production=Counts(...), ...)
    """
    check_sample(sample)
    every = sample.total or 1
    *_, last = count_so_far(sample, every, slower_than_s=slower_than_s, baseline=baseline)
    return last


def count_so_far(
    sample: Sample, every: int, *, slower_than_s: float | None = None, baseline: str = ""
) -> Iterator[StepCounts]:
    """The counts after each `every` requests of a sample, in the order they were sent, and at last.

    >>> sample = Sample.from_versions(["1.0", "2.0"] * 3).with_expected({"1.0": 0.5, "2.0": 0.5})
    >>> [each.requests for each in count_so_far(sample, 4)]
    [4, 6]
    """
    check_sample(sample)
    share, canary = _share_of_canary(sample, baseline)
    others = set(sample.expected or ()) - {canary}
    fails = _failure_rule(slower_than_s)
    found = {True: [0, 0], False: [0, 0]}
    lost = 0
    ordered = sorted(sample.results, key=lambda each: each.when_s)
    for number, result in enumerate(ordered, 1):
        is_canary = result.version == canary
        if is_canary or (result.version in others and _is_of(result.pod, baseline)):
            of_version = found[is_canary]
            of_version[0] += 1
            of_version[1] += fails(result)
        elif result.failure is not None and result.version is None:
            lost += 1
        if number % every == 0 or number == len(ordered):
            yield StepCounts(share, Counts(*found[True]), Counts(*found[False]), lost)
    if not ordered:
        yield StepCounts(share, Counts(0, 0), Counts(0, 0))


def slow_limit(sample: Sample, share: float = _SLOW) -> float:
    """The latency in seconds that this share of the answers does not exceed.

    Take it from a sample of production alone, before the release; the answers of production are
    then slower than it with a known probability, and the canary's can be compared. With 0.95, one
    answer in twenty of production counts as a failure, and a judge needs thousands of requests to
    promote; with 0.99 it is one in a hundred.

    >>> answers = [RequestResult(0.0, n / 100, "1.0") for n in range(1, 101)]
    >>> from dataclasses import replace
    >>> slow_limit(replace(Sample.from_versions([]), results=tuple(answers)))
    0.95
    """
    check_sample(sample)
    check_probability(share, "share")
    times = sorted(each.latency_s for each in sample.results if each.failure is None)
    if not times:
        raise ValueError(
            "No request of this sample was answered, so it has no latency. Take a sample of "
            "production first."
        )
    return percentile(times, share)


def _is_of(pod: str | None, deployment: str) -> bool:
    """Whether a pod is one of this Deployment; any pod is, without one."""
    return not deployment or (pod or "").startswith(f"{deployment}-")


def _share_of_canary(sample: Sample, baseline: str) -> tuple[float, str]:
    if not sample.expected:
        raise ValueError(
            "The canary's share of the traffic is unknown, so there is nothing to compare. Take "
            "the sample with `lab.sample`, which reads the share from the ready pods."
        )
    if sample.change:
        raise ValueError(
            "The ready pods changed while this sample was taken, and with them the canary's share "
            "of the traffic. Take a sample while they stand still."
        )
    canary = sort_naturally(sample.expected)[-1]
    share = sample.expected[canary]
    if not 0 < share < 1 or len(sample.expected) == 1:
        raise ValueError(
            f"Only version {canary} gets traffic, so there is nothing to compare. Give production "
            "and canary a pod each."
        )
    if not baseline:
        return share, canary
    pods = sample.expected_pods or {}
    of_baseline = sum(part for pod, part in pods.items() if _is_of(pod, baseline))
    if not of_baseline:
        raise ValueError(
            f"No pod of {baseline} gets traffic, so there is nothing to compare. Give it as many "
            "pods as the canary has."
        )
    return share / (share + of_baseline), canary


def check_limit(slower_than_s: object) -> None:
    """Refuse a limit of the latency that is no time above 0; None is no limit.

    >>> check_limit(0)
    Traceback (most recent call last):
    ValueError: slower_than_s cannot be 0. Give a limit in seconds above 0, such as ...
    """
    if slower_than_s is not None and (not is_number(slower_than_s, 0) or slower_than_s == 0):
        raise ValueError(
            f"slower_than_s cannot be {shown(slower_than_s)}. Give a limit in seconds above 0, "
            "such as slow_limit(sample)."
        )


def _failure_rule(slower_than_s: float | None) -> Callable[[RequestResult], bool]:
    check_limit(slower_than_s)
    if slower_than_s is None:
        return is_error
    return lambda each: is_error(each) or each.latency_s > slower_than_s


def is_error(result: RequestResult) -> bool:
    """Whether a request was lost, or answered with a status of 500 or more.

    >>> is_error(RequestResult(0.0, 0.1, status=503, failure="status 503"))
    True
    >>> is_error(RequestResult(0.0, 0.1, status=404, failure="status 404"))
    False
    """
    return result.failure is not None and (result.status is None or result.status >= 500)


def checked(steps: StepCounts | Sequence[StepCounts]) -> tuple[StepCounts, ...]:
    """One step or several as a tuple; raises ValueError for counts that cannot be."""
    several = (steps,) if isinstance(steps, StepCounts) else tuple(steps)
    for step in several:
        for counts in (step.canary, step.production):
            if not 0 <= counts.failures <= counts.requests:
                raise ValueError(
                    f"{counts.failures} failures in {counts.requests} requests cannot be. Give "
                    "from 0 failures to as many as requests."
                )
        if not 0 < step.share < 1:
            raise ValueError(
                f"With {step.share:g} of the traffic for the canary there is nothing to compare. "
                "Give a share between 0 and 1."
            )
    return several
