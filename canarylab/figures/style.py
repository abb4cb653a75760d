"""Colour, marker and hatch of each version, the same in every picture.

Each colour has a contrast of 3:1 against white, and they differ in lightness for readers who do not
see hues.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from canarylab.traffic.text import OTHER, sort_naturally

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
