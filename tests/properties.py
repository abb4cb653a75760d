"""How many random examples a property is tried with: the same ones in each run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

SOAK = "CANARYLAB_TEST_SOAK"
"""A variable that tests/conftest.py sets with `--soak`, for the workers of xdist as well."""
MANY = 20


def with_examples(count: int) -> Callable[[Any], Any]:
    """`count` of them in `make test`; 20 times as many in `make soak`, which differ in each run."""
    mark = pytest.mark.soak(few=count, many=count * MANY)
    return lambda test: mark(settings_for(count)(test))


def settings_for(count: int) -> settings:
    """The settings of hypothesis for that many examples."""
    many = SOAK in os.environ
    return settings(
        deadline=None,
        derandomize=not many,
        max_examples=count * (MANY if many else 1),
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def settings_on_a_cluster(count: int, *, steps: int) -> settings:
    """For a state machine on a playground, which does not search for the fewest steps."""
    phases = [Phase.explicit, Phase.generate]
    return settings(settings_for(count), stateful_step_count=steps, phases=phases)
