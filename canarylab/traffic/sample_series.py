"""Several samples: side by side at the same ratio of pods, or at one ratio after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from canarylab.display import Table
from canarylab.text import OTHER, count_noun, percent, sort_naturally
from canarylab.traffic.sample import RequestResult, Sample
from canarylab.traffic.sampler import SampleInterrupted

if TYPE_CHECKING:
    from pandas import DataFrame

    from canarylab.figures import Picture
    from canarylab.stats import Finding, Share

Ratio = tuple[int, int]
"""Pods of production, pods of the canary."""

MAX_SAMPLES, MAX_RATIOS, MAX_PODS = 100, 50, 20
T = TypeVar("T")
Column = dict[str, list[str]]
"""One column: its title, and the text of each row."""

_PLACE = "expected share is"


@dataclass(frozen=True, repr=False)
class Samples:
    """Several samples at one ratio of pods.

    >>> one = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
    >>> Samples((one, one))
    2 of 2 intervals contain the expected 50 %.
    sample  answers   share  95 % interval  expected  expected share is
    1       20 of 40  50 %   35 % to 65 %   50 %      inside
    2       20 of 40  50 %   35 % to 65 %   50 %      inside
    """

    samples: tuple[Sample, ...]
    interruption: str = ""
    """A sentence that says after how many samples it was interrupted."""

    @classmethod
    def cut(cls, sample: Sample, requests: int) -> Samples:
        """Cut one sample into many smaller ones, in the order in which requests were sent.

        With a new connection for each request all requests are independent of each other, so the
        pieces are what many people would have measured. A rest that is too small is left out.

        >>> whole = Sample.from_versions(["1.0", "2.0", "2.0"] * 10)
        >>> len(Samples.cut(whole, 15).samples)
        2
        """
        if not isinstance(requests, int) or not 1 <= requests <= sample.total:
            raise ValueError(
                f"{count_noun(sample.total, 'request')} cannot be cut into samples of "
                f"{requests!r}. Give a whole number from 1 to {max(sample.total, 1)}."
            )
        if sample.change:
            raise ValueError(
                "The pods changed during this sample, so its parts have different expected "
                "shares. Cut a sample during which no pod started or ended."
            )
        sent = sorted(sample.results, key=lambda each: each.when_s)
        ends = range(requests, sample.total + 1, requests)
        return cls(tuple(_part(sample, sent[end - requests : end]) for end in ends))

    @property
    def version(self) -> str:
        """The newest version: its share is compared."""
        return newest_version(self.samples)

    def shares(self) -> list[Share]:
        """The share of that version in each sample."""
        from canarylab import stats  # noqa: PLC0415  it imports this module

        return [stats.share_of(each, self.version) for each in self.samples]

    def places(self) -> list[str]:
        """Whether the expected share is inside or outside of each interval.

        >>> Samples((Sample.from_versions(["1.0"]),)).places()
        ['unknown']
        """
        return [
            "unknown" if share.agreement is None else "outside" if share.misses else "inside"
            for share in self.shares()
        ]

    @property
    def finding(self) -> Finding:
        """What the samples show, in a sentence."""
        from canarylab import stats  # noqa: PLC0415  it imports this module

        return stats.finding_of_samples(self.samples, self.version)

    def plot(self) -> Picture:
        """The intervals side by side, with the expected share as a line.

        >>> one = Sample.from_versions(["1.0", "2.0"] * 20)
        >>> Samples((one, one)).plot().title
        'In 2 samples version 2.0 answered 50 % to 50 %'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        return figures.plot_samples(self)

    def plot_histogram(self) -> Picture:
        """How many samples found which share, beside what the binomial distribution suggests.

        >>> whole = Sample.from_versions(["1.0", "2.0", "2.0"] * 10)
        >>> Samples.cut(whole, 15).plot_histogram().title
        'In 2 samples of 15 requests version 2.0 answered 67 %'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        return figures.plot_histogram(self)

    def to_frame(self) -> DataFrame:
        """A row for each sample, with its share and interval.

        >>> Samples((Sample.from_versions(["1.0", "2.0"]),)).to_frame()["share"].to_list()
        [0.5]
        """
        numbers = [{"sample": number} for number in range(1, len(self.samples) + 1)]
        return _frame(numbers, self.shares(), {_PLACE: self.places()})

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> Table:
        labels = [str(number) for number in range(1, len(self.samples) + 1)]
        words = {_PLACE: self.places()}
        return _table(
            f"{self.finding.sentence}.",
            {"sample": labels},
            self.shares(),
            words,
            [self.interruption],
        )


@dataclass(frozen=True, repr=False)
class Sweep:
    """A sample at each of several ratios of pods.

    >>> one = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
    >>> Sweep((one,), ((2, 2),))
    As expected at 2 : 2: version 2.0 answered 50 % of 40 requests, expected 50 %.
    production : canary  answers   share  95 % interval  expected  finding
    2 : 2                20 of 40  50 %   35 % to 65 %   50 %      as expected
    """

    samples: tuple[Sample, ...]
    ratios: tuple[Ratio, ...]
    """One for each sample."""
    interruption: str = ""
    """A sentence that says after how many ratios it was interrupted."""
    left: str = ""
    """A sentence that says at which ratio the Deployments stay."""

    @property
    def version(self) -> str:
        """The newest version: its share is compared."""
        return newest_version(self.samples)

    @property
    def labels(self) -> list[str]:
        """The ratios in words: "3 : 1"."""
        return [ratio_label(ratio) for ratio in self.ratios]

    def shares(self) -> list[Share]:
        """The share of that version at each ratio."""
        from canarylab import stats  # noqa: PLC0415  it imports this module

        return [stats.share_of(each, self.version) for each in self.samples]

    @property
    def finding(self) -> Finding:
        """What the samples show, in a sentence."""
        from canarylab import stats  # noqa: PLC0415  it imports this module

        return stats.finding_of_sweep(self.labels, self.samples, self.version)

    def plot(self) -> Picture:
        """The observed share over the expected share, with the diagonal.

        >>> one = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
        >>> Sweep((one, one), ((2, 2), (1, 1))).plot().title
        'As expected at each of 2 ratios: requests are split like the pods'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        return figures.plot_sweep(self)

    def to_frame(self) -> DataFrame:
        """A row for each ratio, with the observed share, its interval and the expected share.

        >>> Sweep((Sample.from_versions(["1.0", "2.0"]),), ((1, 1),)).to_frame()["canary"].to_list()
        [1]
        """
        pods = [{"production": old, "canary": new} for old, new in self.ratios]
        return _frame(pods, self.shares(), {"finding": self._agreements()})

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> Table:
        labels, words = {"production : canary": self.labels}, {"finding": self._agreements()}
        notes = [self.interruption, self.left]
        return _table(f"{self.finding.sentence}.", labels, self.shares(), words, notes)

    def _agreements(self) -> list[str]:
        return [str(share.agreement or "not compared") for share in self.shares()]


def newest_version(samples: Iterable[Sample]) -> str:
    """The last version by number among all that answered or were expected.

    >>> newest_version([Sample.from_versions(["1.0", "2.0"])])
    '2.0'
    """
    named = {name for sample in samples for name in sample.by_version} - {OTHER}
    return sort_naturally(named)[-1] if named else OTHER


def ratio_label(ratio: Ratio) -> str:
    """A ratio in words.

    >>> ratio_label((3, 1))
    '3 : 1'
    """
    return f"{ratio[0]} : {ratio[1]}"


def check_ratios(ratios: Iterable[Sequence[int]]) -> tuple[Ratio, ...]:
    """The ratios of a sweep, or ValueError with what is wrong with one.

    >>> check_ratios([(3, 1), (0, 0)])
    Traceback (most recent call last):
    ValueError: At the ratio 0 : 0 no pod is left to answer. Give at least one of the two a pod.
    """
    found = tuple(_checked(ratio) for ratio in ratios)
    if not 1 <= len(found) <= MAX_RATIOS:
        raise ValueError(
            f"{len(found)} ratios cannot be measured. Give from 1 to {MAX_RATIOS}, "
            "such as [(3, 1), (3, 2), (2, 2)]."
        )
    return found


def numbers_of_samples(samples: int) -> range:
    """The numbers from 1 on, or ValueError for a number of samples that nobody can draw.

    >>> list(numbers_of_samples(3))
    [1, 2, 3]
    """
    if not isinstance(samples, int) or isinstance(samples, bool) or not 1 <= samples <= MAX_SAMPLES:
        raise ValueError(
            f"{samples!r} samples cannot be taken. Give a whole number from 1 to {MAX_SAMPLES}."
        )
    return range(1, samples + 1)


def measure_each(
    things: Sequence[T], measure: Callable[[T], Sample], noun: str
) -> tuple[list[Sample], str]:
    """A sample for each, and a sentence that says after how many it was interrupted.

    What there was of an interrupted sample is left out, unless it is the first.
    """
    found: list[Sample] = []
    for thing in things:
        try:
            found.append(measure(thing))
        except KeyboardInterrupt as exc:
            if found:
                return found, f"Interrupted after {len(found)} of {count_noun(len(things), noun)}."
            if isinstance(exc, SampleInterrupted):
                return [exc.sample], " ".join(map(str, exc.args))
            raise
    return found, ""


def _part(sample: Sample, results: Sequence[RequestResult]) -> Sample:
    seconds = results[-1].when_s + results[-1].latency_s - results[0].when_s
    return replace(sample, results=tuple(results), seconds=seconds, limit="")


def _checked(ratio: Sequence[int]) -> Ratio:
    try:
        production, canary = ratio
    except (TypeError, ValueError):
        raise ValueError(
            f"{ratio!r} is not a ratio. Give two numbers of pods for each, production and canary: "
            "(3, 1)."
        ) from None
    for number in (production, canary):
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ValueError(
                f"{number!r} in the ratio {ratio!r} is not a number of pods. Give whole numbers "
                "from 0 on."
            )
    label = ratio_label((production, canary))
    if production + canary == 0:
        raise ValueError(
            f"At the ratio {label} no pod is left to answer. Give at least one of the two a pod."
        )
    if production + canary > MAX_PODS:
        raise ValueError(
            f"The ratio {label} needs {production + canary} pods, more than this machine should "
            f"run. Give {MAX_PODS} at most, both together."
        )
    return production, canary


def _table(
    sentence: str, labels: Column, shares: Sequence[Share], words: Column, notes: Sequence[str]
) -> Table:
    columns = (*labels, "answers", "share", "95 % interval", "expected", *words)
    rows = [
        (
            label,
            f"{share.hits:,} of {share.total:,}",
            percent(share.observed) if share.total else "no answer",
            share.interval,
            "unknown" if share.expected is None else percent(share.expected),
            word,
        )
        for label, share, word in zip(*labels.values(), shares, *words.values(), strict=True)
    ]
    return Table(sentence, columns, rows, [note for note in notes if note])


def _frame(keys: Sequence[dict[str, Any]], shares: Sequence[Share], words: Column) -> DataFrame:
    from pandas import DataFrame  # noqa: PLC0415  pandas is slow to import

    rows = [
        key
        | {
            "answers": share.total,
            "hits": share.hits,
            "share": share.observed,
            "low": share.interval.low,
            "high": share.interval.high,
            "expected": share.expected,
        }
        for key, share in zip(keys, shares, strict=True)
    ]
    return DataFrame(rows).assign(**words)
