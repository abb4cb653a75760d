"""Pictures of samples, each with a title and a text alternative made from its numbers."""

from __future__ import annotations

import base64
import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from canarylab import stats
from canarylab.display import scrolling_html, write_file
from canarylab.figures import UNKNOWN_VERSION_STYLE, captions, version_styles
from canarylab.figures.captions import describe_share
from canarylab.figures.chart import Chart, Row
from canarylab.figures.drawing import DEFAULT_WIDTH, Axis
from canarylab.figures.line_chart import LineChart
from canarylab.figures.point_chart import Point, PointChart
from canarylab.stats import Share
from canarylab.text import OTHER, percent, sort_naturally, version_label
from canarylab.traffic.sample import Sample
from canarylab.traffic.sample_series import Samples, Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SCREEN, _PIXEL_RATIO = 96, 2  # pixels per inch; twice as many are drawn, for fine screens
_COLOURS = 128
_IMG_STYLE = "background:#fff;padding:8px;border-radius:6px;max-width:calc(100% - 16px)"
_SMALLEST_SCALE = 0.8  # on a narrow page a picture is moved sideways, not made smaller still


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A picture with its title and its text alternative.

    It keeps the values and not the drawing, which takes a hundred times the memory; notebooks keep
    every picture that a cell has shown.
    """

    chart: Chart | PointChart | LineChart
    alt: str
    """Text alternative: type, axes, range, title and every number."""

    @property
    def title(self) -> str:
        """What the numbers say, in words."""
        return self.chart.title

    @property
    def figure(self) -> Figure:
        """The picture as a new matplotlib figure."""
        return self.chart.draw()

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG, with title and description as metadata.

        A palette makes it a quarter of the size, which matters when many share a
        network connection.
        """
        figure, written = self.figure, BytesIO()
        figure.set_dpi(_PIXEL_RATIO * _SCREEN)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        drawn = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
        pixels = Image.frombuffer("RGBA", canvas.get_width_height(), drawn)
        palette = pixels.convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT)
        words = PngInfo()
        words.add_itxt("Title", self.title)
        words.add_itxt("Description", self.alt)
        resolution = (_PIXEL_RATIO * _SCREEN, _PIXEL_RATIO * _SCREEN)
        palette.save(written, "PNG", optimize=True, pnginfo=words, dpi=resolution)
        del figure, canvas, drawn, pixels
        gc.collect(1)  # in 1 ms; otherwise figures, which are cycles, pile up to 45 MB
        return written.getvalue()

    @property
    def svg(self) -> bytes:
        """The picture as SVG, with title and description as metadata."""
        written = BytesIO()
        about = {"Title": self.title, "Description": self.alt, "Date": None}
        with rc_context({"svg.hashsalt": "canarylab"}):  # the same numbers make the same bytes
            self.figure.savefig(written, format="svg", metadata=about)
        return written.getvalue()

    @property
    def width(self) -> int:
        """Display width, in pixels."""
        return round(self.chart.width * _SCREEN)

    def save(self, path: str | Path) -> Path:
        """Write the picture and return its path; a name that ends in `.svg` gets SVG, else PNG.

        >>> from tempfile import TemporaryDirectory
        >>> from canarylab.figures import plot_versions
        >>> from canarylab.traffic import Sample
        >>> with TemporaryDirectory() as folder:
        ...     plot_versions(Sample.from_versions(["1.0", "2.0"])).save(f"{folder}/split.png").name
        'split.png'
        """
        place = Path(path)
        return write_file(place, self.svg if place.suffix.lower() == ".svg" else self.png)

    def __repr__(self) -> str:
        return self.alt

    @property
    def image_html(self) -> str:
        """The picture as an HTML element."""
        source = base64.b64encode(self.png).decode()
        style = f"{_IMG_STYLE};min-width:{self.width * _SMALLEST_SCALE:.0f}px"
        return (
            f'<img alt="{escape(self.alt)}" width="{self.width}" style="{style}" '
            f'src="data:image/png;base64,{source}">'
        )

    def _repr_html_(self) -> str:
        return scrolling_html(self.image_html)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # the notebook filters by itself
        return {"text/plain": self.alt, "text/html": self._repr_html_()}


EXPECTATION_LABELS = {"pods": "expected from ready pods", "rules": "expected by the rules"}
_CHANCE_NOTE = "By chance alone, about one in twenty such intervals misses the true share."
_ENDS = (0.004, 0.008, 0.02, 0.04, 0.08, 0.2, 0.4, 0.6, 0.8, 1.0)  # of an axis of shares
_MOST_NAMED = 6
"""Samples."""
_KEY = ("meets the line", "misses it")
"""Of an interval."""
_CHANCE_NOTE_FROM = 5  # from this many intervals on, the note is shown
_ENLARGED_UP_TO = 0.08  # a larger share can be read on an axis to 100 %


def plot_versions(sample: Sample, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of each version with its interval, beside the expected share.

    >>> from canarylab.traffic import Sample
    >>> plot_versions(Sample.from_versions(["1.0", "1.0", "2.0", "1.0"])).title
    'Version 2.0 answered 25 % of 4 requests'
    """
    shares = stats.shares(sample)
    style = version_styles(each.name for each in shares)
    rows = [Row(version_label(each.name).capitalize(), each, style[each.name]) for each in shares]
    unnamed = ["Other: the answer named no version."] if sample.by_version.get(OTHER) else []
    small = [row for row in rows if sample.answered and _highest(row.share) <= _ENLARGED_UP_TO]
    if small and len(small) < len(rows):
        first, *more = small
        enlarged = [replace(first, heading="Enlarged, with its interval"), *more]
    else:
        enlarged = []
    return picture(
        Chart(
            stats.finding(sample).sentence,
            rows,
            [*notes(sample), *unnamed],
            width,
            enlarged=enlarged,
            enlarged_end=_end(row.share for row in small),
            mark=EXPECTATION_LABELS[sample.expected_from],
        )
    )


def plot_pods(sample: Sample, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of each pod with its interval, beside the expected share.

    >>> from canarylab.traffic import Sample
    >>> plot_pods(Sample.from_versions(["1.0", "2.0"])).title
    'No answer named its pod'
    """
    shares = {each.name: each for each in stats.pod_shares(sample)}
    title = captions.pods_title(sample, list(shares.values()))
    missed = any(each.misses for each in shares.values())
    chance = [_CHANCE_NOTE] if missed and len(shares) >= _CHANCE_NOTE_FROM else []
    rows = list(_grouped(shares, _version_of_each_pod(sample)))
    end = _end(shares.values())
    mark = EXPECTATION_LABELS[sample.expected_from]
    return picture(
        Chart(title, rows, [*notes(sample), *chance], width, compact=True, end=end, mark=mark)
    )


def plot_samples(samples: Samples, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of the newest version in each of several samples, side by side.

    >>> from canarylab.traffic import Sample, Samples
    >>> one = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
    >>> plot_samples(Samples((one, one))).title
    '2 of 2 intervals contain the expected 50 %'
    """
    version, shares = samples.version, samples.shares()
    expected = {each.expected for each in shares if each.expected is not None}
    end, most = _end(shares), len(shares)
    level = expected.pop() if len(expected) == 1 else None
    chart = PointChart(
        title=stats.finding_of_samples(samples.samples, version).sentence,
        points=[Point(number, share) for number, share in enumerate(shares, 1)],
        notes=[*_notes(samples.samples), samples.interruption],
        line=None if level is None else ((0.3, level), (most + 0.7, level)),
        line_label=f"expected {percent(level or 0.0)}",
        x_axis=_axis_of_samples(samples),
        y_axis=share_axis(f"share of answers from {version_label(version)}", end),
        style=version_styles([version])[version],
        key=_KEY,
        width=width,
    )
    rows = [
        describe_share(f"Sample {n}", share, finding=place)
        for n, (share, place) in enumerate(zip(shares, samples.places(), strict=True), 1)
    ]
    return point_picture("Plot of intervals side by side, one for each sample", chart, rows)


def _axis_of_samples(samples: Samples) -> Axis:
    """Number the samples; if connections were kept, name them by how often a pod was chosen."""
    draws, most = [each.trials for each in samples.samples], len(samples.samples)
    kept = any(each.trials < each.answered for each in samples.samples)
    if kept and len(set(draws)) == most <= _MOST_NAMED:
        names = {float(number): f"{count:,}" for number, count in enumerate(draws, 1)}
        return Axis("choices of a pod in the sample", 0.3, most + 0.7, names)
    step = next(step for step in (1, 2, 5, 10, 20) if most / step <= 20)
    numbers = [number for number in range(1, most + 1) if number == 1 or number % step == 0]
    return Axis("number of the sample", 0.3, most + 0.7, {n: str(n) for n in numbers})


def plot_sweep(sweep: Sweep, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The observed share of the newest version over its share of the pods, with the diagonal.

    >>> from canarylab.traffic import Sample, Sweep
    >>> one = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
    >>> plot_sweep(Sweep((one,), ((2, 2),))).title
    'As expected at 2 : 2: version 2.0 answered 50 % of 40 requests, expected 50 %'
    """
    version, shares = sweep.version, sweep.shares()
    drawn = [
        Point(share.expected, share, label)
        for label, share in zip(sweep.labels, shares, strict=True)
        if share.expected is not None and share.total
    ]
    end = _end(point.share for point in drawn)
    who = version_label(version)
    chart = PointChart(
        title=stats.finding_of_sweep(sweep.labels, sweep.samples, version).sentence,
        points=drawn,
        notes=[
            "Labels: pods of production : pods of the canary",
            *_notes(sweep.samples),
            sweep.interruption,
        ],
        line=((0.0, 0.0), (end, end)),
        line_label="observed = expected",
        x_axis=share_axis(f"expected share: ready pods of {who}", end),
        y_axis=share_axis(f"observed share: answers from {who}", end),
        style=version_styles([version])[version],
        key=_KEY,
        width=width,
    )
    rows = [describe_share(each, share) for each, share in zip(sweep.labels, shares, strict=True)]
    return point_picture("Plot of the observed share over the expected share", chart, rows)


def notes(sample: Sample, drawn: str = "Bars") -> list[str]:
    """Notes below the picture of one sample: how it was measured, what failed."""
    intervals = f"{drawn}: 95 % Wilson intervals"
    how = [
        intervals,
        captions.connection_text(sample),
        *([sample.cluster] if sample.cluster else []),
    ]
    failed = captions.failure_text(sample)
    return [" · ".join(how), *([f"{failed}. They are in no share."] if failed else [])]


def picture(chart: Chart) -> Picture:
    """Describe a dot plot from the numbers that are drawn."""
    rows = " ".join(
        describe_share(row.label if not row.heading else f"{row.heading}. {row.label}", row.share)
        for row in chart.rows
    )
    enlarged = f", and again to {percent(chart.enlarged_end)}" if chart.enlarged else ""
    alt = (
        "Dot plot with intervals; the axis is the share of answers, "
        f"from 0 % to {percent(chart.end)}{enlarged}. "
        f"{chart.title}. {rows} {_as_sentences(chart.notes)}"
    )
    return Picture(chart, alt)


def point_picture(kind: str, chart: PointChart, rows: Sequence[str]) -> Picture:
    """Describe a plot of points from the numbers that are drawn."""
    start, *_, end = chart.y_axis.ticks.values()
    alt = (
        f"{kind}; the horizontal axis is the {chart.x_axis.title}, the vertical axis is the "
        f"{chart.y_axis.title}, marked from {start} to {end}; "
        f"dashed line: {chart.line_label}. "
        f"{chart.title}. {' '.join(rows)} {_as_sentences(chart.notes)}"
    )
    return Picture(chart, alt)


def _as_sentences(texts: Iterable[str]) -> str:
    return " ".join(f"{text.rstrip('.')}." for text in texts if text)


def share_axis(title: str, end: float) -> Axis:
    """An axis of shares from 0 to this end."""
    steps = 3 if end == 0.6 else 4
    ticks = [end * step / steps for step in range(steps + 1)]
    return Axis(title, 0.0, end, {tick: percent(tick) for tick in ticks})


def _highest(share: Share) -> float:
    return max(share.interval.high, share.expected or 0.0)


def share_axis_end(values: Iterable[float]) -> float:
    """The end of an axis on which the highest of these shares can be read.

    >>> share_axis_end([0.01, 0.03])
    0.04
    """
    highest = max(values, default=1.0)
    return next(end for end in _ENDS if highest <= end)


def _end(shares: Iterable[Share]) -> float:
    return share_axis_end(map(_highest, shares))


def _notes(samples: Sequence[Sample]) -> list[str]:
    """The notes of several samples, each once."""
    return list(dict.fromkeys(note for sample in samples for note in notes(sample)[:1]))


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
