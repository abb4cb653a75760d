"""Tables of a sample: latency, requests per second, lost requests.

Answers and failures are never mixed: a latency is that of answered requests, and a lost request is
one that failed.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from canarylab.display import Table
from canarylab.text import OTHER, count_noun, join_words, sort_naturally, version_label
from canarylab.traffic.expectations import SEEN_LATER_S, LeavingPod, leaving_at

if TYPE_CHECKING:
    from pandas import DataFrame

    from canarylab.traffic.sample import RequestResult, Sample

UNKNOWN = "unknown"
LEFT_RECENTLY_S = 2.0
"""The network forgets a pod that is not ready any more within about a second."""
_PERCENTILES = (("median", 0.5), ("90 %", 0.9), ("95 %", 0.95), ("99 %", 0.99), ("slowest", 1.0))


@dataclass(frozen=True, repr=False)
class SampleTable(Table):
    """A table with its numbers: what is read, and `to_frame` to compute with."""

    numbers: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """A row for each; times are in seconds."""

    def to_frame(self) -> DataFrame:
        """The numbers as a pandas table.

        >>> SampleTable("One row.", ("a",), [(1,)], numbers=[{"a": 1}]).to_frame()["a"].to_list()
        [1]
        """
        from pandas import DataFrame  # noqa: PLC0415  pandas is slow to import

        return DataFrame(self.numbers)


class LostRequest(NamedTuple):
    """One failed request: when, how, and which pods were leaving."""

    second: int
    kind: str
    """`refused`, `reset`, `cut off`, `timeout`, `5xx`, ..."""
    pods: tuple[str, ...]


def latency_table(sample: Sample, by: Literal["version", "pod"]) -> SampleTable:
    """Percentiles of the latency by version or by pod."""
    if by not in {"version", "pod"}:
        raise ValueError(f'Latencies are listed by "version" or by "pod", not by "{by}".')
    groups: defaultdict[str, list[RequestResult]] = defaultdict(list)
    for result in sample.results:
        if result.failure is None:
            groups[getattr(result, by) or OTHER].append(result)
    numbers = [_latencies(by, name, groups[name]) for name in sort_naturally(groups)]
    return SampleTable(
        f"Latency of {count_noun(sample.answered, 'answered request')}, to the last byte.",
        (by, "answers", "first byte, median", *(name for name, _ in _PERCENTILES)),
        [
            (name, f"{answers:,}", *(milliseconds(each) for each in latencies))
            for name, answers, *latencies in (row.values() for row in numbers)
        ],
        notes=[sample.limit] if sample.limit else [],
        numbers=numbers,
    )


def per_second_table(sample: Sample) -> SampleTable:
    """Requests of each second, by version."""
    seconds: defaultdict[int, list[RequestResult]] = defaultdict(list)
    for result in sample.results:
        seconds[int(result.when_s)].append(result)
    versions = list(sample.by_version)
    last = max(seconds, default=-1)
    numbers = [_second(number, seconds[number], versions) for number in range(last + 1)]
    return SampleTable(
        f"{count_noun(sample.total, 'request')} in {count_noun(last + 1, 'second')}.",
        (
            *("second", "requests", *map(version_label, versions)),
            *("failed", "median latency"),
        ),
        [
            (*(f"{number:,}" for number in counts), milliseconds(median))
            for *counts, median in (row.values() for row in numbers)
        ],
        notes=[note for note in (sample.change, sample.limit) if note],
        numbers=numbers,
    )


def lost_table(sample: Sample) -> SampleTable:
    """The failed requests, by second, kind and leaving pods."""
    counted = Counter(lost_requests(sample.results, sample.leaving))
    numbers = [
        {**lost._asdict(), "pods": _listed(lost.pods), "requests": requests}
        for lost, requests in sorted(counted.items())
    ]
    if not sample.failed:
        all_answered = (
            f"the {count_noun(sample.total, 'request')} was answered"
            if sample.total == 1
            else f"all {count_noun(sample.total, 'request')} were answered"
        )
        return SampleTable(
            f"No request was lost: {all_answered}." if sample.total else "No request was sent."
        )
    kinds: Counter[str] = Counter()
    for lost, requests in counted.items():
        kinds[lost.kind] += requests
    what = join_words(f"{kind} {number:,}" for kind, number in kinds.most_common())
    return SampleTable(
        f"{sample.failed:,} of {count_noun(sample.total, 'request')} "
        f"{'was' if sample.failed == 1 else 'were'} lost: {what}.",
        ("second", "kind", "leaving pods", "requests"),
        [tuple(row.values()) for row in numbers],
        numbers=numbers,
    )


def lost_requests(
    results: Iterable[RequestResult], leaving: Sequence[LeavingPod]
) -> list[LostRequest]:
    """Each failed request with its second, its class, and the pods that were leaving then.

    A response that names its pod is of that pod, if it was leaving.
    """
    return [
        LostRequest(int(each.when_s), loss_class(each.failure), _pods_of(each, leaving))
        for each in results
        if each.failure is not None
    ]


def loss_class(failure: str) -> str:
    """The class of a failure: that of its status, if there is one.

    >>> loss_class("status 503"), loss_class("reset")
    ('5xx', 'reset')
    """
    status = failure.removeprefix("status ")
    return f"{status[0]}xx" if status != failure else failure


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed (nearest rank).

    It is always one of the values. Of fewer than 100 values the 99 % percentile is the largest.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5), percentile([1.0, 2.0, 3.0, 4.0], 0.99)
    (2.0, 4.0)
    """
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def milliseconds(seconds: float | None) -> str:
    """A latency as a reader says it.

    >>> milliseconds(0.00123), milliseconds(0.0456), milliseconds(1.5), milliseconds(None)
    ('1.2 ms', '46 ms', '1.5 s', 'unknown')
    """
    if seconds is None:
        return UNKNOWN
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return (
        f"{1_000 * seconds:.1f}".removesuffix(".0") + " ms"
        if seconds < 0.01
        else (f"{1_000 * seconds:.0f} ms")
    )


def _latencies(by: str, name: str, results: Sequence[RequestResult]) -> dict[str, Any]:
    first = sorted(each.first_byte_s for each in results if each.first_byte_s is not None)
    last = sorted(each.latency_s for each in results)
    return {
        by: name,
        "answers": len(results),
        "first_byte_median_s": percentile(first, 0.5) if first else None,
        "median_s": percentile(last, 0.5),
        "p90_s": percentile(last, 0.9),
        "p95_s": percentile(last, 0.95),
        "p99_s": percentile(last, 0.99),
        "max_s": last[-1],
    }


def _second(
    number: int, results: Sequence[RequestResult], versions: Iterable[str]
) -> dict[str, Any]:
    answered = [each for each in results if each.failure is None]
    hits = Counter(each.version or OTHER for each in answered)
    latencies = sorted(each.latency_s for each in answered)
    return {
        "second": number,
        "requests": len(results),
        **{version_label(version): hits[version] for version in versions},
        "failed": len(results) - len(answered),
        "median_latency_s": percentile(latencies, 0.5) if latencies else None,
    }


def _pods_of(result: RequestResult, leaving: Sequence[LeavingPod]) -> tuple[str, ...]:
    ended_s = result.when_s - result.late_s + result.latency_s
    found = leaving_at(
        leaving, result.when_s, ended_s, recent_s=LEFT_RECENTLY_S, lag_s=SEEN_LATER_S
    )
    return (result.pod,) if result.pod in found and result.pod else tuple(sorted(set(found)))


def _listed(pods: Sequence[str]) -> str:
    return " or ".join(pods) or UNKNOWN
