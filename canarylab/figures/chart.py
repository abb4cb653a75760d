"""Plots of shares with intervals, laid out so that nothing overlaps.

Every text is measured before it is placed: labels in a column on the left,
numbers in a column on the right, the bars between them. If that leaves too little space for the
bars, the labels are above them. Small shares are drawn again in a second panel, enlarged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from canarylab.figures import GRID, INK, MUTED, PAPER, VersionStyle
from canarylab.figures.drawing import (
    DEFAULT_WIDTH,
    GAP,
    LABEL,
    LINE,
    MARGIN,
    SMALL,
    TICKS_ROOM,
    TITLE,
    draw_title_and_notes,
    font,
    hide_frame,
    pale,
    shorten,
    width_of,
    wrap,
)
from canarylab.stats import Share
from canarylab.text import percent

_NARROWEST_BARS = 1.8
_MARK_ROOM = 0.30
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

    def draw(self) -> Figure:
        """Draw the chart as a new figure, without pyplot's global state."""
        layout = _Layout(self)
        figure = Figure(figsize=(self.width, layout.height), facecolor=PAPER)
        for panel in layout.panels:
            bottom = layout.height - panel.top - panel.height
            box = (
                layout.left / self.width,
                bottom / layout.height,
                layout.bars / self.width,
                panel.height / layout.height,
            )
            axes = figure.add_axes(box, facecolor=PAPER)
            _draw_axis(axes, panel)
            for row, y in zip(panel.rows, panel.middles, strict=True):
                _draw_bar(axes, row, y)
                _draw_labels(axes, row, y, panel)
            if panel is layout.panels[0]:
                _draw_legend(axes, panel)
        draw_title_and_notes(figure, layout.title, layout.notes)
        return figure


class _Layout:
    """Positions, in inches from the top left of the picture."""

    def __init__(self, chart: Chart) -> None:
        self.chart, room = chart, chart.width - 2 * MARGIN
        self.title = wrap(chart.title, TITLE, room)
        self.notes = [line for note in chart.notes for line in wrap(note, SMALL, room)]
        self.size = SMALL if chart.compact else LABEL
        texts = [text for row in chart.rows for text in self.numbers(row)]
        texts += [_enlarged_text(row) for row in chart.enlarged]
        self.right = max((width_of(text, self.size) for text in texts), default=0.0) + GAP
        label = max((width_of(row.label, self.size) for row in chart.rows), default=0.0) + GAP
        self.stacked = room - label - self.right < _NARROWEST_BARS
        self.left = MARGIN + (0.10 if self.stacked else label)
        self.bars = chart.width - self.left - self.right - MARGIN
        top = MARGIN + len(self.title) * LINE[TITLE] + 0.06
        self.panels = [_Panel(self, chart.rows, chart.end, top)]
        if chart.enlarged:
            top += self.panels[0].height + TICKS_ROOM
            self.panels.append(_Panel(self, chart.enlarged, chart.enlarged_end, top))
        below = MARGIN + len(self.notes) * LINE[SMALL] + TICKS_ROOM
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
        return shorten(label, LABEL, self.chart.width - 2 * MARGIN, "bold")


class _Panel:
    """Rows on one axis; positions in it are in inches from its top left."""

    def __init__(self, layout: _Layout, rows: Sequence[Row], end: float, top: float) -> None:
        self.layout, self.rows, self.end, self.top = layout, rows, end, top
        self.is_enlarged = rows is layout.chart.enlarged
        is_marked = any(row.share.expected is not None for row in rows) and not self.is_enlarged
        self.middles: list[float] = []
        self.height = _MARK_ROOM if is_marked else 0.1
        for row in rows:
            self.height += (LINE[LABEL] + 0.06) if row.heading else 0.0
            self.height += LINE[LABEL] if layout.stacked else 0.0
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


def _draw_axis(axes: Axes, panel: _Panel) -> None:
    axes.set_xlim(0, panel.end)
    axes.set_ylim(panel.height, 0)
    ticks = share_ticks(panel.end, panel.layout.bars)
    axes.set_xticks(ticks, [percent(tick) for tick in ticks], **font(SMALL, MUTED))
    axes.set_yticks([])
    axes.grid(axis="x", color=GRID, linewidth=1)
    hide_frame(axes)


def share_ticks(end: float, length: float) -> list[float]:
    """Ticks of an axis of shares that is so many inches long."""
    count = next(number for number, least in _MIN_WIDTH_BY_TICK_COUNT.items() if length > least)
    return [end * step / count for step in range(count + 1)]


def _draw_bar(axes: Axes, row: Row, y: float) -> None:
    colour, marker, hatch = row.style
    share, (low, high) = row.share, row.share.interval
    if share.total:
        bar = Rectangle((low, y - 0.09), high - low, 0.18, hatch=hatch, linewidth=0)
        bar.set(facecolor=pale(colour, 0.26), edgecolor=pale(colour, 0.6), clip_on=False)
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
        lower = (number - (len(lines) - 1) / 2) * LINE[SMALL]
        style = font(SMALL, MUTED) if number else font(layout.size, INK)
        _draw_text(axes, line, (layout.bars + GAP, y + lower), panel, **style)
    start = MARGIN - layout.left
    above = y - (0.17 if layout.chart.compact else 0.29) - LINE[LABEL] / 2
    level = above if layout.stacked else y
    _draw_text(axes, layout.fitting(row.label), (start, level), panel, **font(layout.size, INK))
    if row.heading:
        higher = above - (LINE[LABEL] if layout.stacked else 0.0)
        _draw_text(
            axes,
            layout.fitting(row.heading),
            (start, higher),
            panel,
            weight="bold",
            **font(LABEL, INK),
        )


def _draw_legend(axes: Axes, panel: _Panel) -> None:
    """Draw the legend of the marks, above the first of them."""
    layout = panel.layout
    expected = [row.share.expected for row in panel.rows if row.share.expected is not None]
    if not expected:
        return
    x, y = expected[0], _MARK_ROOM / 2 + 0.02
    axes.plot([x, x], [y - 0.09, y + 0.09], color=INK, linewidth=_MARK_LINE, clip_on=False)
    at, style = panel.across(x), font(SMALL, MUTED)
    right = layout.bars + layout.right - at - _LABEL_GAP
    left = at + layout.left - MARGIN - _LABEL_GAP
    words = layout.chart.mark
    if width_of(words, SMALL) > max(right, left):
        words = words.split(maxsplit=1)[0]
    if width_of(words, SMALL) <= right:
        _draw_text(axes, words, (at + _LABEL_GAP, y), panel, **style)
    else:
        _draw_text(axes, words, (at - _LABEL_GAP, y), panel, ha="right", **style)


def _draw_text(axes: Axes, text: str, at: tuple[float, float], panel: _Panel, **style: Any) -> None:
    x, y = at
    behind = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5}
    across = x / panel.layout.bars * panel.end
    axes.text(across, y, text, parse_math=False, clip_on=False, bbox=behind, **style)
