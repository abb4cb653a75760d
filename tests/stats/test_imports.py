"""Lesson 03 needs the plain part of `canarylab.stats`, and no memory for SciPy."""

from __future__ import annotations

import subprocess
import sys

import pytest

PLAIN = {
    "nothing": "pass",
    "an interval": "stats.wilson(10, 40)",
    "a difference": "stats.newcombe(1, 40, 2, 40)",
    "a margin": "stats.requests_needed(0.25, 0.05)",
    "a sample size": "stats.requests_to_tell_apart(0.25, 0.2)",
    "the size for error rates": "stats.requests_to_compare_error_rates(0.01, 0.02)",
    "the size for one error": "stats.requests_to_see_one(0.01)",
    "an exact probability": "stats.two_sided_probability(3, 40, 0.25)",
    "draws": "stats.draw_probabilities(0.25, 15), stats.likely_hits(0.25, 15)",
    "kept connections": "repr(stats.kept_connections(0.25, 200, 8))",
    "a finding": "stats.finding(Sample.from_versions(['1.0', '2.0']))",
}


def run(call: str) -> str:
    """Print the heavy modules that a fresh Python has loaded after this call."""
    script = (
        "import sys\nfrom canarylab import stats\nfrom canarylab.traffic import Sample\n"
        f"{call}\nprint(sorted({{'scipy', 'numpy', 'pandas'}} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("name", PLAIN)
def test_plain_arithmetic_loads_no_library(name: str) -> None:
    assert run(PLAIN[name]) == "[]\n"


def test_a_comparison_loads_scipy() -> None:
    assert "scipy" in run("stats.compare_error_rates((1, 40), (2, 40))")
