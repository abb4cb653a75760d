"""Poll a condition until it is true or a timeout passes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_until(
    condition: Callable[[], Value],
    *,
    timeout_s: float,
    pause_s: float = 0.05,
) -> Value:
    """Evaluate `condition` until its value is true, and return that value.

    When the time is over, the last value is returned, which is then false. The condition is
    evaluated once at least.

    >>> values = iter(["", "", "ready"])
    >>> wait_until(lambda: next(values), timeout_s=10, pause_s=0)
    'ready'
    >>> wait_until(lambda: [], timeout_s=0)
    []
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value or time.monotonic() >= deadline:
            return value
        time.sleep(pause_s)
