"""Plots of lines, bands, bars and marks over two axes, with a key of what each of them means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from canarylab.figures import INK, MUTED, PAPER, VersionStyle
from canarylab.figures.drawing import (
    DEFAULT_WIDTH,
    GAP,
    KEY_ROOM,
    MARGIN,
    SMALL,
    AxesLayout,
    Axis,
    font,
    pale,
    shorten,
    width_of,
)

Place = tuple[float, float]
_KEY_SAMPLE = 0.3  # inches


class Part(Protocol):
    """Something to draw, and its meaning."""

    @property
    def label(self) -> str:
        """What the key says of it; empty for a part that the key leaves out."""

    def draw(self, axes: Axes, places: Sequence[Place], *, clip: bool = True) -> None:
        """Draw it at these places, in inches; `clip` leaves out what is beyond the axes."""

    def values(self) -> Sequence[Place]:
        """The points it consists of, as values of the two axes."""

    def key_places(self, x: float, y: float) -> Sequence[Place]:
        """Where the points of its sample in the key stand."""


@dataclass(frozen=True)
class Line:
    """A line through points, or steps from one to the next."""

    points: Sequence[Place]
    label: str
    colour: str = INK
    dashes: str = "-"
    """As matplotlib has it: "-", "--", ":", "-."."""
    is_stepped: bool = False
    weight: float = 1.8

    def values(self) -> Sequence[Place]:
        """The points, with a corner before each step."""
        if not self.is_stepped:
            return self.points
        steps = pairwise(self.points)
        corners = [point for (_, old), (x, new) in steps for point in ((x, old), (x, new))]
        return [*self.points[:1], *corners]

    def draw(self, axes: Axes, places: Sequence[Place], *, clip: bool = True) -> None:
        """Draw the line."""
        (line,) = axes.plot(*zip(*places, strict=True), clip_on=clip, zorder=4)
        line.set(color=self.colour, linewidth=self.weight, linestyle=self.dashes)

    def key_places(self, x: float, y: float) -> Sequence[Place]:
        """The ends of a short line."""
        return [(x, y), (x + _KEY_SAMPLE, y)]


@dataclass(frozen=True)
class Band:
    """The area between a lower and an upper line."""

    lower: Sequence[Place]
    upper: Sequence[Place]
    label: str
    style: VersionStyle

    def values(self) -> Sequence[Place]:
        """The outline."""
        return [*self.lower, *reversed(self.upper)]

    def draw(self, axes: Axes, places: Sequence[Place], *, clip: bool = True) -> None:
        """Draw the area."""
        area = Polygon(list(places), hatch=self.style.hatch, linewidth=0, zorder=2)
        colour = self.style.colour
        area.set(facecolor=pale(colour, 0.26), edgecolor=pale(colour, 0.5), clip_on=clip)
        axes.add_patch(area)

    def key_places(self, x: float, y: float) -> Sequence[Place]:
        """The corners of a small box."""
        low, high, end = y - 0.07, y + 0.07, x + _KEY_SAMPLE
        return [(x, low), (end, low), (end, high), (x, high)]


@dataclass(frozen=True)
class Bars:
    """Bars from 0 up, one for each point."""

    points: Sequence[Place]
    label: str
    style: VersionStyle
    width: float = 0.8
    """In units of the horizontal axis."""

    def values(self) -> Sequence[Place]:
        """Two opposite corners of each bar."""
        half = self.width / 2
        return [each for x, y in self.points for each in ((x - half, 0.0), (x + half, y))]

    def draw(self, axes: Axes, places: Sequence[Place], *, clip: bool = True) -> None:
        """Draw the bars."""
        for (left, low), (right, high) in zip(places[::2], places[1::2], strict=True):
            bar = Rectangle((left, low), right - left, high - low, hatch=self.style.hatch)
            colour = self.style.colour
            bar.set(facecolor=pale(colour, 0.45), edgecolor=pale(colour, 0.8), linewidth=0.8)
            bar.set_clip_on(clip)
            axes.add_patch(bar)

    def key_places(self, x: float, y: float) -> Sequence[Place]:
        """Two opposite corners of a small bar."""
        return [(x + 0.08, y - 0.08), (x + _KEY_SAMPLE - 0.04, y + 0.08)]


@dataclass(frozen=True)
class Marks:
    """A marker at each point."""

    points: Sequence[Place]
    label: str
    colour: str = INK
    marker: str = "x"
    size: float = 7.0  # points

    def values(self) -> Sequence[Place]:
        """The points."""
        return self.points

    def draw(self, axes: Axes, places: Sequence[Place], *, clip: bool = True) -> None:
        """Draw the markers, whole ones at the edge of the axes too."""
        del clip
        is_filled = self.marker not in "x+|_"
        axes.plot(
            *zip(*places, strict=True),
            linestyle="",
            marker=self.marker,
            color=self.colour,
            markersize=self.size,
            markeredgewidth=0.8 if is_filled else 1.6,
            markeredgecolor=PAPER if is_filled else self.colour,
            clip_on=False,
            zorder=5,
        )

    def key_places(self, x: float, y: float) -> Sequence[Place]:
        """One marker."""
        return [(x + _KEY_SAMPLE / 2, y)]


@dataclass(frozen=True)
class LineChart:
    """The content of a plot over two axes."""

    title: str
    parts: Sequence[Part]
    """Drawn in this order; those with a label are in the key."""
    x_axis: Axis
    y_axis: Axis
    notes: Sequence[str] = ()
    """Small print, a line each; long ones are wrapped."""
    width: float = DEFAULT_WIDTH

    def draw(self) -> Figure:
        """Draw the plot as a new figure, without pyplot's global state."""
        layout = AxesLayout(
            self.title, self.notes, (self.x_axis, self.y_axis), width=self.width,
            key_rows=len(key_rows([part.label for part in self.parts], self.width)),
        )  # fmt: skip
        figure, axes = layout.figure()
        for part in self.parts:
            if values := part.values():
                part.draw(axes, [layout.place(x, y) for x, y in values])
        self._draw_key(axes, layout)
        return figure

    def _draw_key(self, axes: Axes, layout: AxesLayout) -> None:
        by_label = {part.label: part for part in self.parts if part.label and part.values()}
        start, y = layout.key_start
        for row in key_rows(list(by_label), self.width):
            x = start
            for label in row:
                by_label[label].draw(axes, by_label[label].key_places(x, y), clip=False)
                x += _KEY_SAMPLE + 0.08
                room = self.width - 2 * MARGIN - _KEY_SAMPLE - 0.08
                fitting = shorten(label, SMALL, room)
                axes.text(x, y, fitting, parse_math=False, **font(SMALL, MUTED))
                x += width_of(label, SMALL) + GAP
            y -= KEY_ROOM


def key_rows(labels: Sequence[str], width: float) -> list[list[str]]:
    """The labels of the key in rows that are not wider than the picture.

    >>> key_rows(["observed", "", "expected"], 7.2)
    [['observed', 'expected']]
    """
    rows: list[list[str]] = []
    x = 0.0
    for label in filter(None, labels):
        room = _KEY_SAMPLE + 0.08 + width_of(label, SMALL) + GAP
        if not rows or x + room > width - 2 * MARGIN + GAP:
            rows.append([])
            x = 0.0
        rows[-1].append(label)
        x += room
    return rows
