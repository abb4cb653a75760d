"""Expected shares as a function of time, from the pods that were ready while requests were sent.

A Service sends each new connection to one of its ready pods, each with the same probability. While
pods come and go, the expected share of a version is a step function of time. The share expected of
a whole sample is the mean of it over the requests: each counts with the pods that got traffic when
it was sent.

The network follows a change of the pods up to about a second later. Where answers name their pods,
they show when it did: new pods answer from then on, and pods that left do not answer any more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

APPLIED_WITHIN_S = 2.0
"""The network applies a change at most so long after it was seen; kube-proxy needs about 1 s."""
SEEN_LATER_S = 0.3
"""A change is seen at most so long after it happened: three looks at the Service."""


class Observation(NamedTuple):
    """The ready pods of a Service at one moment."""

    at: float
    """A reading of `time.perf_counter`."""
    ready: Mapping[str, str]
    """The version of each ready pod, by the pod's name."""


class Expectation(NamedTuple):
    """The shares that the ready pods suggest from a moment on."""

    when_s: float
    """Seconds from the start of the sample; 0 for what held at the start."""
    versions: Mapping[str, float]
    pods: Mapping[str, float]


class LeavingPod(NamedTuple):
    """A pod that was ready and is not any more: terminating, not ready, or gone."""

    when_s: float
    """Seconds from the start of the sample until that was seen."""
    pod: str


def expectations_of(observations: Iterable[Observation], start: float) -> tuple[Expectation, ...]:
    """The steps of the expected shares; equal ones in a row are one.

    >>> seen = [Observation(9.0, {"a": "1.0"}), Observation(12.0, {"a": "1.0", "b": "2.0"})]
    >>> [(each.when_s, each.versions) for each in expectations_of(seen, start=10.0)]
    [(0.0, {'1.0': 1.0}), (2.0, {'1.0': 0.5, '2.0': 0.5})]
    """
    steps: list[Expectation] = []
    for observation in observations:
        step = _expectation(max(0.0, observation.at - start), observation.ready)
        if steps and steps[-1].when_s == step.when_s:
            steps.pop()  # of several at one moment the last holds
        if not steps or steps[-1][1:] != step[1:]:
            steps.append(step)
    return tuple(steps)


def as_applied(
    observations: Sequence[Observation], answers: Iterable[tuple[str | None, float]]
) -> list[Observation]:
    """The pods that got traffic, from when the network had applied each change.

    The answers (pod, moment) show it: a pod that came gets traffic from its first answer on, one
    that left until its last. A change that no answer shows counts from when it was seen. The choice
    of these moments moves the mean over a sample by at most one request for each pod.

    >>> seen = [Observation(0.0, {"a": "1.0"}), Observation(2.0, {"a": "1.0", "b": "2.0"})]
    >>> as_applied(seen, [("a", 2.1), ("a", 2.8), ("b", 2.9)])[1].at
    2.9
    """
    moments: defaultdict[str | None, list[float]] = defaultdict(list)
    for pod, moment in answers:
        moments[pod].append(moment)
    changes: list[tuple[float, str, str | None]] = []
    for before, after in pairwise(observations):
        first, last = after.at - SEEN_LATER_S, after.at + APPLIED_WITHIN_S
        for pod in before.ready.keys() ^ after.ready.keys():
            shown = [moment for moment in moments[pod] if first <= moment <= last]
            which = min if pod in after.ready else max
            changes.append((which(shown, default=after.at), pod, after.ready.get(pod)))
    found = list(observations[:1])
    for at, pod, version in sorted(changes, key=lambda change: change[0]):
        ready = {name: each for name, each in found[-1].ready.items() if name != pod}
        found.append(Observation(at, ready | ({pod: version} if version is not None else {})))
    return found


def leaving_pods(observations: Sequence[Observation], start: float) -> tuple[LeavingPod, ...]:
    """The pods that stopped being ready, and when.

    >>> seen = [Observation(9.0, {"a": "1.0", "b": "1.0"}), Observation(12.0, {"a": "1.0"})]
    >>> leaving_pods(seen, start=10.0)
    (LeavingPod(when_s=2.0, pod='b'),)
    """
    return tuple(
        LeavingPod(after.at - start, pod)
        for before, after in pairwise(observations)
        for pod in before.ready
        if pod not in after.ready
    )


def mean_shares(
    steps: Sequence[Expectation], moments_s: Iterable[float]
) -> tuple[dict[str, float], dict[str, float]]:
    """The mean of the steps over the moments at which requests were sent: versions, and pods.

    A step without a ready pod counts nothing. There must be at least one step.

    >>> steps = [Expectation(0.0, {"1.0": 1.0}, {}), Expectation(2.0, {"2.0": 1.0}, {})]
    >>> mean_shares(steps, [0.5, 1.5, 2.5, 3.5])[0]
    {'1.0': 0.5, '2.0': 0.5}
    """
    counted = requests_in(steps, moments_s)
    weights = [
        number if step.pods or step.versions else 0
        for number, step in zip(counted, steps, strict=True)
    ]
    if not sum(weights):
        weights = [1, *[0] * (len(steps) - 1)]
    weighted = [(each, weight / sum(weights)) for each, weight in zip(steps, weights, strict=True)]
    return (
        _sum_of((step.versions, weight) for step, weight in weighted),
        _sum_of((step.pods, weight) for step, weight in weighted),
    )


def requests_in(steps: Sequence[Expectation], moments_s: Iterable[float]) -> list[int]:
    """How many of the moments are in each step.

    >>> requests_in([Expectation(0.0, {}, {}), Expectation(2.0, {}, {})], [0.5, 2.5, 3.5])
    [1, 2]
    """
    beginnings = [step.when_s for step in steps]
    counted = Counter(max(0, bisect_right(beginnings, moment) - 1) for moment in moments_s)
    return [counted[number] for number in range(len(steps))]


def leaving_at(
    leaving: Iterable[LeavingPod], sent_s: float, ended_s: float, *, recent_s: float, lag_s: float
) -> list[str]:
    """The pods that had begun to leave at most `recent_s` before a request was sent.

    A pod is seen to leave up to `lag_s` after it did, so it may be seen after the request ended.

    >>> leaving = [LeavingPod(2.0, "a"), LeavingPod(9.0, "b")]
    >>> leaving_at(leaving, 4.0, 4.1, recent_s=3.0, lag_s=0.3)
    ['a']
    """
    return [each.pod for each in leaving if sent_s - recent_s <= each.when_s <= ended_s + lag_s]


def _sum_of(weighted: Iterable[tuple[Mapping[str, float], float]]) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for shares, weight in weighted:
        for name, share in shares.items():
            sums[name] += share * weight
    return dict(sorted(sums.items()))


def _expectation(when_s: float, ready: Mapping[str, str]) -> Expectation:
    counted = sorted(Counter(ready.values()).items())
    versions = {version: number / len(ready) for version, number in counted}
    return Expectation(when_s, versions, dict.fromkeys(sorted(ready), 1 / (len(ready) or 1)))
