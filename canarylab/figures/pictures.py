"""Pictures of samples, each with a title and a text alternative made from its numbers."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from canarylab import stats
from canarylab.figures import captions
from canarylab.figures.chart import (
    DEFAULT_WIDTH,
    UNKNOWN_VERSION_STYLE,
    Chart,
    Row,
    draw,
    version_styles,
)
from canarylab.stats import Share
from canarylab.text import OTHER, percent, sort_naturally, version_label
from canarylab.traffic.sample import Sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SCREEN, _PIXEL_RATIO = 96, 2  # pixels per inch; twice as many are drawn, for fine screens
_COLOURS = 128
_IMG_STYLE = "background:#fff;padding:8px;border-radius:6px;max-width:calc(100% - 16px)"


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A matplotlib figure with its title and its text alternative."""

    figure: Figure
    title: str
    """What the numbers say, in words."""
    alt: str
    """Text alternative: type, axes, range, title and every number."""

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG, with title and description as metadata.

        A palette makes it a quarter of the size, which matters when many share a
        network connection.
        """
        drawn, written = BytesIO(), BytesIO()
        self.figure.savefig(drawn, format="png", dpi=_PIXEL_RATIO * _SCREEN)
        palette = Image.open(drawn).convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT)
        words = PngInfo()
        words.add_itxt("Title", self.title)
        words.add_itxt("Description", self.alt)
        resolution = (_PIXEL_RATIO * _SCREEN, _PIXEL_RATIO * _SCREEN)
        palette.save(written, "PNG", optimize=True, pnginfo=words, dpi=resolution)
        return written.getvalue()

    @property
    def width(self) -> int:
        """Display width, in pixels."""
        return round(self.figure.get_figwidth() * _SCREEN)

    def save(self, path: str | Path) -> Path:
        """Write the PNG and return its path.

        >>> from tempfile import TemporaryDirectory
        >>> from canarylab.figures import plot_versions
        >>> from canarylab.traffic import Sample
        >>> with TemporaryDirectory() as folder:
        ...     plot_versions(Sample.from_versions(["1.0", "2.0"])).save(f"{folder}/split.png").name
        'split.png'
        """
        place = Path(path)
        place.write_bytes(self.png)
        return place

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        source = base64.b64encode(self.png).decode()
        return (
            f'<img alt="{escape(self.alt)}" width="{self.width}" style="{_IMG_STYLE}" '
            f'src="data:image/png;base64,{source}">'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # the notebook filters by itself
        return {"text/plain": self.alt, "text/html": self._repr_html_()}


EXPECTATION_LABELS = {"pods": "expected from ready pods", "rules": "expected by the rules"}
_CHANCE_NOTE = "By chance alone, about one in twenty such intervals misses the true share."
_BARS = "Bars: 95 % Wilson intervals"
_ENDS = (0.2, 0.4, 1.0)  # of the axis of a picture of pods
_CHANCE_NOTE_FROM = 5  # from this many intervals on, the note is shown


def plot_versions(sample: Sample, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of each version with its interval, beside the expected share.

    >>> from canarylab.traffic import Sample
    >>> plot_versions(Sample.from_versions(["1.0", "1.0", "2.0", "1.0"])).title
    'Version 2.0 answered 1 of 4 requests'
    """
    shares = stats.shares(sample)
    style = version_styles(each.name for each in shares)
    rows = [Row(version_label(each.name).capitalize(), each, style[each.name]) for each in shares]
    unnamed = ["Other: the answer named no version."] if sample.by_version.get(OTHER) else []
    title = captions.versions_title(sample, shares)
    mark = EXPECTATION_LABELS[sample.expected_from]
    return picture(Chart(title, rows, [*notes(sample), *unnamed], width, mark=mark))


def plot_pods(sample: Sample, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of each pod with its interval, beside the expected share.

    >>> from canarylab.traffic import Sample
    >>> plot_pods(Sample.from_versions(["1.0", "2.0"])).title
    'No answer named its pod'
    """
    shares = {each.name: each for each in stats.pod_shares(sample)}
    title = captions.pods_title(sample, list(shares.values()))
    missed = sum(each.contains_expected is False for each in shares.values())
    chance = [_CHANCE_NOTE] if missed and len(shares) >= _CHANCE_NOTE_FROM else []
    rows = list(_grouped(shares, _version_of_each_pod(sample)))
    end = _end(shares.values())
    mark = EXPECTATION_LABELS[sample.expected_from]
    return picture(
        Chart(title, rows, [*notes(sample), *chance], width, compact=True, end=end, mark=mark)
    )


def notes(sample: Sample) -> list[str]:
    """Notes below the picture of one sample: how it was measured, what failed."""
    how = [_BARS, captions.connection_text(sample), *([sample.cluster] if sample.cluster else [])]
    failed = captions.failure_text(sample)
    return [" · ".join(how), *([f"{failed}. They are in no share."] if failed else [])]


def picture(chart: Chart) -> Picture:
    """Draw a chart, and describe it from the same numbers."""
    rows = " ".join(
        captions.describe_row(
            row.label if not row.heading else f"{row.heading}. {row.label}", row.share
        )
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
    style = version_styles(version_of.values())
    for version in [*sort_naturally(set(version_of.values())), None]:
        group = sort_naturally(name for name in shares if version_of.get(name) == version)
        heading = version_label(version).capitalize() if version else "No answers"
        for place, name in enumerate(group):
            row_style = style[version] if version else UNKNOWN_VERSION_STYLE
            yield Row(name, shares[name], row_style, heading if place == 0 else None)


def _version_of_each_pod(sample: Sample) -> dict[str, str]:
    hits: dict[str, Counter[str]] = {}
    for result in sample.results:
        if result.failure is None:
            hits.setdefault(result.pod or OTHER, Counter())[result.version or OTHER] += 1
    return {pod: versions.most_common(1)[0][0] for pod, versions in hits.items()}


Step = tuple[str, Sample]
"""Label of a step, and the sample measured there."""


def plot_steps(
    steps: Sequence[Step], *, version: str | None = None, width: float = DEFAULT_WIDTH
) -> Picture:
    """The share of one version at each of several steps; by default of the newest version.

    >>> from canarylab.traffic import Sample
    >>> both, new = Sample.from_versions(["1.0", "2.0"]), Sample.from_versions(["2.0"])
    >>> plot_steps([("one", both), ("two", new)]).title
    'Version 2.0 answered 50 % at first and 100 % at last'
    """
    if not steps:
        raise ValueError("There is no step to draw. Give at least one sample.")
    shown = version or _newest(steps)
    shares = [_share(sample, shown) for _, sample in steps]
    style = version_styles(_all_versions(steps))[shown]
    rows = [Row(label, share, style) for (label, _), share in zip(steps, shares, strict=True)]
    title = captions.steps_title(shown, [sample for _, sample in steps], shares)
    return picture(Chart(title, rows, _notes(steps), width, mark=_mark(steps)))


def _newest(steps: Sequence[Step]) -> str:
    named = [name for name in sort_naturally(_all_versions(steps)) if name != OTHER]
    return named[-1] if named else OTHER


def _all_versions(steps: Sequence[Step]) -> set[str]:
    return {name for _, sample in steps for name in sample.by_version} | {OTHER}


def _share(sample: Sample, version: str) -> Share:
    hits = sample.by_version.get(version, 0)
    expected = None if sample.expected is None else sample.expected.get(version, 0.0)
    return Share(version, hits, sample.answered, stats.interval(sample, hits), expected)


def _mark(steps: Sequence[Step]) -> str:
    marks = {EXPECTATION_LABELS[sample.expected_from] for _, sample in steps}
    return marks.pop() if len(marks) == 1 else "expected"


def _notes(steps: Sequence[Step]) -> list[str]:
    how = {notes(sample)[0] for _, sample in steps}
    failed = [
        f"{label}: {words}." for label, sample in steps if (words := captions.failure_text(sample))
    ]
    return [*sorted(how), *failed]
