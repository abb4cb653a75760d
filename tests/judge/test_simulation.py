"""How often judges are wrong: within what they promise, or not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from canarylab.judge import Judge, Scenario, ThresholdJudge, simulate


def test_looking_after_every_50_requests_a_good_canary_is_seldom_rolled_back() -> None:
    found = simulate(Judge(), Scenario(0.01, 0.01), releases=2000, seed=1)
    assert found.share_of("roll back") <= Judge().alpha
    assert found.median_requests("promote") == pytest.approx(5475, rel=0.1)


def test_a_fixed_threshold_rolls_back_many_good_canaries() -> None:
    found = simulate(ThresholdJudge(), Scenario(0.01, 0.01), releases=2000, seed=1)
    assert found.share_of("roll back") == pytest.approx(0.39, abs=0.05)


@pytest.mark.parametrize(
    ("canary", "production", "verdict", "requests"),
    [
        (0.0, 0.0, "promote", 2000),
        (0.05, 0.01, "roll back", 600),
        (0.1, 0.005, "roll back", 200),
    ],
)
def test_the_published_medians_are_met_within_a_tenth(
    canary: float, production: float, verdict: str, requests: int
) -> None:
    found = simulate(Judge(), Scenario(canary, production), releases=600, seed=1)
    assert found.share_of(verdict) >= 0.99  # type: ignore[arg-type]
    assert found.median_requests(verdict) == pytest.approx(requests, rel=0.1)  # type: ignore[arg-type]


def test_twice_the_failures_at_one_percent_take_thousands_of_requests() -> None:
    # The published median is that of 150 releases; of so few it varies by a tenth.
    found = simulate(Judge(), Scenario(0.02, 0.01), releases=600, seed=9)
    assert found.share_of("roll back") == pytest.approx(0.93, abs=0.04)
    assert found.median_requests("roll back") == pytest.approx(4850, rel=0.2)


def test_a_judge_without_its_parentheses_is_refused() -> None:
    with pytest.raises(ValueError, match="is no judge"):
        simulate(Judge, Scenario(0.01, 0.01))  # type: ignore[arg-type]


def test_a_verdict_that_nobody_gives_has_no_share() -> None:
    simulation = simulate(ThresholdJudge(), Scenario(0.01, 0.01), releases=3)
    with pytest.raises(ValueError, match="There is no verdict 'rolled back'"):
        simulation.share_of("rolled back")  # type: ignore[arg-type]


def test_the_same_seed_draws_the_same_releases() -> None:
    scenario = Scenario(0.02, 0.01, max_requests=500)
    assert simulate(Judge(), scenario, releases=20, seed=7).verdicts == (
        simulate(Judge(), scenario, releases=20, seed=7).verdicts
    )


def test_a_release_that_ends_before_a_verdict_is_counted_as_unclear() -> None:
    found = simulate(Judge(), Scenario(0.01, 0.01, max_requests=100), releases=5)
    assert found.verdicts == (("not enough to tell", 100),) * 5


@pytest.mark.parametrize(
    "settings",
    [
        {"canary_rate": -0.1, "production_rate": 0.0},
        {"canary_rate": 0.0, "production_rate": 1.1},
        {"canary_rate": 0.0, "production_rate": 0.0, "share": 2},
        {"canary_rate": 0.0, "production_rate": 0.0, "look_every": 0},
        {"canary_rate": 0.0, "production_rate": 0.0, "max_requests": 10},
    ],
)
def test_a_scenario_that_cannot_be_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Give"):
        Scenario(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["text", None, [], math.nan, 10**400, True])
@pytest.mark.parametrize(
    "name", ["canary_rate", "production_rate", "share", "look_every", "max_requests"]
)
def test_a_scenario_of_odd_values_is_refused(name: str, wrong: Any) -> None:
    settings: dict[str, Any] = {"canary_rate": 0.0, "production_rate": 0.0}
    with pytest.raises(ValueError, match="Give"):
        Scenario(**settings | {name: wrong})


@pytest.mark.parametrize("releases", [0, 20_001, "text", None, 2.5])
def test_a_number_of_releases_that_nobody_can_draw_is_refused(releases: Any) -> None:
    with pytest.raises(ValueError, match=f"{releases} releases cannot be drawn"):
        simulate(Judge(), Scenario(0.0, 0.0), releases=releases)
