"""How many random examples a property is tried with: the same ones in each run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

_MANY = 20 if "--soak" in sys.argv else 1


def with_examples(count: int) -> Callable[[Any], Any]:
    """`count` of them in `make test`, and many more with `--soak`, which differ in each run."""
    return settings(
        deadline=None,
        derandomize=_MANY == 1,
        max_examples=count * _MANY,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
