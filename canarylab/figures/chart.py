"""Dot plot of shares with intervals, laid out so that nothing overlaps.

Sizes are in inches and every text is measured before it is placed: labels in a column on the left,
numbers in a column on the right, the bars between them. If that leaves too little space for the
bars, the labels are above them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle

from canarylab.stats import Share
from canarylab.text import OTHER, percent, sort_naturally

# Colours of versions have a contrast of 3:1 against white, and differ in lightness for readers who
# do not see hues.


INK, MUTED, GRID, PAPER = "#1d2733", "#55616e", "#dfe4e8", "#ffffff"


class VersionStyle(NamedTuple):
    """How one version is drawn."""

    colour: str
    marker: str
    hatch: str


_KNOWN = {"1.0": VersionStyle("#3f5e8c", "o", ""), "2.0": VersionStyle("#c8641b", "D", "////")}
_MORE = (
    VersionStyle("#7a21a8", "s", "...."),
    VersionStyle("#00796b", "^", "\\\\\\\\"),
    VersionStyle("#a8324e", "v", "xxxx"),
    VersionStyle("#6b5a00", "P", "----"),
)
UNKNOWN_VERSION_STYLE = VersionStyle("#6b7580", "X", "||||")


def version_styles(versions: Iterable[str]) -> dict[str, VersionStyle]:
    """A style for each version; with more than six versions the markers repeat.

    >>> version_styles(["2.0", "1.0"])["2.0"].marker
    'D'
    """
    names = sort_naturally(versions)
    new = [name for name in names if name not in _KNOWN and name != OTHER]
    found = {name: _MORE[place % len(_MORE)] for place, name in enumerate(new)}
    return {name: (_KNOWN | {OTHER: UNKNOWN_VERSION_STYLE} | found)[name] for name in names}


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
    """The content of a picture."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str]
    """Small print, a line each; long ones are wrapped."""
    width: float = DEFAULT_WIDTH
    compact: bool = False
    """Whether the numbers of a row are on one line, for charts of many rows."""
    end: float = 1.0
    """The share at the right end of the axis."""
    mark: str = "expected from ready pods"
    """Meaning of the marks; only its first word is shown if space is short."""


def draw(chart: Chart) -> Figure:
    """Draw a chart as a new figure, without pyplot's global state."""
    layout = _Layout(chart)
    figure = Figure(figsize=(chart.width, layout.height), facecolor=PAPER)
    bottom = layout.below / layout.height
    box = (
        layout.left / chart.width,
        bottom,
        layout.bars / chart.width,
        layout.rows / layout.height,
    )
    axes = figure.add_axes(box, facecolor=PAPER)
    _draw_axis(axes, layout)
    for row, y in zip(chart.rows, layout.middles, strict=True):
        _draw_bar(axes, row, y)
        _draw_labels(axes, row, y, layout)
    _draw_legend(axes, layout)
    _draw_title_and_notes(figure, layout)
    return figure


class _Layout:
    """Positions, in inches from the top left of the rows."""

    def __init__(self, chart: Chart) -> None:
        self.chart, room = chart, chart.width - 2 * _MARGIN
        self.title = wrap(chart.title, _TITLE, room)
        self.notes = [line for note in chart.notes for line in wrap(note, _SMALL, room)]
        self.size = _SMALL if chart.compact else _LABEL
        numbers = [width_of(text, self.size) for row in chart.rows for text in self.numbers(row)]
        self.right = max(numbers, default=0.0) + _GAP
        label = max((width_of(row.label, self.size) for row in chart.rows), default=0.0) + _GAP
        self.stacked = room - label - self.right < _NARROWEST_BARS
        self.left = _MARGIN + (0.10 if self.stacked else label)
        self.bars = chart.width - self.left - self.right - _MARGIN
        self.marked = any(row.share.expected is not None for row in chart.rows)
        self.middles, self.rows = self._rows()
        self.below = _MARGIN + len(self.notes) * _LINE[_SMALL] + _TICKS_ROOM
        self.height = _MARGIN + len(self.title) * _LINE[_TITLE] + 0.06 + self.rows + self.below

    def numbers(self, row: Row) -> list[str]:
        """The text to the right of a bar."""
        share = row.share
        hits = f"{percent(share.observed)}, {share.hits:,} of {share.total:,}"
        observed = hits if share.total else "no answer"
        outside = ", outside" if share.contains_expected is False else ""
        if share.expected is None:
            return [observed]
        if self.chart.compact:
            return [observed + outside]
        return [observed, f"expected {percent(share.expected)}{outside}"]

    def fitting(self, label: str) -> str:
        """A label, shortened to the width of the picture."""
        return shorten(label, _LABEL, self.chart.width - 2 * _MARGIN, "bold")

    def across(self, share: float) -> float:
        """Horizontal position of a share."""
        return self.bars * share / self.chart.end

    def _rows(self) -> tuple[list[float], float]:
        y = _MARK_ROOM if self.marked else 0.1
        middles = []
        for row in self.chart.rows:
            y += (_LINE[_LABEL] + 0.06) if row.heading else 0.0
            y += _LINE[_LABEL] if self.stacked else 0.0
            high = 0.34 if self.chart.compact else 0.58
            middles.append(y + high / 2)
            y += high
        return middles, y + 0.04


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
    """Split text into lines of at most `width` inches; long words lose their middle."""
    lines = [""]
    for word in text.split():
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


def _draw_axis(axes: Axes, layout: _Layout) -> None:
    axes.set_xlim(0, layout.chart.end)
    axes.set_ylim(layout.rows, 0)
    intervals = next(
        count for count, width in _MIN_WIDTH_BY_TICK_COUNT.items() if layout.bars > width
    )
    ticks = [layout.chart.end * step / intervals for step in range(intervals + 1)]
    axes.set_xticks(ticks, [percent(tick) for tick in ticks], **_font(_SMALL, MUTED))
    axes.set_yticks([])
    axes.grid(axis="x", color=GRID, linewidth=1)
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


def _draw_labels(axes: Axes, row: Row, y: float, layout: _Layout) -> None:
    lines = layout.numbers(row)
    for number, line in enumerate(lines):
        lower = (number - (len(lines) - 1) / 2) * _LINE[_SMALL]
        style = _font(_SMALL, MUTED) if number else _font(layout.size, INK)
        _draw_text(axes, line, (layout.bars + _GAP, y + lower), layout, **style)
    start = _MARGIN - layout.left
    above = y - (0.17 if layout.chart.compact else 0.29) - _LINE[_LABEL] / 2
    level = above if layout.stacked else y
    _draw_text(axes, layout.fitting(row.label), (start, level), layout, **_font(layout.size, INK))
    if row.heading:
        higher = above - (_LINE[_LABEL] if layout.stacked else 0.0)
        _draw_text(
            axes,
            layout.fitting(row.heading),
            (start, higher),
            layout,
            weight="bold",
            **_font(_LABEL, INK),
        )


def _draw_legend(axes: Axes, layout: _Layout) -> None:
    """Draw the legend of the marks, above the first of them."""
    expected = [row.share.expected for row in layout.chart.rows if row.share.expected is not None]
    if not expected:
        return
    x, y = expected[0], _MARK_ROOM / 2 + 0.02
    axes.plot([x, x], [y - 0.09, y + 0.09], color=INK, linewidth=_MARK_LINE, clip_on=False)
    at, style = layout.across(x), _font(_SMALL, MUTED)
    right = layout.bars + layout.right - at - _LABEL_GAP
    left = at + layout.left - _MARGIN - _LABEL_GAP
    words = layout.chart.mark
    if width_of(words, _SMALL) > max(right, left):
        words = words.split(maxsplit=1)[0]
    if width_of(words, _SMALL) <= right:
        _draw_text(axes, words, (at + _LABEL_GAP, y), layout, **style)
    else:
        _draw_text(axes, words, (at - _LABEL_GAP, y), layout, ha="right", **style)


def _draw_title_and_notes(figure: Figure, layout: _Layout) -> None:
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


def _draw_text(
    axes: Axes, text: str, at: tuple[float, float], layout: _Layout, **style: Any
) -> None:
    x, y = at
    behind = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5}
    across = x / layout.bars * layout.chart.end
    axes.text(across, y, text, parse_math=False, clip_on=False, bbox=behind, **style)


def _pale(colour: str, strength: float) -> tuple[float, float, float]:
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def _font(size: float, colour: str) -> dict[str, Any]:
    return {"fontsize": size, "color": colour, "family": FONT, "va": "center"}
