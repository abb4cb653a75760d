"""The results of many requests, counted by version and by pod.

A request was either answered or failed, and the two are never mixed: the share of a version is its
number among the answered requests. An answer that names no version counts as "other"; it is never
dropped, because that would raise every other share.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from canarylab.display import Table, html_table
from canarylab.errors import TrafficError
from canarylab.text import OTHER, count_noun, join_words, percent, sort_naturally, version_label
from canarylab.traffic.expectations import Expectation, LeavingPod, mean_shares
from canarylab.traffic.sample_tables import (
    SampleTable,
    latency_table,
    lost_table,
    per_second_table,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from canarylab.figures import Picture

Value = TypeVar("Value")
_COLUMNS = {
    "when_s": "when (s)",
    "latency_s": "latency (s)",
    "first_byte_s": "first byte (s)",
    "late_s": "late (s)",
}


class RequestResult(NamedTuple):
    """The result of one request: an answer, or a failure."""

    when_s: float
    """Seconds from the start of the sample until it was sent."""
    latency_s: float
    """Seconds from opening the connection, or with a rate from the scheduled time, to the last byte
    or the failure."""
    version: str | None = None
    pod: str | None = None
    status: int | None = None
    failure: str | None = None
    """`refused`, `reset`, `cut off`, `timeout`, `status 503`, ...; None if answered."""
    connection: int | None = None
    """Number of the connection; equal numbers are one connection."""
    first_byte_s: float | None = None
    """Like `latency_s`, to the first byte of the response; None without a response."""
    late_s: float = 0.0
    """With a rate, how much later than scheduled it was sent; both latencies include it."""


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
    rate: float | None = None
    """Requests per second that were asked for; None if each waited for an earlier answer."""
    expectations: tuple[Expectation, ...] = ()
    """The expected shares as a function of time: each holds until the next."""
    leaving: tuple[LeavingPod, ...] = ()
    """The pods that stopped being ready under way."""
    limit: str = ""
    """A sentence when the sampler itself was the slowest part."""
    notes: tuple[str, ...] = ()
    """Sentences about what is in it, and how observed and expected versions are compared."""
    version_source: str = ""
    """Where the version of an answer was looked for."""

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

    def with_expectations(self, steps: Sequence[Expectation]) -> Sample:
        """The same results with expected shares that changed under way.

        The share expected of the whole sample is the mean over its choices of a pod.

        >>> steps = [Expectation(0.0, {"1.0": 1.0}, {}), Expectation(2.0, {"2.0": 1.0}, {})]
        >>> sample = Sample.from_versions(["1.0", "1.0", "2.0", "2.0"]).with_expectations(steps)
        >>> sample.expected
        {'1.0': 0.5, '2.0': 0.5}
        """
        if not steps:
            return self
        versions, pods = mean_shares(steps, self._moments_of_choices())
        changed = replace(self, expectations=tuple(steps))
        return changed.with_expected(versions or None, pods or None)

    @property
    def change(self) -> str:
        """A sentence that says that the ready pods changed under way; empty if they did not."""
        changes = len(self.expectations) - 1
        if changes < 1:
            return ""
        version = sort_naturally(self.expected or {OTHER: 0.0})[-1]
        shares = [each.versions.get(version, 0.0) for each in self.expectations]
        changed = f"The ready pods changed {count_noun(changes, 'time')} under way"
        if min(shares) == max(shares):
            stayed = f"the share expected of {version_label(version)} stayed {percent(shares[0])}"
            return f"{changed}; {stayed}."
        return (
            f"{changed}, so the share expected of {version_label(version)} was between "
            f"{percent(min(shares))} and {percent(max(shares))}; what is expected of all is the "
            "mean over the requests."
        )

    @property
    def names_no_version(self) -> str:
        """A sentence when no answer named a version, that says where it was looked for."""
        if not self.answered or set(self.by_version) != {OTHER}:
            return ""
        where = self.version_source and f" It was looked for {self.version_source}."
        return f"None of {count_noun(self.answered, 'answer')} names a version.{where}"

    def latency(self, *, by: Literal["version", "pod"] = "version") -> SampleTable:
        """Percentiles of the latency of each version, or of each pod; answered requests only.

        >>> Sample.from_versions(["1.0", "2.0", "1.0"]).latency()
        Latency of 3 answered requests, to the last byte.
        version  answers  first byte, median  median  90 %  95 %  99 %  slowest
        1.0      2        unknown             0 ms    0 ms  0 ms  0 ms  0 ms
        2.0      1        unknown             0 ms    0 ms  0 ms  0 ms  0 ms
        """
        return latency_table(self, by)

    def per_second(self) -> SampleTable:
        """A row for each second: requests, answers of each version, failures, median latency.

        A request belongs to the second in which it was sent.

        >>> Sample.from_versions(["1.0", "2.0"]).per_second()
        2 requests in 2 seconds.
        second  requests  version 1.0  version 2.0  failed  median latency
        0       1         1            0            0       0 ms
        1       1         0            1            0       0 ms
        """
        return per_second_table(self)

    def lost(self) -> SampleTable:
        """The failed requests: the second they fell in, their kind, and the pods that were leaving.

        A pod was leaving if it stopped being ready at most 2 seconds before the request was sent;
        "unknown" stands where there was none, or where nobody watched the pods.

        >>> Sample.from_versions(["1.0"]).lost()
        No request was lost: the 1 request was answered.
        """
        return lost_table(self)

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

    def plot_convergence(self, *, with_sequence: bool = False) -> Picture:
        """The share of the newest version after each request, with its interval.

        `with_sequence` adds the confidence sequence, which holds however often one looks.

        >>> Sample.from_versions(["1.0", "2.0"]).plot_convergence().title
        'After 2 requests the interval is 9.5 % to 91 %'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        return figures.plot_convergence(self, with_sequence=with_sequence)

    def plot_over_time(self) -> Picture:
        """The share of the newest version as time passes, the expected share, lost requests.

        >>> Sample.from_versions(["1.0", "2.0"]).plot_over_time().title
        'Version 2.0 answered 50 % of 2 requests; none was lost'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        return figures.plot_over_time(self)

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

        notes = [note for note in (self.change, *self.notes) if note]
        if self.names_no_version:
            return Table(self.names_no_version, notes=notes)
        return replace(stats.summary(self), notes=notes)

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
        for name in _SEQUENCES:
            plain[name] = [each._asdict() for each in plain[name]]
        return plain | {"started": self.started.isoformat(), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Sample:
        """The sample that `to_dict` wrote, in this version of canarylab or an earlier one."""
        known = {name: value for name, value in plain.items() if name in cls.__dataclass_fields__}
        for name, kind in _SEQUENCES.items():
            known[name] = tuple(kind(**each) for each in known.get(name, ()))
        known["started"] = datetime.fromisoformat(plain["started"])
        return cls(**{**known, "notes": tuple(known.get("notes", ()))})

    def export(self, path: str | Path, *, name: str = "") -> Path:
        """Write the sample to a JSON file, for `stats.pool`; return where it is.

        `name` says whose sample it is; without one it is the name of the file. A file of the same
        name is replaced when it holds a sample of the same person, and never else.

        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "anna.json")
        >>> Sample.from_versions(["1.0", "2.0"]).export(file).name
        'anna.json'
        >>> Sample.from_dict(json.loads(file.read_text())).total
        2
        """
        file = Path(path)
        whose = name or file.stem
        _check_is_free(file, whose)
        try:
            file.write_text(json.dumps({"name": whose, **self.to_dict()}))
        except OSError as exc:
            raise TrafficError(
                f"{file} cannot be written: {exc.strerror}. Export to a folder that is there, and "
                "that you can write to."
            ) from exc
        return file

    def __add__(self, other: Sample) -> Sample:
        """Both samples as one."""
        if not isinstance(other, Sample):
            return NotImplemented
        return pool([self, other])

    def __repr__(self) -> str:
        if not self.results and self.notes:
            return " ".join(self.notes)
        rows = (
            f"{who} {what}{share and f' ({share})'}" for who, what, share in self._version_rows()
        )
        hits = join_words(rows, none=" ".join(self._no_answer()))
        failed = (f"; {what} {who}" for who, what, _ in self._failure_rows())
        changed = f"; the pods changed {count_noun(len(self.expectations) - 1, 'time')} under way"
        said = f"{self._caption()}: {hits}{''.join(failed)}{changed if self.change else ''}"
        return f"{said}. {self.limit}" if self.limit else said

    def _repr_html_(self) -> str:
        if not self.results and self.notes:
            return Table(" ".join(self.notes))._repr_html_()
        rows = self._version_rows() or [(*self._no_answer(), "")]
        if self.change:
            rows.append(
                (
                    f"the pods changed {count_noun(len(self.expectations) - 1, 'time')}",
                    "under way",
                    "",
                )
            )
        head = ["Version", "Requests", "Share of answers"]
        caption = f"{self._caption()}. {self.limit}" if self.limit else self._caption()
        return html_table(caption, head, [*rows, *self._failure_rows()])

    def _caption(self) -> str:
        return f"{count_noun(self.total, 'request')} to {self.url}"

    def _version_rows(self) -> list[tuple[str, str, str]]:
        total = self.answered
        if self.names_no_version:
            return [("no answer", f"of {total:,} names a version", "")]
        return [
            (version_label(name), f"answered {number:,} of {total:,}", percent(number / total))
            for name, number in (self.by_version if total else {}).items()
        ]

    def _no_answer(self) -> tuple[str, str]:
        """What stands in place of versions; an answer with an error is one, and a failure."""
        had_answer = any(kind.startswith("status ") for kind in self.failures)
        return "no request", f"was answered{' without an error' if had_answer else ''}"

    def _failure_rows(self) -> list[tuple[str, str, str]]:
        if not self.failed:
            return []
        kinds = join_words(f"{kind} {number:,}" for kind, number in self.failures.items())
        return [(f"failed: {kinds}", count_noun(self.failed, "request"), "")]

    def _answered_results(self) -> Iterable[RequestResult]:
        return (result for result in self.results if result.failure is None)

    def _moments_of_choices(self) -> Iterable[float]:
        """When a pod was chosen: with each request, or with the first of a kept connection."""
        if self.balanced_per == "request":
            return (each.when_s for each in self._answered_results())
        first: dict[int | None, float] = {}
        for each in self._answered_results():
            first[each.connection] = min(each.when_s, first.get(each.connection, each.when_s))
        return first.values()


_SEQUENCES: dict[str, Any] = {
    "results": RequestResult,
    "expectations": Expectation,
    "leaving": LeavingPod,
}


def pool(samples: Iterable[Sample]) -> Sample:
    """Many samples as one, as if one client had sent all their requests.

    >>> pool([Sample.from_versions(["1.0"]), Sample.from_versions(["2.0", "1.0"])]).by_version
    {'1.0': 2, '2.0': 1}
    """
    several = list(samples)
    if not several:
        raise ValueError("There is no sample to pool. Give at least one.")
    _check_alike(several)
    started = min(each.started for each in several)
    ends = max(each.started + timedelta(seconds=each.seconds) for each in several)
    return Sample(
        url=_common([each.url for each in several], "several addresses"),
        results=tuple(_moved(several, started)),
        started=started,
        seconds=(ends - started).total_seconds(),
        keep_alive=sum(each.keep_alive for each in several),
        expected=_common([each.expected for each in several], None),
        expected_pods=_common([each.expected_pods for each in several], None),
        cluster=_common([each.cluster for each in several], "several clusters"),
        balanced_per=several[0].balanced_per,
        expected_from=several[0].expected_from,
        leaving=tuple(
            each._replace(when_s=each.when_s + _later_s(sample, started))
            for sample in several
            for each in sample.leaving
        ),
        limit=" ".join(dict.fromkeys(each.limit for each in several if each.limit)),
        notes=tuple(dict.fromkeys(note for each in several for note in each.notes)),
        version_source=_common([each.version_source for each in several], ""),
    )


def _tally(names: Iterable[str | None], expected: Mapping[str, float] | None) -> dict[str, int]:
    hits = Counter(name or OTHER for name in names)
    return {name: hits[name] for name in sort_naturally({*hits, *(expected or {})})}


def _check_alike(samples: Sequence[Sample]) -> None:
    """Raise ValueError for samples whose requests are not draws of the same kind."""
    if len({each.balanced_per for each in samples}) > 1:
        raise ValueError(
            "For one of these samples the network chose a pod for each connection, for the other "
            "for each request. Pool samples that were measured in the same way."
        )
    if len({bool(each.keep_alive) for each in samples}) > 1:
        raise ValueError(
            "One of these samples kept its connections and the other opened a new one for each "
            "request. Pool samples that were measured in the same way."
        )


def _common(values: Sequence[Value], otherwise: Value) -> Value:
    """The value if all are equal."""
    return values[0] if all(each == values[0] for each in values) else otherwise


def _later_s(sample: Sample, started: datetime) -> float:
    return (sample.started - started).total_seconds()


def _check_is_free(file: Path, whose: str) -> None:
    """Raise TrafficError if the file holds anything but a sample of this person."""
    if not file.exists():
        return
    if not file.is_file():  # a folder, or a device, which may have no end
        raise TrafficError(f"{file} is not a file. Export to another name.")
    try:
        found = json.loads(file.read_text())
        owner = found["name"] if "results" in found else None
    except (ValueError, TypeError, KeyError, OSError):
        owner = None
    if owner != whose:
        holds = "is not an exported sample" if owner is None else f"holds the sample of {owner}"
        raise TrafficError(f"{file} {holds}, so it is kept. Export to another file.")


def _moved(samples: Iterable[Sample], started: datetime) -> Iterable[RequestResult]:
    """All results, with times from the common start and a number of its own for each connection."""
    free = 0
    for sample in samples:
        later_s = _later_s(sample, started)
        for result in sample.results:
            number = None if result.connection is None else result.connection + free
            yield result._replace(when_s=result.when_s + later_s, connection=number)
        free += 1 + max((each.connection or 0 for each in sample.results), default=-1)
