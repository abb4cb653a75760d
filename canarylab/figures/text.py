"""How much room does a text take?"""

from __future__ import annotations

from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font

FONT = "DejaVu Sans"  # comes with matplotlib, so a picture is the same everywhere
_POINTS_PER_INCH = 72
_PARTS = 64  # of a point, in which fonts are measured
_COARSE = 1.05  # on a screen letters snap to pixels, and a line gets a little longer


@lru_cache(maxsize=2048)
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Inches from the left edge of a line of text to its right edge.

    >>> width_of("a pod", 10) < width_of("two pods", 10) < width_of("two pods", 10, "bold")
    True
    """
    font = get_font(findfont(FontProperties(family=FONT, weight=weight)))
    font.set_size(size, _POINTS_PER_INCH)
    font.set_text(text)
    return font.get_width_height()[0] / _PARTS / _POINTS_PER_INCH * _COARSE


def wrapped(text: str, size: float, width: float) -> list[str]:
    """The text in lines no wider than `width` inches; a long word is shortened in its middle."""
    lines = [""]
    for word in text.split():
        fitting = shortened(word, size, width)
        longer = f"{lines[-1]} {fitting}".strip()
        if width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fitting)
    return [line for line in lines if line]


def shortened(text: str, size: float, width: float, weight: str = "normal") -> str:
    """The text, without as much of its middle as does not fit."""
    if width_of(text, size, weight) <= width:
        return text
    for kept in range(len(text) - 2, 1, -1):
        tail = kept // 2
        candidate = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
        if width_of(candidate, size, weight) <= width:
            return candidate
    return "…"
