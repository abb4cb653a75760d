"""What colour, shape and hatch does a version have? The same in every picture.

The colours keep 3:1 against white as shapes, and differ in lightness for those who see no hue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from canarylab.traffic.words import OTHER, in_order

INK, MUTED, GRID, PAPER = "#1d2733", "#55616e", "#dfe4e8", "#ffffff"


class Look(NamedTuple):
    """How one version is drawn."""

    colour: str
    marker: str
    hatch: str


_KNOWN = {"1.0": Look("#3f5e8c", "o", ""), "2.0": Look("#c8641b", "D", "////")}
_MORE = (
    Look("#7a21a8", "s", "...."),
    Look("#00796b", "^", "\\\\\\\\"),
    Look("#a8324e", "v", "xxxx"),
    Look("#6b5a00", "P", "----"),
)
NOBODY = Look("#6b7580", "X", "||||")


def looks(versions: Iterable[str]) -> dict[str, Look]:
    """A look for each version; beyond six versions the shapes repeat, the labels do not.

    >>> looks(["2.0", "1.0"])["2.0"].marker
    'D'
    """
    names = in_order(versions)
    new = [name for name in names if name not in _KNOWN and name != OTHER]
    found = {name: _MORE[place % len(_MORE)] for place, name in enumerate(new)}
    return {name: (_KNOWN | {OTHER: NOBODY} | found)[name] for name in names}
