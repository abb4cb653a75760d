"""One line of the benchmark's table."""

from __future__ import annotations

from typing import NamedTuple


class Measurement(NamedTuple):
    """A measured value beside its bar, as the table of `make bench` shows it."""

    name: str
    value: float
    unit: str
    bar: str
    """What it must be, in words: `at least 1.0`; empty where it is only told."""
    ok: bool
