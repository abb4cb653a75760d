"""The results of many requests, counted by version and by pod.

A request was either answered or failed, and the two are never mixed: the share of a version is its
number among the answered requests. An answer that names no version counts as "other"; it is never
dropped, because that would raise every other share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from canarylab.display import Table, html_table
from canarylab.text import OTHER, count_noun, join_words, percent, sort_naturally, version_label

if TYPE_CHECKING:
    from pandas import DataFrame

    from canarylab.figures import Picture

_COLUMNS = {"when_s": "when (s)", "latency_s": "latency (s)"}


class RequestResult(NamedTuple):
    """The result of one request: an answer, or a failure."""

    when_s: float
    """Seconds from the start of the sample until it was sent."""
    latency_s: float
    """Seconds from opening the connection to the last byte, or to the failure."""
    version: str | None = None
    pod: str | None = None
    status: int | None = None
    failure: str | None = None
    """`refused`, `reset`, `cut off`, `timeout`, `status 503`, ...; None if answered."""
    connection: int | None = None
    """Number of the connection; equal numbers are one connection."""


@dataclass(frozen=True, repr=False)
class Sample:
    """The results of requests to one URL, and the shares expected of its ready pods.

    >>> Sample.from_versions(["1.0", "1.0", "2.0", "1.0"]).share("2.0")
    0.25
    """

    url: str
    results: tuple[RequestResult, ...]
    """One for each request, failed ones included."""
    started: datetime
    seconds: float
    keep_alive: int = 0
    """How many connections were kept; 0 means a new connection for each request."""
    expected: Mapping[str, float] | None = None
    """The share of each version that the ready endpoints suggest."""
    expected_pods: Mapping[str, float] | None = None
    cluster: str | None = None
    """The cluster it was measured on, for captions."""
    balanced_per: Literal["connection", "request"] = "connection"
    """Whether a pod is chosen for each connection (a Service) or each request (a proxy)."""
    expected_from: Literal["pods", "rules"] = "pods"
    """Source of the expected shares: the ready pods alone, or the rules of an Ingress too."""

    @classmethod
    def from_versions(cls, versions: Iterable[str | None], *, url: str = "typed by hand") -> Sample:
        """A sample made from a list of versions; None is an unknown version."""
        results = (
            RequestResult(when_s=float(number), latency_s=0.0, version=version, connection=number)
            for number, version in enumerate(versions)
        )
        return cls(url, tuple(results), datetime.fromtimestamp(0, UTC), 0.0)

    @property
    def total(self) -> int:
        """How many requests were sent."""
        return len(self.results)

    @property
    def answered(self) -> int:
        """How many requests were answered: the denominator of every share."""
        return self.total - self.failed

    @cached_property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(result.failure is not None for result in self.results)

    @cached_property
    def connections(self) -> int:
        """How many connections carried an answer."""
        return len({each.connection for each in self.results if each.failure is None})

    @property
    def trials(self) -> int:
        """How many independent choices of a pod led to an answer: n of every interval."""
        return self.answered if self.balanced_per == "request" else self.connections

    def choices(self, by: Literal["version", "pod"]) -> Counter[str]:
        """How many of these choices led to each version, or to each pod.

        >>> Sample.from_versions(["1.0", "2.0", "1.0"]).choices("version")["1.0"]
        2
        """
        answers = self._answered_results()
        if self.balanced_per == "request":
            return Counter(getattr(each, by) or OTHER for each in answers)
        chosen = {(each.connection, getattr(each, by) or OTHER) for each in answers}
        return Counter(name for _, name in chosen)

    def versions_in_order(self) -> list[str]:
        """The version that each choice of a pod led to, in the order in which requests were sent.

        >>> Sample.from_versions(["1.0", None]).versions_in_order()
        ['1.0', 'other']
        """
        answers = sorted(self._answered_results(), key=lambda each: each.when_s)
        if self.balanced_per == "request":
            return [each.version or OTHER for each in answers]
        first = {each.connection: each.version or OTHER for each in reversed(answers)}
        return [first[number] for number in dict.fromkeys(each.connection for each in answers)]

    @cached_property
    def by_version(self) -> dict[str, int]:
        """Answers by version, including expected versions without an answer."""
        return _tally((each.version for each in self._answered_results()), self.expected)

    @cached_property
    def by_pod(self) -> dict[str, int]:
        """Answers by pod, including expected pods without an answer."""
        return _tally((each.pod for each in self._answered_results()), self.expected_pods)

    @property
    def failures(self) -> dict[str, int]:
        """Failed requests by kind, the most frequent first."""
        return dict(Counter(each.failure for each in self.results if each.failure).most_common())

    def share(self, version: str) -> float:
        """Share of a version among the answered requests; 0 if none was answered."""
        return self.by_version.get(version, 0) / self.answered if self.answered else 0.0

    def with_expected(
        self,
        versions: Mapping[str, float] | None,
        pods: Mapping[str, float] | None = None,
        *,
        cluster: str | None = None,
    ) -> Sample:
        """The same results with expected shares."""
        cluster = cluster or self.cluster
        return replace(self, expected=versions, expected_pods=pods, cluster=cluster)

    def plot(self, *, by: Literal["version", "pod"] = "version") -> Picture:
        """The observed shares with their intervals, beside the expected ones.

        >>> Sample.from_versions(["1.0", "2.0"]).plot().title
        'Version 2.0 answered 50 % of 2 requests'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        plots = {"version": figures.plot_versions, "pod": figures.plot_pods}
        if by not in plots:
            raise ValueError(f'A sample is plotted by "version" or by "pod", not by "{by}".')
        return plots[by](self)

    def plot_convergence(self) -> Picture:
        """The share of the newest version after each request, with its interval.

        >>> Sample.from_versions(["1.0", "2.0"]).plot_convergence().title
        'After 2 requests the interval is 9.5 % to 91 %'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        return figures.plot_convergence(self)

    def plot_latency(self) -> Picture:
        """The distribution of the time of the answers, a line for each version.

        >>> Sample.from_versions([]).plot_latency().title
        'No request was answered'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        return figures.plot_latency(self)

    def summary(self) -> Table:
        """A row for each version: hits, share, interval, expected share, and how the two agree.

        >>> print(*Sample.from_versions(["1.0", "2.0", "1.0"]).summary().columns, sep=", ")
        version, answers, share, 95 % interval, expected, finding
        """
        from canarylab import stats  # noqa: PLC0415  it imports this module

        return stats.summary(self)

    def to_frame(self) -> DataFrame:
        """A row for each request, failed ones included.

        >>> Sample.from_versions(["1.0", "2.0"]).to_frame()["version"].to_list()
        ['1.0', '2.0']
        """
        from pandas import DataFrame  # noqa: PLC0415  pandas is slow to import

        return DataFrame(self.results, columns=list(RequestResult._fields)).rename(columns=_COLUMNS)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values; `from_dict` reads it back."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain["results"] = [result._asdict() for result in self.results]
        return plain | {"started": self.started.isoformat()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Sample:
        """The sample that `to_dict` wrote."""
        results = tuple(RequestResult(**result) for result in plain["results"])
        started = datetime.fromisoformat(plain["started"])
        return cls(**{**plain, "results": results, "started": started})

    def __add__(self, other: Sample) -> Sample:
        """Both samples as one."""
        return _pooled(self, other)

    def __repr__(self) -> str:
        rows = (f"{who} {what} ({share})" for who, what, share in self._version_rows())
        hits = join_words(rows, none="no request was answered")
        failed = (f"; {what} {who}" for who, what, _ in self._failure_rows())
        return f"{self._caption()}: {hits}{''.join(failed)}"

    def _repr_html_(self) -> str:
        rows = self._version_rows() or [("no request", "was answered", "")]
        head = ["Version", "Requests", "Share of answers"]
        return html_table(self._caption(), head, [*rows, *self._failure_rows()])

    def _caption(self) -> str:
        return f"{count_noun(self.total, 'request')} to {self.url}"

    def _version_rows(self) -> list[tuple[str, str, str]]:
        total = self.answered
        return [
            (version_label(name), f"answered {number:,} of {total:,}", percent(number / total))
            for name, number in (self.by_version if total else {}).items()
        ]

    def _failure_rows(self) -> list[tuple[str, str, str]]:
        if not self.failed:
            return []
        kinds = join_words(f"{kind} {number:,}" for kind, number in self.failures.items())
        return [(f"failed: {kinds}", count_noun(self.failed, "request"), "")]

    def _answered_results(self) -> Iterable[RequestResult]:
        return (result for result in self.results if result.failure is None)


def pool(samples: Iterable[Sample]) -> Sample:
    """Many samples as one, as if one client had sent all their requests.

    >>> pool([Sample.from_versions(["1.0"]), Sample.from_versions(["2.0", "1.0"])]).by_version
    {'1.0': 2, '2.0': 1}
    """
    several = list(samples)
    if not several:
        raise ValueError("There is no sample to pool. Give at least one.")
    return reduce(_pooled, several)


def _tally(names: Iterable[str | None], expected: Mapping[str, float] | None) -> dict[str, int]:
    hits = Counter(name or OTHER for name in names)
    return {name: hits[name] for name in sort_naturally({*hits, *(expected or {})})}


def _pooled(one: Sample, two: Sample) -> Sample:
    if one.balanced_per != two.balanced_per:
        raise ValueError(
            "For one of these samples the network chose a pod for each connection, for the other "
            "for each request. Pool samples that were measured in the same way."
        )
    if bool(one.keep_alive) != bool(two.keep_alive):
        raise ValueError(
            "One of these samples kept its connections and the other opened a new one for each "
            "request. Pool samples that were measured in the same way."
        )
    started = min(one.started, two.started)
    ends = max(each.started + timedelta(seconds=each.seconds) for each in (one, two))
    first_free = 1 + max((each.connection or 0 for each in one.results), default=-1)
    return Sample(
        url=one.url if one.url == two.url else "several addresses",
        results=(*_moved(one, started, 0), *_moved(two, started, first_free)),
        started=started,
        seconds=(ends - started).total_seconds(),
        keep_alive=one.keep_alive + two.keep_alive,
        expected=one.expected if one.expected == two.expected else None,
        expected_pods=one.expected_pods if one.expected_pods == two.expected_pods else None,
        cluster=one.cluster if one.cluster == two.cluster else "several clusters",
        balanced_per=one.balanced_per,
        expected_from=one.expected_from,
    )


def _moved(sample: Sample, started: datetime, first_free: int) -> Iterable[RequestResult]:
    later_s = (sample.started - started).total_seconds()
    for result in sample.results:
        number = None if result.connection is None else result.connection + first_free
        yield result._replace(when_s=result.when_s + later_s, connection=number)
