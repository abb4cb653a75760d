"""Plots of shares with vertical intervals, over a number or over the expected share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from canarylab.figures import INK, MUTED, PAPER, VersionStyle
from canarylab.figures.drawing import (
    DEFAULT_WIDTH,
    GAP,
    LABEL,
    LINE,
    SMALL,
    AxesLayout,
    Axis,
    font,
    pale,
    width_of,
)
from canarylab.stats import Share

_MISS = VersionStyle(INK, "X", "")
"""How a point is drawn whose interval does not contain the line."""
_BAR_WIDTH = 0.17  # inches


@dataclass(frozen=True)
class Point:
    """One share at a horizontal position."""

    x: float
    share: Share
    label: str = ""
    """Shown beside the point."""


@dataclass(frozen=True)
class PointChart:
    """The content of a plot of points with the line on which they are expected."""

    title: str
    points: Sequence[Point]
    notes: Sequence[str]
    line: tuple[tuple[float, float], tuple[float, float]] | None
    """Both ends of the line, as x and share; None if nothing is expected."""
    line_label: str
    x_axis: Axis
    y_axis: Axis
    style: VersionStyle
    key: tuple[str, str]
    """Meaning of a point whose interval contains the line, and of one whose interval does not."""
    width: float = DEFAULT_WIDTH

    def draw(self) -> Figure:
        """Draw the plot as a new figure."""
        layout = _PointLayout(self)
        figure, axes = layout.figure()
        if self.line:
            (x0, y0), (x1, y1) = (layout.place(*at) for at in self.line)
            axes.plot([x0, x1], [y0, y1], "--", color=INK, linewidth=1.4, zorder=4)
        for point, at, bar in zip(self.points, layout.at, layout.bars, strict=True):
            _draw_point(axes, _MISS if point.share.misses else self.style, at, bar)
        for text, (x, y) in layout.labels:
            style = font(LABEL, INK) | {"ha": "center"}
            axes.text(x, y, text, parse_math=False, zorder=6, **style)
        _draw_key(axes, layout)
        return figure


class _PointLayout(AxesLayout):
    """Positions in inches; those of points are from the bottom left of the axes."""

    def __init__(self, chart: PointChart) -> None:
        both = chart.x_axis, chart.y_axis
        super().__init__(chart.title, chart.notes, both, width=chart.width)
        self.chart = chart
        places = [self.place(each.x, each.share.observed) for each in chart.points]
        self.at = _apart(places, self.across)
        self.bars = [self._bar(*each) for each in zip(chart.points, self.at, strict=True)]
        self.labels = self._labels()

    def _bar(self, point: Point, at: tuple[float, float]) -> Box:
        low, high = (self.place(0, end)[1] for end in point.share.interval)
        return Box(at[0] - _BAR_WIDTH / 2, low, at[0] + _BAR_WIDTH / 2, high)

    def _labels(self) -> list[tuple[str, tuple[float, float]]]:
        """Each label at the place around its point with the least overlap."""
        taken, labels = list(self.bars), []
        line = [self.place(*each) for each in _along(*self.chart.line)] if self.chart.line else []
        page = Box(0.0, 0.0, self.across + 0.12, self.up + LINE[LABEL] / 2)
        for point, at, bar in zip(self.chart.points, self.at, self.bars, strict=True):
            if point.label:
                size = width_of(point.label, LABEL), LINE[LABEL]
                side = -1 if at[0] < self.place(point.x, 0)[0] else 1
                places = [Box.around(each, size) for each in _around(at, bar, size, side)]
                best = min(places, key=lambda box: _overlap(box, page, taken, line))
                taken.append(best)
                labels.append((point.label, best.middle))
        return labels


class Box(NamedTuple):
    """A rectangle, in inches."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def around(cls, middle: tuple[float, float], size: tuple[float, float]) -> Box:
        """A rectangle by its middle and its size."""
        (x, y), (wide, high) = middle, size
        return cls(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def shared_area(self, other: Box) -> float:
        """The area that both cover."""
        wide = min(self.x1, other.x1) - max(self.x0, other.x0)
        high = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, wide) * max(0.0, high)

    def contains(self, at: tuple[float, float]) -> bool:
        """Whether a point is in it."""
        return self.x0 <= at[0] <= self.x1 and self.y0 <= at[1] <= self.y1


def _apart(places: Sequence[tuple[float, float]], across: float) -> list[tuple[float, float]]:
    """Move points with the same x apart, within the axes, so that each interval is seen."""
    found: list[tuple[float, float]] = []
    for index, (x, y) in enumerate(places):
        twins = [number for number, (other, _) in enumerate(places) if abs(other - x) < _BAR_WIDTH]
        half = (len(twins) - 1) / 2 * 1.2 * _BAR_WIDTH
        middle = min(max(x, half), across - half)
        found.append((middle + twins.index(index) * 1.2 * _BAR_WIDTH - half, y))
    return found


def _along(
    start: tuple[float, float], end: tuple[float, float], steps: int = 200
) -> list[tuple[float, float]]:
    """Points on a line."""
    return [
        (
            start[0] + (end[0] - start[0]) * step / steps,
            start[1] + (end[1] - start[1]) * step / steps,
        )
        for step in range(steps + 1)
    ]


def _around(
    at: tuple[float, float], bar: Box, size: tuple[float, float], side: int
) -> list[tuple[float, float]]:
    """Places for the label of a point, the best first; `side` is 1 for right, -1 for left."""
    wide, high = size
    beside = side * (wide / 2 + _BAR_WIDTH / 2 + 0.08)
    lines = [step * high for step in range(6)]
    return [
        *((at[0] + beside, at[1] - side * up) for up in (0.0, high, -high)),
        *((at[0] - beside, at[1] + side * up) for up in (0.0, high, -high)),
        *((at[0], bar.y1 + high / 2 + 0.03 + up) for up in lines),
        *((at[0], bar.y0 - high / 2 - 0.03 - up) for up in lines),
        *((at[0] + shift, at[1] + up) for up in lines for shift in (beside, -beside)),
        *((at[0] + shift, at[1] - up) for up in lines for shift in (beside, -beside)),
    ]


def _overlap(
    box: Box, page: Box, taken: Sequence[Box], line: Sequence[tuple[float, float]]
) -> float:
    """How much a label hides; the line counts least."""
    outside = (box.x1 - box.x0) * (box.y1 - box.y0) - box.shared_area(page)
    hidden = sum(box.shared_area(each) for each in taken)
    return 100 * outside + 10 * hidden + 0.002 * sum(box.contains(each) for each in line)


def _draw_point(axes: Axes, style: VersionStyle, at: tuple[float, float], bar: Box) -> None:
    patch = Rectangle((bar.x0, bar.y0), bar.x1 - bar.x0, bar.y1 - bar.y0, hatch=style.hatch)
    patch.set(facecolor=pale(style.colour, 0.26), edgecolor=pale(style.colour, 0.6))
    patch.set(linewidth=1.2 if style is _MISS else 0, clip_on=False, zorder=3)
    axes.add_patch(patch)
    _draw_marker(axes, at, style)


def _draw_marker(axes: Axes, at: tuple[float, float], style: VersionStyle) -> None:
    (dot,) = axes.plot(*at, style.marker, zorder=5, clip_on=False)
    dot.set(color=style.colour, markersize=9, markeredgecolor=PAPER)


def _draw_key(axes: Axes, layout: _PointLayout) -> None:
    """Draw what line and points mean, in a row above the axes."""
    chart, (x, y), style = layout.chart, layout.key_start, font(SMALL, MUTED)
    if chart.line is None:
        return
    axes.plot([x, x + 0.3], [y, y], "--", color=INK, linewidth=1.4, clip_on=False)
    axes.text(x + 0.38, y, chart.line_label, parse_math=False, **style)
    x += 0.38 + width_of(chart.line_label, SMALL) + 1.5 * GAP
    for is_miss, words in enumerate(chart.key):
        if any(bool(each.share.misses) == bool(is_miss) for each in chart.points):
            _draw_marker(axes, (x, y), _MISS if is_miss else chart.style)
            axes.text(x + 0.14, y, words, parse_math=False, **style)
            x += 0.14 + width_of(words, SMALL) + 1.5 * GAP
