"""How much room does a text take?"""

from __future__ import annotations

from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

FONT = "DejaVu Sans"  # comes with matplotlib, so a picture is the same everywhere
_POINTS_PER_INCH = 72


@lru_cache(maxsize=2048)
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Inches from the left edge of a line of text to its right edge."""
    font = FontProperties(family=FONT, weight=weight)
    plain = text.replace("$", "S").replace(" ", "n")  # no formula, and blanks take room too
    return float(TextPath((0, 0), plain, size=size, prop=font).get_extents().x1) / _POINTS_PER_INCH


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


def shortened(text: str, size: float, width: float) -> str:
    """The text, without as much of its middle as does not fit."""
    if width_of(text, size) <= width:
        return text
    for kept in range(len(text) - 2, 1, -1):
        tail = kept // 2
        candidate = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
        if width_of(candidate, size) <= width:
            return candidate
    return "…"
