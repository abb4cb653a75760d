"""Pooled results of a class: the samples that all learners exported, in one folder.

Each learner measures the same share and sees another number. Together they have many more
requests, and their numbers show what chance does. The spread of the shares is compared with what
the binomial distribution says (Cochran 1954, "Some methods for strengthening the common chi-square
tests", Biometrics 10(4), 417-451, on the test of the binomial distribution).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from canarylab.display import ShownAsTable, Table
from canarylab.errors import SampleFileError
from canarylab.stats.arguments import is_number, shown
from canarylab.stats.shares import COMMONEST, RAREST, Share, share_of, share_of_all
from canarylab.text import count_noun, percent, sort_naturally, version_label
from canarylab.traffic.sample import Sample
from canarylab.traffic.sample_series import newest_version

if TYPE_CHECKING:
    from pandas import DataFrame

    from canarylab.figures import Picture

PATTERN = "*.json"


class LearnersSample(NamedTuple):
    """The sample in one file, and whose it is."""

    name: str
    sample: Sample


class Spread(NamedTuple):
    """How far the shares of the learners are apart, beside what chance alone gives.

    >>> print(Spread(0.11, 0.112, 0.43))
    The shares differ as chance makes them differ: their standard deviation is 11 percentage points, and the binomial distribution gives 11.2 at the share of all together.
    """  # noqa: E501  an example shows what a learner sees

    observed: float
    """Standard deviation of the observed shares around the pooled one, as a fraction."""
    binomial: float
    """The standard deviation that the binomial distribution gives."""
    p_value: float
    """The probability that chance alone gives a spread at least as large."""

    @property
    def is_binomial(self) -> bool:
        """False only if chance does not explain the spread, too large or too small.

        >>> Spread(0.3, 0.1, 1e-9).is_binomial
        False
        """
        return 1 / RAREST <= self.p_value <= 1 - 1 / RAREST

    def __str__(self) -> str:
        if not self.is_binomial:
            how = "more" if self.p_value < 0.5 else "less"
            words = f"The shares differ {how} than chance explains"
        elif self.p_value < 1 / COMMONEST:
            often = f"once in {1 / self.p_value:,.0f} classes"
            words = f"The shares differ somewhat more than usual, as chance does about {often}"
        else:
            words = "The shares differ as chance makes them differ"
        observed, binomial = (
            f"{100 * each:.1f}".removesuffix(".0") for each in (self.observed, self.binomial)
        )
        return (
            f"{words}: their standard deviation is {observed} percentage points, and the binomial "
            f"distribution gives {binomial} at the share of all together."
        )


@dataclass(frozen=True, repr=False)
class ClassResults(ShownAsTable):
    """What each learner of a class saw, and what all of them saw together."""

    version: str
    """The version whose share is compared."""
    learners: tuple[Share, ...]
    """The share of each learner, with the learner's name, by name."""
    pooled: Share
    """The share of all requests together."""
    spread: Spread | None
    """None if there is nothing to compare: one learner, or a share of 0 or 1."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
    draws: tuple[int, ...] = ()
    """How many independent choices of a pod are behind the share of each learner."""

    @property
    def sentence(self) -> str:
        """What the numbers mean."""
        who = f"{count_noun(len(self.learners), 'learner')}, {_answers(self.pooled)}"
        if not self.pooled.total:
            return f"{who}."
        expected = self.pooled.expected
        beside = "" if expected is None else f", expected {percent(expected)}"
        spread = f" {self.spread}" if self.spread else ""
        return (
            f"{who}: {version_label(self.version)} answered {percent(self.pooled.observed)} "
            f"(95 % interval {self.pooled.interval}){beside}.{spread}"
        )

    def _table(self) -> Table:
        """A row for each learner, and one for all together."""
        columns = ("learner", "answers", "share", "95 % interval")
        rows = [
            (
                each.name,
                f"{each.hits:,} of {each.total:,}",
                percent(each.observed) if each.total else "no answer",
                each.interval,
            )
            for each in (*self.learners, self.pooled._replace(name="all together"))
        ]
        return Table(self.sentence, columns, rows, self.notes)

    def plot(self) -> Picture:
        """How many learners found which share, beside what the binomial distribution suggests.

        >>> results_of([LearnersSample("anna", Sample.from_versions(["1.0", "2.0"]))]).plot().title
        '1 learner found 50 %'
        """
        from canarylab import figures  # noqa: PLC0415  matplotlib is slow to import

        return figures.plot_class_results(self)

    def to_frame(self) -> DataFrame:
        """A row for each learner, with hits, answers, share and interval.

        >>> anna = LearnersSample("anna", Sample.from_versions(["1.0", "2.0"]))
        >>> results_of([anna]).to_frame()["share"].to_list()
        [0.5]
        """
        from pandas import DataFrame  # noqa: PLC0415  pandas is slow to import

        columns = ["learner", "hits", "answers", "share", "low", "high", "expected"]
        rows = [
            (each.name, each.hits, each.total, each.observed, *each.interval, each.expected)
            for each in self.learners
        ]
        return DataFrame(rows, columns=columns)


def pool(folder: str | Path, *, version: str | None = None) -> ClassResults:
    """Pool the samples in a folder: the files `*.json` that `sample.export(...)` wrote.

    Two copies of one sample count once. Without a `version` the newest one is compared.
    SampleFileError if there is no such file, or one of them holds no sample.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, hits in {"anna": 4, "ben": 2}.items():
    ...     sample = Sample.from_versions(["2.0"] * hits + ["1.0"] * (15 - hits))
    ...     file = sample.export(folder / f"{name}.json")
    >>> pool(folder)
    2 learners, 30 answers: version 2.0 answered 20 % (95 % interval 9.5 % to 37 %). The shares differ as chance makes them differ: their standard deviation is 9.4 percentage points, and the binomial distribution gives 10.3 at the share of all together.
    """  # noqa: E501  an example shows what a learner sees
    if not isinstance(folder, str | PurePath):
        raise ValueError(f"{shown(folder)} is not a folder. Give its path, as text.")
    where = Path(folder)
    if not where.is_dir():
        remedy = "Give the folder that holds the files of the class."
        raise SampleFileError(where, "is not a folder", remedy)
    files = sorted((each for each in where.glob(PATTERN) if each.is_file()), key=_original_first)
    if not files:
        remedy = f"Put a file {PATTERN} of each learner into it, written by sample.export(...)."
        raise SampleFileError(where, f"holds no file {PATTERN}", remedy)
    found: dict[str, tuple[Path, LearnersSample]] = {}
    notes = []
    for file in files:
        content = _content(file)
        learners = _learners_sample(file, content)
        key = json.dumps(learners.sample.to_dict(), sort_keys=True)
        first, _ = found.setdefault(key, (file, learners))
        if first != file:
            notes.append(f"{file.name} is a copy of {first.name} and is counted once.")
    return results_of(_with_different_names(found.values()), version=version, notes=notes)


def results_of(
    learners: Iterable[LearnersSample], *, version: str | None = None, notes: Sequence[str] = ()
) -> ClassResults:
    """Pool samples that are already read; each needs a name of its own.

    >>> anna = LearnersSample("anna", Sample.from_versions(["1.0", "2.0"] * 20))
    >>> results_of([anna])
    1 learner, 40 answers: version 2.0 answered 50 % (95 % interval 35 % to 65 %).
    """
    named = {each.name: each for each in learners}
    all_ = [named[name] for name in sort_naturally(named)]
    if not all_:
        raise ValueError("There is no sample to pool. Give at least one.")
    chosen = version or newest_version(each.sample for each in all_)
    _check_comparable(all_, chosen)
    shares = tuple(share_of(each.sample, chosen)._replace(name=each.name) for each in all_)
    pooled = share_of_all([each.sample for each in all_], chosen)
    draws = tuple(each.sample.trials for each in all_)
    return ClassResults(chosen, shares, pooled, _spread(all_, chosen), tuple(notes), draws)


def _original_first(file: Path) -> tuple[int, str]:
    return len(file.name), file.name  # a browser appends " (1)" to a copy


def _content(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as exc:
        raise _no_sample(file) from exc
    if not isinstance(content, dict):
        raise _no_sample(file)
    return content


def _learners_sample(file: Path, content: dict[str, Any]) -> LearnersSample:
    try:
        sample = Sample.from_dict(content)
        newest_version([sample])  # fails if a version is no text
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise _no_sample(file) from exc
    if not sample.results or not _is_expectation(sample.expected):
        raise _no_sample(file)
    return LearnersSample(str(content.get("name") or file.stem), sample)


def _is_expectation(expected: object) -> bool:
    """Whether it is a share for each version, or nothing."""
    if not isinstance(expected, dict):
        return expected is None
    return all(is_number(share, 0, 1) for share in expected.values())


def _no_sample(file: Path) -> SampleFileError:
    remedy = "Take it out of the folder, or write it again with sample.export(...)."
    return SampleFileError(file, "holds no sample", remedy)


def _with_different_names(found: Iterable[tuple[Path, LearnersSample]]) -> list[LearnersSample]:
    """Learners with the same name get that of their file beside it."""
    files = list(found)
    times = Counter(each.name for _, each in files)
    return [
        each if times[each.name] == 1 else each._replace(name=f"{each.name} ({file.name})")
        for file, each in files
    ]


def _check_comparable(learners: Sequence[LearnersSample], version: str) -> None:
    """Refuse samples that were measured in different ways, or at different ratios."""
    first, *others = learners
    for other in others:
        for one, two in zip(_how(first.sample, version), _how(other.sample, version), strict=True):
            if one != two:
                raise ValueError(
                    f"In the sample of {first.name} {one}, and in that of {other.name} {two}. Pool "
                    "samples that were measured in the same way."
                )


def _how(sample: Sample, version: str) -> Sequence[str]:
    expected = share_of(sample, version).expected
    share = "no share" if expected is None else percent(expected)
    connections = "were kept" if sample.keep_alive else "were new for each request"
    return (
        f"{share} was expected of {version_label(version)}",
        f"a pod was chosen for each {sample.balanced_per}",
        f"connections {connections}",
    )


def _spread(learners: Sequence[LearnersSample], version: str) -> Spread | None:
    """Pearson's chi-square of the hits of all learners, given their total."""
    pairs = [
        (each.sample.choices("version")[version], each.sample.trials)
        for each in learners
        if each.sample.answered
    ]
    hits, trials = (sum(column) for column in zip(*pairs, strict=True)) if pairs else (0, 0)
    if len(pairs) < 2 or hits in {0, trials}:
        return None
    share = hits / trials
    variance = share * (1 - share)
    squares = [(each / number - share) ** 2 for each, number in pairs]
    statistic = math.fsum(
        number * square / variance for (_, number), square in zip(pairs, squares, strict=True)
    )
    from scipy.special import chdtrc  # noqa: PLC0415  scipy takes memory

    degrees = len(pairs) - 1
    observed = math.sqrt(math.fsum(squares) / degrees)
    binomial = math.sqrt(variance * math.fsum(1 / number for _, number in pairs) / len(pairs))
    return Spread(observed, binomial, float(chdtrc(degrees, statistic)))


def _answers(share: Share) -> str:
    return count_noun(share.total, "answer") if share.total else "no answer"
