"""Wrong arguments of every public function of `canarylab.stats` and `canarylab.judge`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from canarylab import judge, stats
from canarylab.errors import SampleFileError
from canarylab.judge import Judge, Scenario
from canarylab.stats import wilson
from canarylab.stats.arguments import check_count, check_samples, shown
from canarylab.traffic.sample import Sample

SAMPLE = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
WRONG: tuple[Any, ...] = (
    *("x", None, True, -1, 0.5, math.nan, math.inf, 10**30, 10**5000, b"", object()),
    *([], [1], [None], {"a": 1}, {"a": "b"}, (1, 2, 3), SAMPLE, [SAMPLE, 1], stats),
)
NEEDED: dict[str, dict[str, Any]] = {
    "agreement": {"hits": 10, "trials": 40, "expected": 0.25, "drawn": wilson(10, 40)},
    "compare_error_rates": {"production": (3, 300), "canary": (9, 100)},
    "compare_latencies": {"production": [0.1, 0.2], "canary": [0.2, 0.3]},
    "confidence_sequence": {"hits": 4, "total": 15},
    "count": {"sample": SAMPLE},
    "draw_probabilities": {"share": 0.25, "requests": 15},
    "error_rates": {"sample": SAMPLE},
    "evidence": {"hits": 8, "total": 10, "share": 0.25},
    "finding": {"sample": SAMPLE},
    "finding_of_samples": {"samples": [SAMPLE], "version": "2.0"},
    "finding_of_sweep": {"labels": ["1 : 1"], "samples": [SAMPLE], "version": "2.0"},
    "interval": {"sample": SAMPLE, "hits": 10},
    "intervals": {"sample": SAMPLE},
    "kept_connections": {"share": 0.25, "requests": 100, "connections": 4},
    "latencies": {"sample": SAMPLE},
    "likely_hits": {"share": 0.25, "requests": 15},
    "newcombe": {"hits_one": 3, "total_one": 300, "hits_two": 9, "total_two": 100},
    "pod_shares": {"sample": SAMPLE},
    "pool": {"folder": Path("/nonexistent")},
    "requests_needed": {"share": 0.25, "margin": 0.05},
    "requests_to_compare_error_rates": {"production": 0.01, "canary": 0.02},
    "requests_to_see_one": {"error_rate": 0.01},
    "requests_to_tell_apart": {"one": 0.25, "two": 0.2},
    "share_of": {"sample": SAMPLE, "version": "2.0"},
    "share_of_all": {"samples": [SAMPLE], "version": "2.0"},
    "shares": {"sample": SAMPLE},
    "simulate": {"judge": Judge(), "scenario": Scenario(0.1, 0.1, max_requests=100)},
    "simulate_peeking": {"share": 0.25},
    "slow_limit": {"sample": SAMPLE},
    "summary": {"sample": SAMPLE},
    "two_sided_probability": {"hits": 10, "trials": 40, "share": 0.25},
    "uniformity": {"counts": {"a": 14, "b": 7}},
    "wilson": {"hits": 10, "total": 40},
}
"""What each function cannot be called without."""
OURS = {"drawn", "source", "labels", "version", "baseline"}
"""Arguments that the package gives, or that are looked up as they are."""
QUICK = {"simulate_peeking": {"requests": 40, "releases": 2}, "simulate": {"releases": 2}}


def functions() -> dict[str, Callable[..., Any]]:
    """Every public function, by its name."""
    members = [getattr(module, name) for module in (stats, judge) for name in module.__all__]
    return {each.__name__: each for each in members if inspect.isfunction(each)}


def wrong_arguments(name: str) -> Iterator[tuple[str, Any]]:
    parameters = set(inspect.signature(functions()[name]).parameters) - OURS
    return ((each, value) for each in sorted(parameters) for value in WRONG)


def test_each_function_is_tried() -> None:
    assert functions().keys() == NEEDED.keys()


@pytest.mark.parametrize("name", NEEDED)
def test_a_wrong_argument_is_a_value_error(name: str) -> None:
    surprising = []
    refused = 0
    for parameter, value in wrong_arguments(name):
        given = {**QUICK.get(name, {}), **NEEDED[name], parameter: value}
        try:
            functions()[name](**given)
        except (ValueError, SampleFileError) as error:
            refused += 1
            assert len(str(error)) < 500, str(error)
        except Exception as error:  # noqa: BLE001  what it is, is what is tested
            surprising.append(f"{parameter}={shown(value)}: {error!r}")

    assert surprising == []
    assert refused > 5


def test_a_huge_number_is_cut_in_a_message() -> None:
    assert shown(-(10**5000)) == "-1..."
    with pytest.raises(ValueError, match=r"1000000000\.\.\. requests are too many"):
        check_count(10**30, "requests")


def test_a_sample_is_no_list_of_samples() -> None:
    with pytest.raises(ValueError, match=r"of the type Sample is not a list of samples"):
        check_samples(SAMPLE)
