"""Pictures of samples and of the cluster, each with a description made from the same values.

Each of the functions below returns a `Picture`, which is drawn when it is shown. What is drawn are
plain values: a `Chart` of rows, a `PointChart` or a `LineChart`.
Colour is never the only sign: shape, hatch and a label say the same.

matplotlib is imported when one of these names is used; `diagram.py` works without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from canarylab.text import OTHER, sort_naturally

if TYPE_CHECKING:
    from canarylab.figures.line_pictures import (
        plot_class_results,
        plot_convergence,
        plot_histogram,
        plot_latency,
        plot_over_time,
        plot_sample_sizes,
    )
    from canarylab.figures.pictures import (
        Picture,
        plot_pods,
        plot_samples,
        plot_sweep,
        plot_versions,
    )

__all__ = [
    "Picture",
    "plot_class_results",
    "plot_convergence",
    "plot_histogram",
    "plot_latency",
    "plot_over_time",
    "plot_pods",
    "plot_sample_sizes",
    "plot_samples",
    "plot_sweep",
    "plot_versions",
]

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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from canarylab.figures import line_pictures, pictures  # noqa: PLC0415  matplotlib is slow

    return getattr(pictures if hasattr(pictures, name) else line_pictures, name)
