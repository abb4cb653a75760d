"""Plots of shares with intervals, laid out so that nothing overlaps.

Sizes are in inches and every text is measured before it is placed: labels in a column on the left,
numbers in a column on the right, the bars between them. If that leaves too little space for the
bars, the labels are above them. Small shares are drawn again in a second panel, enlarged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle

from canarylab.figures import GRID, INK, MUTED, PAPER, VersionStyle
from canarylab.stats import Share
from canarylab.text import percent

FONT = "DejaVu Sans"  # comes with matplotlib, so a picture is the same everywhere
_POINTS_PER_INCH = 72
_FONT_UNITS_PER_POINT = 64  # the unit of FreeType's metrics
_SCREEN_FACTOR = 1.05  # letters snap to pixels on a screen, so a line is a little longer

DEFAULT_WIDTH = 7.2  # inches; narrower than a notebook's column
_MARGIN, _GAP = 0.14, 0.20
_TITLE, _LABEL, _SMALL = 13.0, 11.0, 10.0  # points
_LINE = {_TITLE: 0.25, _LABEL: 0.22, _SMALL: 0.19}  # inches from one line of text to the next
_NARROWEST_BARS = 1.8
_TICKS_ROOM, _MARK_ROOM = 0.34, 0.30
_MIN_WIDTH_BY_TICK_COUNT = {4: 2.2, 2: 1.2, 1: float("-inf")}  # of the bars, in inches
_MARK_LINE = 2.2  # points
_LABEL_GAP = 0.08


@dataclass(frozen=True)
class Row:
    """One row: label, share and style."""

    label: str
    share: Share
    style: VersionStyle
    heading: str | None = None
    """Heading above the row, for the first row of a group."""


@dataclass(frozen=True)
class Chart:
    """The content of a dot plot."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str]
    """Small print, a line each; long ones are wrapped."""
    width: float = DEFAULT_WIDTH
    compact: bool = False
    """Whether the numbers of a row are on one line, for charts of many rows."""
    end: float = 1.0
    """The share at the right end of the axis."""
    enlarged: Sequence[Row] = ()
    """Rows that are drawn again in a second panel."""
    enlarged_end: float = 1.0
    mark: str = "expected from ready pods"
    """Meaning of the marks; only its first word is shown if space is short."""


def draw(chart: Chart) -> Figure:
    """Draw a chart as a new figure, without pyplot's global state."""
    layout = _Layout(chart)
    figure = Figure(figsize=(chart.width, layout.height), facecolor=PAPER)
    for panel in layout.panels:
        bottom = layout.height - panel.top - panel.height
        box = (
            layout.left / chart.width,
            bottom / layout.height,
            layout.bars / chart.width,
            panel.height / layout.height,
        )
        axes = figure.add_axes(box, facecolor=PAPER)
        _draw_axis(axes, panel)
        for row, y in zip(panel.rows, panel.middles, strict=True):
            _draw_bar(axes, row, y)
            _draw_labels(axes, row, y, panel)
        if panel is layout.panels[0]:
            _draw_legend(axes, panel)
    _draw_title_and_notes(figure, layout)
    return figure


class _Layout:
    """Positions, in inches from the top left of the picture."""

    def __init__(self, chart: Chart) -> None:
        self.chart, room = chart, chart.width - 2 * _MARGIN
        self.title = wrap(chart.title, _TITLE, room)
        self.notes = [line for note in chart.notes for line in wrap(note, _SMALL, room)]
        self.size = _SMALL if chart.compact else _LABEL
        texts = [text for row in chart.rows for text in self.numbers(row)]
        texts += [_enlarged_text(row) for row in chart.enlarged]
        self.right = max((width_of(text, self.size) for text in texts), default=0.0) + _GAP
        label = max((width_of(row.label, self.size) for row in chart.rows), default=0.0) + _GAP
        self.stacked = room - label - self.right < _NARROWEST_BARS
        self.left = _MARGIN + (0.10 if self.stacked else label)
        self.bars = chart.width - self.left - self.right - _MARGIN
        top = _MARGIN + len(self.title) * _LINE[_TITLE] + 0.06
        self.panels = [_Panel(self, chart.rows, chart.end, top)]
        if chart.enlarged:
            top += self.panels[0].height + _TICKS_ROOM
            self.panels.append(_Panel(self, chart.enlarged, chart.enlarged_end, top))
        below = _MARGIN + len(self.notes) * _LINE[_SMALL] + _TICKS_ROOM
        self.height = self.panels[-1].top + self.panels[-1].height + below

    def numbers(self, row: Row) -> list[str]:
        """The text to the right of a bar."""
        share = row.share
        hits = f"{percent(share.observed)}, {share.hits:,} of {share.total:,}"
        observed = hits if share.total else "no answer"
        outside = ", outside" if share.misses else ""
        if share.expected is None:
            return [observed]
        if self.chart.compact:
            return [observed + outside]
        return [observed, f"expected {percent(share.expected)}{outside}"]

    def fitting(self, label: str) -> str:
        """A label, shortened to the width of the picture."""
        return shorten(label, _LABEL, self.chart.width - 2 * _MARGIN, "bold")


class _Panel:
    """Rows on one axis; positions in it are in inches from its top left."""

    def __init__(self, layout: _Layout, rows: Sequence[Row], end: float, top: float) -> None:
        self.layout, self.rows, self.end, self.top = layout, rows, end, top
        self.is_enlarged = rows is layout.chart.enlarged
        is_marked = any(row.share.expected is not None for row in rows) and not self.is_enlarged
        self.middles: list[float] = []
        self.height = _MARK_ROOM if is_marked else 0.1
        for row in rows:
            self.height += (_LINE[_LABEL] + 0.06) if row.heading else 0.0
            self.height += _LINE[_LABEL] if layout.stacked else 0.0
            high = 0.34 if layout.chart.compact else 0.58
            self.middles.append(self.height + high / 2)
            self.height += high
        self.height += 0.04

    def numbers(self, row: Row) -> list[str]:
        """The text to the right of a bar."""
        return [_enlarged_text(row)] if self.is_enlarged else self.layout.numbers(row)

    def across(self, share: float) -> float:
        """Horizontal position of a share."""
        return self.layout.bars * share / self.end


def _enlarged_text(row: Row) -> str:
    return str(row.share.interval) if row.share.total else "no answer"


@lru_cache(maxsize=2048)
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text, in inches.

    >>> width_of("a pod", 10) < width_of("two pods", 10) < width_of("two pods", 10, "bold")
    True
    """
    font = get_font(findfont(FontProperties(family=FONT, weight=weight)))
    font.set_size(size, _POINTS_PER_INCH)
    font.set_text(text)
    return font.get_width_height()[0] / _FONT_UNITS_PER_POINT / _POINTS_PER_INCH * _SCREEN_FACTOR


def wrap(text: str, size: float, width: float) -> list[str]:
    """Split text into lines of at most `width` inches; long words lose their middle.

    A percent sign stays with its number.

    >>> wrap("expected 25 %", 10, width_of("expected 25", 10))
    ['expected', '25 %']
    """
    lines = [""]
    for word in re.findall(r"\S+(?: %\S*)?", text):
        fitting = shorten(word, size, width)
        longer = f"{lines[-1]} {fitting}".strip()
        if width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fitting)
    return [line for line in lines if line]


def shorten(text: str, size: float, width: float, weight: str = "normal") -> str:
    """Text that fits into `width` inches; a longer one loses its middle."""
    if width_of(text, size, weight) <= width:
        return text
    for kept in range(len(text) - 2, 1, -1):
        tail = kept // 2
        candidate = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
        if width_of(candidate, size, weight) <= width:
            return candidate
    return "…"


def _draw_axis(axes: Axes, panel: _Panel) -> None:
    axes.set_xlim(0, panel.end)
    axes.set_ylim(panel.height, 0)
    ticks = share_ticks(panel.end, panel.layout.bars)
    axes.set_xticks(ticks, [percent(tick) for tick in ticks], **_font(_SMALL, MUTED))
    axes.set_yticks([])
    axes.grid(axis="x", color=GRID, linewidth=1)
    _draw_no_frame(axes)


def share_ticks(end: float, length: float) -> list[float]:
    """Ticks of an axis of shares that is so many inches long."""
    count = next(number for number, least in _MIN_WIDTH_BY_TICK_COUNT.items() if length > least)
    return [end * step / count for step in range(count + 1)]


def _draw_no_frame(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_bar(axes: Axes, row: Row, y: float) -> None:
    colour, marker, hatch = row.style
    share, (low, high) = row.share, row.share.interval
    if share.total:
        bar = Rectangle((low, y - 0.09), high - low, 0.18, hatch=hatch, linewidth=0)
        bar.set(facecolor=_pale(colour, 0.26), edgecolor=_pale(colour, 0.6), clip_on=False)
        axes.add_patch(bar)
    if share.expected is not None:
        ends = [y - 0.17, y + 0.17]
        axes.plot([share.expected] * 2, ends, color=INK, linewidth=_MARK_LINE, clip_on=False)
    if share.total:
        (dot,) = axes.plot(share.observed, y, marker, zorder=5, clip_on=False)
        dot.set(color=colour, markersize=9, markeredgecolor=PAPER)


def _draw_labels(axes: Axes, row: Row, y: float, panel: _Panel) -> None:
    layout = panel.layout
    lines = panel.numbers(row)
    for number, line in enumerate(lines):
        lower = (number - (len(lines) - 1) / 2) * _LINE[_SMALL]
        style = _font(_SMALL, MUTED) if number else _font(layout.size, INK)
        _draw_text(axes, line, (layout.bars + _GAP, y + lower), panel, **style)
    start = _MARGIN - layout.left
    above = y - (0.17 if layout.chart.compact else 0.29) - _LINE[_LABEL] / 2
    level = above if layout.stacked else y
    _draw_text(axes, layout.fitting(row.label), (start, level), panel, **_font(layout.size, INK))
    if row.heading:
        higher = above - (_LINE[_LABEL] if layout.stacked else 0.0)
        _draw_text(
            axes,
            layout.fitting(row.heading),
            (start, higher),
            panel,
            weight="bold",
            **_font(_LABEL, INK),
        )


def _draw_legend(axes: Axes, panel: _Panel) -> None:
    """Draw the legend of the marks, above the first of them."""
    layout = panel.layout
    expected = [row.share.expected for row in panel.rows if row.share.expected is not None]
    if not expected:
        return
    x, y = expected[0], _MARK_ROOM / 2 + 0.02
    axes.plot([x, x], [y - 0.09, y + 0.09], color=INK, linewidth=_MARK_LINE, clip_on=False)
    at, style = panel.across(x), _font(_SMALL, MUTED)
    right = layout.bars + layout.right - at - _LABEL_GAP
    left = at + layout.left - _MARGIN - _LABEL_GAP
    words = layout.chart.mark
    if width_of(words, _SMALL) > max(right, left):
        words = words.split(maxsplit=1)[0]
    if width_of(words, _SMALL) <= right:
        _draw_text(axes, words, (at + _LABEL_GAP, y), panel, **style)
    else:
        _draw_text(axes, words, (at - _LABEL_GAP, y), panel, ha="right", **style)


def _draw_title_and_notes(figure: Figure, layout: _Layout | _PointLayout) -> None:
    wide, high = figure.get_size_inches()
    y = high - _MARGIN
    for line in layout.title:
        style = _font(_TITLE, INK) | {"va": "top"}
        figure.text(_MARGIN / wide, y / high, line, parse_math=False, **style)
        y -= _LINE[_TITLE]
    y = _MARGIN + len(layout.notes) * _LINE[_SMALL]
    for line in layout.notes:
        style = _font(_SMALL, MUTED) | {"va": "top"}
        figure.text(_MARGIN / wide, y / high, line, parse_math=False, **style)
        y -= _LINE[_SMALL]


def _draw_text(axes: Axes, text: str, at: tuple[float, float], panel: _Panel, **style: Any) -> None:
    x, y = at
    behind = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5}
    across = x / panel.layout.bars * panel.end
    axes.text(across, y, text, parse_math=False, clip_on=False, bbox=behind, **style)


# Points: shares with vertical intervals, over a number or over the expected share.


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


class Axis(NamedTuple):
    """Title, ends and ticks of an axis."""

    title: str
    start: float
    end: float
    ticks: Mapping[float, str]


_MISS = VersionStyle(INK, "X", "")
"""How a point is drawn whose interval does not contain the line."""
_BAR_WIDTH = 0.17  # inches
_PLOT_HEIGHT_BY_WIDTH = 0.5
_AXIS_TITLE_ROOM, _KEY_ROOM = 0.26, 0.30


def draw_points(chart: PointChart) -> Figure:
    """Draw a plot of points as a new figure."""
    layout = _PointLayout(chart)
    figure = Figure(figsize=(chart.width, layout.height), facecolor=PAPER)
    box = (
        layout.left / chart.width,
        layout.below / layout.height,
        layout.across / chart.width,
        layout.up / layout.height,
    )
    axes = figure.add_axes(box, facecolor=PAPER)
    axes.set_xlim(0, layout.across)
    axes.set_ylim(0, layout.up)
    _draw_point_axes(axes, layout)
    if chart.line:
        (x0, y0), (x1, y1) = (layout.place(*at) for at in chart.line)
        axes.plot([x0, x1], [y0, y1], "--", color=INK, linewidth=1.4, zorder=4)
    for point, at, bar in zip(chart.points, layout.at, layout.bars, strict=True):
        _draw_point(axes, _MISS if point.share.misses else chart.style, at, bar)
    for text, (x, y) in layout.labels:
        style = _font(_LABEL, INK) | {"ha": "center"}
        axes.text(x, y, text, parse_math=False, zorder=6, **style)
    _draw_key(axes, layout)
    _draw_title_and_notes(figure, layout)
    return figure


class _PointLayout:
    """Positions in inches; those of points are from the bottom left of the axes."""

    def __init__(self, chart: PointChart) -> None:
        self.chart, room = chart, chart.width - 2 * _MARGIN
        self.title = wrap(chart.title, _TITLE, room)
        self.notes = [line for note in chart.notes for line in wrap(note, _SMALL, room)]
        widest = max(width_of(text, _SMALL) for text in chart.y_axis.ticks.values())
        self.left = _MARGIN + widest + 0.12
        self.across = chart.width - self.left - _MARGIN - 0.12
        self.up = max(2.0, _PLOT_HEIGHT_BY_WIDTH * self.across)
        self.below = _MARGIN + len(self.notes) * _LINE[_SMALL] + _TICKS_ROOM + _AXIS_TITLE_ROOM
        above = _MARGIN + len(self.title) * _LINE[_TITLE] + 0.14 + _AXIS_TITLE_ROOM + _KEY_ROOM
        self.height = above + self.up + self.below
        places = [self.place(each.x, each.share.observed) for each in chart.points]
        self.at = _apart(places, self.across)
        self.bars = [self._bar(*each) for each in zip(chart.points, self.at, strict=True)]
        self.labels = self._labels()

    def place(self, x: float, share: float) -> tuple[float, float]:
        """Where a value stands."""
        across, up = self.chart.x_axis, self.chart.y_axis
        return (
            self.across * (x - across.start) / (across.end - across.start),
            self.up * (share - up.start) / (up.end - up.start),
        )

    def _bar(self, point: Point, at: tuple[float, float]) -> Box:
        low, high = (self.place(0, end)[1] for end in point.share.interval)
        return Box(at[0] - _BAR_WIDTH / 2, low, at[0] + _BAR_WIDTH / 2, high)

    def _labels(self) -> list[tuple[str, tuple[float, float]]]:
        """Each label at the place around its point with the least overlap."""
        taken, labels = list(self.bars), []
        line = [self.place(*each) for each in _along(*self.chart.line)] if self.chart.line else []
        page = Box(0.0, 0.0, self.across + 0.12, self.up + _LINE[_LABEL] / 2)
        for point, at, bar in zip(self.chart.points, self.at, self.bars, strict=True):
            if point.label:
                size = width_of(point.label, _LABEL), _LINE[_LABEL]
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


def _draw_point_axes(axes: Axes, layout: _PointLayout) -> None:
    across, up = layout.chart.x_axis, layout.chart.y_axis
    style = _font(_SMALL, MUTED)
    style.pop("va")
    places = [layout.place(x, 0.0)[0] for x in across.ticks]
    axes.set_xticks(places, list(across.ticks.values()), **style)
    places = [layout.place(across.start, y)[1] for y in up.ticks]
    axes.set_yticks(places, list(up.ticks.values()), **style, va="center")
    axes.grid(axis="y", color=GRID, linewidth=1)
    _draw_no_frame(axes)
    below = -_TICKS_ROOM - _AXIS_TITLE_ROOM / 2 + 0.06
    style = _font(_SMALL, MUTED)
    axes.text(0, below, across.title, parse_math=False, **style)
    above = layout.up + _AXIS_TITLE_ROOM / 2 + 0.1
    axes.text(_MARGIN - layout.left, above, up.title, parse_math=False, **style)


def _draw_point(axes: Axes, style: VersionStyle, at: tuple[float, float], bar: Box) -> None:
    patch = Rectangle((bar.x0, bar.y0), bar.x1 - bar.x0, bar.y1 - bar.y0, hatch=style.hatch)
    patch.set(facecolor=_pale(style.colour, 0.26), edgecolor=_pale(style.colour, 0.6))
    patch.set(linewidth=1.2 if style is _MISS else 0, clip_on=False, zorder=3)
    axes.add_patch(patch)
    _draw_marker(axes, at, style)


def _draw_marker(axes: Axes, at: tuple[float, float], style: VersionStyle) -> None:
    (dot,) = axes.plot(*at, style.marker, zorder=5, clip_on=False)
    dot.set(color=style.colour, markersize=9, markeredgecolor=PAPER)


def _draw_key(axes: Axes, layout: _PointLayout) -> None:
    """Draw what line and points mean, in a row above the axes."""
    chart, x = layout.chart, _MARGIN - layout.left
    y, style = layout.up + _AXIS_TITLE_ROOM + _KEY_ROOM / 2 + 0.1, _font(_SMALL, MUTED)
    if chart.line is None:
        return
    axes.plot([x, x + 0.3], [y, y], "--", color=INK, linewidth=1.4, clip_on=False)
    axes.text(x + 0.38, y, chart.line_label, parse_math=False, **style)
    x += 0.38 + width_of(chart.line_label, _SMALL) + 1.5 * _GAP
    for is_miss, words in enumerate(chart.key):
        if any(bool(each.share.misses) == bool(is_miss) for each in chart.points):
            _draw_marker(axes, (x, y), _MISS if is_miss else chart.style)
            axes.text(x + 0.14, y, words, parse_math=False, **style)
            x += 0.14 + width_of(words, _SMALL) + 1.5 * _GAP


def _pale(colour: str, strength: float) -> tuple[float, float, float]:
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def _font(size: float, colour: str) -> dict[str, Any]:
    return {"fontsize": size, "color": colour, "family": FONT, "va": "center"}
