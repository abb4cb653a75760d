"""What came back from a number of requests, counted.

A request either got an answer or failed, and the two are never mixed: the share of a version is
its hits among the requests that were answered. An answer whose version the app did not name
counts as "other"; it is never dropped, because dropping it would raise every other share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from canarylab.display import html_table
from canarylab.traffic.words import OTHER, called, counted, in_order, listed, percent

if TYPE_CHECKING:
    from pandas import DataFrame

_COLUMNS = {"when_s": "when (s)", "latency_s": "latency (s)"}


class Answer(NamedTuple):
    """What one request brought back; a request that failed says so in `failure`."""

    when_s: float
    """When it was sent, counted from the start of the sample."""
    latency_s: float
    """From opening the connection to the last byte, or until it failed."""
    version: str | None = None
    pod: str | None = None
    status: int | None = None
    failure: str | None = None
    """`refused`, `reset`, `cut off`, `timeout`, `garbage`, `status 503`, ...; None is success."""
    connection: int | None = None
    """Which connection carried it; equal numbers are one connection."""


@dataclass(frozen=True, repr=False)
class Sample:
    """The answers of one address, and what its ready pods let us expect.

    >>> Sample.typed(["1.0", "1.0", "2.0", "1.0"]).share("2.0")
    0.25
    """

    url: str
    answers: tuple[Answer, ...]
    """One for each request, failed ones included."""
    started: datetime
    seconds: float
    keep_alive: int = 0
    """How many connections were kept; 0 is a new connection for each request."""
    expected: Mapping[str, float] | None = None
    """The share of each version that the ready endpoints suggest."""
    expected_pods: Mapping[str, float] | None = None
    cluster: str | None = None
    """Where it was measured, in words for a picture."""
    chosen_for: Literal["connection", "request"] = "connection"
    """What the network chose a pod for: a Service does so once for each connection."""
    suggested_by: Literal["pods", "rules"] = "pods"
    """Where the expected shares come from: the ready pods alone, or the rules of an Ingress."""

    @classmethod
    def typed(cls, versions: Iterable[str | None], *, url: str = "typed by hand") -> Sample:
        """A sample from a list of versions, as read off a terminal; None is an unknown one."""
        answers = (
            Answer(when_s=float(number), latency_s=0.0, version=version, connection=number)
            for number, version in enumerate(versions)
        )
        return cls(url, tuple(answers), datetime.fromtimestamp(0, UTC), 0.0)

    @property
    def total(self) -> int:
        """How many requests were sent."""
        return len(self.answers)

    @property
    def answered(self) -> int:
        """How many requests were answered: what every share is a share of."""
        return self.total - self.failed

    @cached_property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(answer.failure is not None for answer in self.answers)

    @cached_property
    def connections(self) -> int:
        """How many connections brought an answer."""
        return len({each.connection for each in self.answers if each.failure is None})

    @property
    def choices(self) -> int:
        """How often a pod was chosen that then answered: what an interval counts."""
        return self.answered if self.chosen_for == "request" else self.connections

    @property
    def by_version(self) -> dict[str, int]:
        """Answers of each version, expected ones included that never answered."""
        return _counted((each.version for each in self._good()), self.expected)

    @property
    def by_pod(self) -> dict[str, int]:
        """Answers of each pod, expected ones included that never answered."""
        return _counted((each.pod for each in self._good()), self.expected_pods)

    @property
    def failures(self) -> dict[str, int]:
        """Failed requests by kind, the most frequent first."""
        return dict(Counter(each.failure for each in self.answers if each.failure).most_common())

    def share(self, version: str) -> float:
        """The hits of a version among the requests that were answered; 0 if none was."""
        return self.by_version.get(version, 0) / self.answered if self.answered else 0.0

    def expecting(
        self,
        versions: Mapping[str, float] | None,
        pods: Mapping[str, float] | None = None,
        *,
        cluster: str | None = None,
    ) -> Sample:
        """The same answers beside what the ready endpoints let us expect."""
        cluster = cluster or self.cluster
        return replace(self, expected=versions, expected_pods=pods, cluster=cluster)

    def table(self) -> DataFrame:
        """One row for each request, as a pandas table."""
        from pandas import DataFrame  # noqa: PLC0415  importing the sampler must stay cheap

        return DataFrame(self.answers, columns=list(Answer._fields)).rename(columns=_COLUMNS)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values; `from_dict` reads it back."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain["answers"] = [answer._asdict() for answer in self.answers]
        return plain | {"started": self.started.isoformat()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Sample:
        """The sample that `to_dict` wrote."""
        answers = tuple(Answer(**answer) for answer in plain["answers"])
        started = datetime.fromisoformat(plain["started"])
        return cls(**{**plain, "answers": answers, "started": started})

    def __add__(self, other: Sample) -> Sample:
        """Both samples as one: what a class pools."""
        return _pooled(self, other)

    def __repr__(self) -> str:
        hits = (f"{who} {what} ({share})" for who, what, share in self._hits())
        failed = (f"; {what} {who}" for who, what, _ in self._failures())
        return f"{self._caption()}: {listed(hits, none='nobody answered')}{''.join(failed)}"

    def _repr_html_(self) -> str:
        rows = self._hits() or [("nobody", "answered", "")]
        head = ["Who", "Requests", "Share of answers"]
        return html_table(self._caption(), head, [*rows, *self._failures()])

    def _caption(self) -> str:
        return f"{counted(self.total, 'request')} to {self.url}"

    def _hits(self) -> list[tuple[str, str, str]]:
        total = self.answered
        return [
            (called(name), f"answered {number:,} of {total:,}", percent(number / total))
            for name, number in (self.by_version if total else {}).items()
        ]

    def _failures(self) -> list[tuple[str, str, str]]:
        if not self.failed:
            return []
        kinds = listed(f"{kind} {number:,}" for kind, number in self.failures.items())
        return [(f"failed: {kinds}", counted(self.failed, "request"), "")]

    def _good(self) -> Iterable[Answer]:
        return (answer for answer in self.answers if answer.failure is None)


def pool(samples: Iterable[Sample]) -> Sample:
    """Many samples as one, as if one person had sent all their requests.

    >>> pool([Sample.typed(["1.0"]), Sample.typed(["2.0", "1.0"])]).by_version
    {'1.0': 2, '2.0': 1}
    """
    several = list(samples)
    if not several:
        raise ValueError("There is no sample to pool. Give at least one.")
    return reduce(_pooled, several)


def _counted(names: Iterable[str | None], expected: Mapping[str, float] | None) -> dict[str, int]:
    seen = Counter(name or OTHER for name in names)
    return {name: seen[name] for name in in_order({*seen, *(expected or {})})}


def _pooled(one: Sample, two: Sample) -> Sample:
    if one.chosen_for != two.chosen_for:
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
    first_free = 1 + max((each.connection or 0 for each in one.answers), default=-1)
    return Sample(
        url=one.url if one.url == two.url else "several addresses",
        answers=(*_moved(one, started, 0), *_moved(two, started, first_free)),
        started=started,
        seconds=(ends - started).total_seconds(),
        keep_alive=one.keep_alive + two.keep_alive,
        expected=one.expected if one.expected == two.expected else None,
        expected_pods=one.expected_pods if one.expected_pods == two.expected_pods else None,
        cluster=one.cluster if one.cluster == two.cluster else "several clusters",
        chosen_for=one.chosen_for,
        suggested_by=one.suggested_by,
    )


def _moved(sample: Sample, started: datetime, first_free: int) -> Iterable[Answer]:
    later_s = (sample.started - started).total_seconds()
    for answer in sample.answers:
        number = None if answer.connection is None else answer.connection + first_free
        yield answer._replace(when_s=answer.when_s + later_s, connection=number)
