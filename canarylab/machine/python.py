"""Which Python runs this?"""

from __future__ import annotations

import sys

from canarylab.machine.finding import Finding

OLDEST = (3, 11)


def python() -> Finding:
    """The one that runs canarylab, and so the notebooks and the playground."""
    here = ".".join(map(str, sys.version_info[:3]))
    words = f"Python {here} ({sys.executable})"
    if sys.version_info >= OLDEST:
        return Finding("Python", "fine", words, "everything")
    remedy = "Get Python 3.11 or later from https://www.python.org/downloads/."
    return Finding("Python", "missing", words, "everything", remedy)
