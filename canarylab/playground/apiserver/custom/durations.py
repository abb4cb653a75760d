"""How long is 1h30m?"""

from __future__ import annotations

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}  # seconds
_PART = re.compile(r"(\d+)(ms|h|m|s)")


def seconds(duration: str) -> float:
    """The duration as the Gateway API writes it.

    >>> seconds("1h30m"), seconds("500ms")
    (5400.0, 0.5)
    """
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(duration))
