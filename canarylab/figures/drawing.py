"""What all charts share: fonts, measured text, axes, title and notes. Sizes are in inches."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from canarylab.figures import GRID, INK, MUTED, PAPER

FONT = "DejaVu Sans"  # comes with matplotlib, so a picture is the same everywhere
_POINTS_PER_INCH = 72
_FONT_UNITS_PER_POINT = 64  # the unit of FreeType's metrics
_SCREEN_FACTOR = 1.05  # letters snap to pixels on a screen, so a line is a little longer

DEFAULT_WIDTH = 7.2  # inches; narrower than a notebook's column
MARGIN, GAP = 0.14, 0.20
TITLE, LABEL, SMALL = 13.0, 11.0, 10.0  # points
LINE = {TITLE: 0.25, LABEL: 0.22, SMALL: 0.19}  # inches from one line of text to the next
TICKS_ROOM = 0.34
AXIS_TITLE_ROOM, KEY_ROOM = 0.26, 0.30
_PLOT_HEIGHT_BY_WIDTH = 0.5
_UNIT = re.compile(r"(?<=\d) (%|ms\b|s\b)")


class Axis(NamedTuple):
    """Title, ends and ticks of an axis."""

    title: str
    start: float
    end: float
    ticks: Mapping[float, str]
    is_log: bool = False

    def fraction(self, value: float) -> float:
        """Position of a value: 0 at the start of the axis, 1 at its end.

        >>> Axis("requests", 1, 100, {}, is_log=True).fraction(10)
        0.5
        """
        if self.is_log:
            start, end, value = (math.log(each) for each in (self.start, self.end, value))
            return (value - start) / (end - start)
        return (value - self.start) / (self.end - self.start)


class AxesLayout:
    """Sizes of a picture with two axes: title, key, axes and notes from top to bottom."""

    def __init__(
        self,
        title: str,
        notes: Sequence[str],
        axes: tuple[Axis, Axis],
        *,
        width: float,
        key_rows: int = 1,
    ) -> None:
        self.width, room = width, width - 2 * MARGIN
        self.x_axis, self.y_axis = axes
        self.title = wrap(title, TITLE, room)
        self.notes = [line for note in notes for line in wrap(note, SMALL, room)]
        widest = max(width_of(text, SMALL) for text in self.y_axis.ticks.values())
        self.left = MARGIN + widest + 0.12
        last = [*self.x_axis.ticks.values()][-1:]
        half = max((width_of(text, SMALL) / 2 for text in last), default=0.0)
        self.across = width - self.left - MARGIN - max(half, 0.12)
        self.up = max(2.0, _PLOT_HEIGHT_BY_WIDTH * self.across)
        self.below = MARGIN + len(self.notes) * LINE[SMALL] + TICKS_ROOM + AXIS_TITLE_ROOM
        self._key = KEY_ROOM * key_rows
        above = MARGIN + len(self.title) * LINE[TITLE] + 0.14 + AXIS_TITLE_ROOM + self._key
        self.height = above + self.up + self.below

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a value stands, from the bottom left of the axes."""
        return self.across * self.x_axis.fraction(x), self.up * self.y_axis.fraction(y)

    def figure(self) -> tuple[Figure, Axes]:
        """A new figure with its axes, in inches, and everything but the values and the key."""
        figure = Figure(figsize=(self.width, self.height), facecolor=PAPER)
        box = (
            self.left / self.width,
            self.below / self.height,
            self.across / self.width,
            self.up / self.height,
        )
        axes = figure.add_axes(box, facecolor=PAPER)
        axes.set_xlim(0, self.across)
        axes.set_ylim(0, self.up)
        self._draw_axes(axes)
        draw_title_and_notes(figure, self.title, self.notes)
        return figure, axes

    @property
    def key_start(self) -> tuple[float, float]:
        """Where the first row begins that says what is drawn."""
        return MARGIN - self.left, self.up + AXIS_TITLE_ROOM + self._key - KEY_ROOM / 2 + 0.1

    def _draw_axes(self, axes: Axes) -> None:
        style = font(SMALL, MUTED)
        style.pop("va")
        places = [self.across * self.x_axis.fraction(x) for x in self.x_axis.ticks]
        axes.set_xticks(places, list(self.x_axis.ticks.values()), **style)
        places = [self.up * self.y_axis.fraction(y) for y in self.y_axis.ticks]
        axes.set_yticks(places, list(self.y_axis.ticks.values()), **style, va="center")
        axes.grid(axis="y", color=GRID, linewidth=1)
        hide_frame(axes)
        below = -TICKS_ROOM - AXIS_TITLE_ROOM / 2 + 0.06
        style = font(SMALL, MUTED)
        axes.text(0, below, self.x_axis.title, parse_math=False, **style)
        above = self.up + AXIS_TITLE_ROOM / 2 + 0.1
        axes.text(MARGIN - self.left, above, self.y_axis.title, parse_math=False, **style)


@lru_cache(maxsize=2048)
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text, in inches.

    >>> width_of("a pod", 10) < width_of("two pods", 10) < width_of("two pods", 10, "bold")
    True
    """
    face = get_font(findfont(FontProperties(family=FONT, weight=weight)))
    face.set_size(size, _POINTS_PER_INCH)
    face.set_text(text)
    return face.get_width_height()[0] / _FONT_UNITS_PER_POINT / _POINTS_PER_INCH * _SCREEN_FACTOR


def wrap(text: str, size: float, width: float) -> list[str]:
    """Split text into lines of at most `width` inches; long words lose their middle.

    A number and its unit stay on one line.
    """
    lines = [""]
    for word in _UNIT.sub("\N{NO-BREAK SPACE}\\1", text).split(" "):
        fitting = shorten(word, size, width)
        longer = f"{lines[-1]} {fitting}".strip()
        if width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fitting)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines if line]


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


def hide_frame(axes: Axes) -> None:
    """Leave out frame and ticks; the grid is behind the values."""
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_title_and_notes(figure: Figure, title: Sequence[str], notes: Sequence[str]) -> None:
    """Draw the lines of the title at the top and those of the notes at the bottom."""
    wide, high = figure.get_size_inches()
    y = high - MARGIN
    for line in title:
        style = font(TITLE, INK) | {"va": "top"}
        figure.text(MARGIN / wide, y / high, line, parse_math=False, **style)
        y -= LINE[TITLE]
    y = MARGIN + len(notes) * LINE[SMALL]
    for line in notes:
        style = font(SMALL, MUTED) | {"va": "top"}
        figure.text(MARGIN / wide, y / high, line, parse_math=False, **style)
        y -= LINE[SMALL]


def pale(colour: str, strength: float) -> tuple[float, float, float]:
    """A colour mixed with white; 1 is the colour itself."""
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def font(size: float, colour: str) -> dict[str, Any]:
    """Settings of a text."""
    return {"fontsize": size, "color": colour, "family": FONT, "va": "center"}
