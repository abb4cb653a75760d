"""What becomes of a rolling update when somebody scales in the middle of it?

Every version grows or shrinks in proportion, so that a half-done update stays half done. The
update itself goes on afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """One version: its size, and how many pods all versions might have had when it got it."""

    size: int
    ceiling: int


def spread(allowed: int, parts: Sequence[Part]) -> list[int]:
    """The new sizes, `allowed` in all; what rounding leaves over goes to the first part.

    >>> spread(12, [Part(5, ceiling=6), Part(1, ceiling=6)])
    [10, 2]
    """
    to_add, added = allowed - sum(part.size for part in parts), 0
    sizes = []
    for part in parts:
        change = _within(_fair(part, allowed) - part.size, to_add - added)
        sizes.append(part.size + change)
        added += change
    return [max(0, sizes[0] + to_add - added), *sizes[1:]]


def _fair(part: Part, allowed: int) -> int:
    """Its size, scaled as everything is scaled, and rounded half up."""
    if part.ceiling == 0:
        return part.size
    return (2 * part.size * allowed + part.ceiling) // (2 * part.ceiling)


def _within(change: int, still_open: int) -> int:
    """A change that does not overshoot what is still open."""
    if still_open > 0:
        return min(change, still_open)
    return max(change, still_open) if still_open < 0 else 0
