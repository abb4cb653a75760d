"""How was the traffic split, and is that what ready pods and rules suggest?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from canarylab import stats
from canarylab.figures import finding
from canarylab.figures.chart import USUAL_WIDTH, Chart, Row, draw
from canarylab.figures.look import NOBODY, looks
from canarylab.figures.picture import Picture
from canarylab.stats import Share
from canarylab.traffic.sample import Sample
from canarylab.traffic.words import OTHER, called, in_order, percent

MARKS = {"pods": "expected from ready pods", "rules": "expected by the rules"}
_LUCK = "By luck alone, about one in twenty such intervals misses the true share."
_BARS = "Bars: 95 % Wilson intervals"
_ENDS = (0.2, 0.4, 1.0)  # of the axis of a picture of pods
_MANY = 5  # intervals, from which on one that misses is no surprise


def split(sample: Sample, *, width: float = USUAL_WIDTH) -> Picture:
    """The share of each version with its interval, beside the expected share.

    >>> from canarylab.traffic import Sample
    >>> split(Sample.typed(["1.0", "1.0", "2.0", "1.0"])).finding
    'Version 2.0 answered 1 of 4 requests'
    """
    shares = stats.shares(sample)
    look = looks(each.name for each in shares)
    rows = [Row(called(each.name).capitalize(), each, look[each.name]) for each in shares]
    unnamed = ["Other: the answer named no version."] if sample.by_version.get(OTHER) else []
    title = finding.of_versions(sample, shares)
    mark = MARKS[sample.suggested_by]
    return picture(Chart(title, rows, [*notes(sample), *unnamed], width, mark=mark))


def pods(sample: Sample, *, width: float = USUAL_WIDTH) -> Picture:
    """The share of each pod with its interval, beside the expected share.

    >>> from canarylab.traffic import Sample
    >>> pods(Sample.typed(["1.0", "2.0"])).finding
    'No answer named its pod'
    """
    shares = {each.name: each for each in stats.pod_shares(sample)}
    title = finding.of_pods(sample, list(shares.values()))
    missed = sum(each.fits is False for each in shares.values())
    luck = [_LUCK] if missed and len(shares) >= _MANY else []
    rows = list(_grouped(shares, _version_of_each_pod(sample)))
    end = _end(shares.values())
    said, mark = [*notes(sample), *luck], MARKS[sample.suggested_by]
    return picture(Chart(title, rows, said, width, compact=True, end=end, mark=mark))


def notes(sample: Sample) -> list[str]:
    """The small print of one sample: how it was measured, what failed."""
    how = [_BARS, finding.connections(sample), *([sample.cluster] if sample.cluster else [])]
    failed = finding.failures(sample)
    return [" · ".join(how), *([f"{failed}. They are in no share."] if failed else [])]


def picture(chart: Chart) -> Picture:
    """A chart drawn, and described from the same numbers."""
    rows = " ".join(
        finding.told(row.label if not row.heading else f"{row.heading}. {row.label}", row.share)
        for row in chart.rows
    )
    alt = (
        "Dot plot with intervals; the axis is the share of answers, "
        f"from 0 % to {percent(chart.end)}. "
        f"{chart.title}. {rows} {'. '.join(note.rstrip('.') for note in chart.notes)}."
    )
    return Picture(draw(chart), chart.title, alt)


def _end(shares: Iterable[Share]) -> float:
    highest = max((max(each.interval.high, each.expected or 0.0) for each in shares), default=1.0)
    return next(end for end in _ENDS if highest <= end)


def _grouped(shares: Mapping[str, Share], version_of: Mapping[str, str]) -> Iterator[Row]:
    look = looks(version_of.values())
    for version in [*in_order(set(version_of.values())), None]:
        group = in_order(name for name in shares if version_of.get(name) == version)
        heading = called(version).capitalize() if version else "Never answered"
        for place, name in enumerate(group):
            seen_as = look[version] if version else NOBODY
            yield Row(name, shares[name], seen_as, heading if place == 0 else None)


def _version_of_each_pod(sample: Sample) -> dict[str, str]:
    counted: dict[str, Counter[str]] = {}
    for answer in sample.answers:
        if answer.failure is None:
            counted.setdefault(answer.pod or OTHER, Counter())[answer.version or OTHER] += 1
    return {pod: versions.most_common(1)[0][0] for pod, versions in counted.items()}
