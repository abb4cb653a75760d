"""How did the share of one version move from step to step?"""

from __future__ import annotations

from collections.abc import Sequence

from canarylab import stats
from canarylab.figures import finding
from canarylab.figures.chart import USUAL_WIDTH, Chart, Row
from canarylab.figures.look import looks
from canarylab.figures.picture import Picture
from canarylab.figures.split import MARKS, notes, picture
from canarylab.stats import Share
from canarylab.traffic.sample import Sample
from canarylab.traffic.words import OTHER, in_order

Step = tuple[str, Sample]
"""What the reader calls the step, and what was measured then."""


def journey(
    steps: Sequence[Step], *, version: str | None = None, width: float = USUAL_WIDTH
) -> Picture:
    """The share of one version, of the newest unless told, at each of several steps.

    >>> from canarylab.traffic import Sample
    >>> steps = [("one", Sample.typed(["1.0", "2.0"])), ("two", Sample.typed(["2.0"]))]
    >>> journey(steps).finding
    'Version 2.0 answered 50 % at first and 100 % at last'
    """
    if not steps:
        raise ValueError("A journey without steps has no picture. Give at least one sample.")
    shown = version or _newest(steps)
    shares = [_share(sample, shown) for _, sample in steps]
    look = looks(_all_versions(steps))[shown]
    rows = [Row(label, share, look) for (label, _), share in zip(steps, shares, strict=True)]
    title = finding.of_steps(shown, [sample for _, sample in steps], shares)
    return picture(Chart(title, rows, _notes(steps), width, mark=_mark(steps)))


def _newest(steps: Sequence[Step]) -> str:
    named = [name for name in in_order(_all_versions(steps)) if name != OTHER]
    return named[-1] if named else OTHER


def _all_versions(steps: Sequence[Step]) -> set[str]:
    return {name for _, sample in steps for name in sample.by_version} | {OTHER}


def _share(sample: Sample, version: str) -> Share:
    hits = sample.by_version.get(version, 0)
    expected = None if sample.expected is None else sample.expected.get(version, 0.0)
    return Share(version, hits, sample.answered, stats.interval(sample, hits), expected)


def _mark(steps: Sequence[Step]) -> str:
    marks = {MARKS[sample.suggested_by] for _, sample in steps}
    return marks.pop() if len(marks) == 1 else "expected"


def _notes(steps: Sequence[Step]) -> list[str]:
    how = {notes(sample)[0] for _, sample in steps}
    failed = [
        f"{label}: {words}." for label, sample in steps if (words := finding.failures(sample))
    ]
    return [*sorted(how), *failed]
