from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import proportion_effectsize, samplesize_confint_proportion

from canarylab.stats import (
    requests_needed,
    requests_to_compare_error_rates,
    requests_to_see_one,
    requests_to_tell_apart,
)
from tests.stats.random_inputs import over_random_inputs, shares

powers = st.sampled_from([0.5, 0.8, 0.9, 0.99])
alphas = st.sampled_from([0.01, 0.05, 0.1])


def is_rounded_up(found: int, theirs: float) -> bool:
    """Whether one is the next whole number of the other, to 1e-9."""
    return found - 1 < theirs * (1 + 1e-9) and found >= theirs * (1 - 1e-9)


@over_random_inputs
@given(shares, shares, powers, alphas)
def test_the_number_to_tell_shares_apart_is_that_of_statsmodels(
    one: float, two: float, power: float, alpha: float
) -> None:
    assume(abs(one - two) > 1e-3)
    effect = proportion_effectsize(one, two)
    theirs = normal_sample_size_one_tail(abs(effect), power, alpha / 2)

    assert is_rounded_up(requests_to_tell_apart(one, two, power=power, alpha=alpha), theirs)


@over_random_inputs
@given(shares, shares, st.floats(0.01, 0.99), powers)
def test_the_number_to_compare_error_rates_is_that_of_statsmodels(
    one: float, two: float, canary_share: float, power: float
) -> None:
    assume(abs(one - two) > 1e-3)
    of_production = (1 - canary_share) / canary_share
    effect = abs(proportion_effectsize(one, two))
    deviation = math.sqrt(1 + 1 / of_production)
    theirs = normal_sample_size_one_tail(effect, power, 0.05, std_null=deviation)

    found = requests_to_compare_error_rates(one, two, canary_share=canary_share, power=power)

    assert is_rounded_up(found.canary, theirs)
    assert is_rounded_up(found.production, theirs * of_production)


@over_random_inputs
@given(shares, st.floats(0.001, 0.5))
def test_the_number_for_a_margin_is_that_of_statsmodels(share: float, margin: float) -> None:
    theirs = samplesize_confint_proportion(share, margin)

    assert is_rounded_up(requests_needed(share, margin), theirs)


@pytest.mark.parametrize(
    ("margin", "requests"), [(0.10, 73), (0.05, 289), (0.03, 801), (0.02, 1801), (0.01, 7203)]
)
def test_a_margin_around_a_quarter_takes_so_many(margin: float, requests: int) -> None:
    assert requests_needed(0.25, margin) == requests


@pytest.mark.parametrize(("other", "requests"), [(0.20, 546), (0.333, 235), (0.50, 29)])
def test_a_quarter_is_told_from_another_share_after_so_many(other: float, requests: int) -> None:
    assert requests_to_tell_apart(0.25, other) == requests


@pytest.mark.parametrize(
    ("production", "canary", "requests"),
    [(0.01, 0.02, 1776), (0.005, 0.01, 3577), (0.001, 0.002, 17_991), (0.01, 0.05, 197)],
)
def test_error_rates_are_told_apart_after_so_many_at_each_version(
    production: float, canary: float, requests: int
) -> None:
    found = requests_to_compare_error_rates(production, canary)

    assert (found.canary, found.production) == (requests, requests)


def test_three_times_as_many_at_production_spare_the_canary_a_third() -> None:
    found = requests_to_compare_error_rates(0.01, 0.02, canary_share=0.25)

    assert found.canary == 1184
    assert found.production == pytest.approx(3 * found.canary, abs=3)


def test_an_error_of_one_percent_shows_itself_within_299_requests() -> None:
    assert requests_to_see_one(0.01) == 299
    assert 0.99**299 <= 0.05 < 0.99**298


def test_the_order_of_the_shares_makes_no_difference() -> None:
    assert requests_to_tell_apart(0.2, 0.25) == requests_to_tell_apart(0.25, 0.2)


def test_a_rate_of_zero_is_a_rate() -> None:
    assert requests_to_compare_error_rates(0, 0.05).canary > 0


def test_a_notebook_shows_the_requests_of_both_versions() -> None:
    shown = requests_to_compare_error_rates(0.01, 0.02, canary_share=0.25)._repr_html_()

    assert "1,184" in shown
    assert "3,551" in shown


@pytest.mark.parametrize("rate", [-0.01, 1.01, 25, math.nan])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    for refused in (
        lambda: requests_to_tell_apart(rate, 0.5),
        lambda: requests_to_tell_apart(0.5, rate),
        lambda: requests_to_compare_error_rates(rate, 0.5),
        lambda: requests_to_compare_error_rates(0.5, rate),
    ):
        with pytest.raises(ValueError, match="Give a fraction from 0 to 1"):
            refused()


@pytest.mark.parametrize("rate", [0, 1, -0.01, math.nan])
def test_what_never_or_always_fails_needs_no_number(rate: float) -> None:
    with pytest.raises(ValueError, match="error rate cannot be"):
        requests_to_see_one(rate)


@pytest.mark.parametrize("other", [0.2, math.nextafter(0.2, 0)])
def test_shares_that_are_equal_or_nearly_so_are_refused(other: float) -> None:
    with pytest.raises(ValueError, match=r"Both are 20 %.*Give two different fractions\."):
        requests_to_tell_apart(0.2, other)


@pytest.mark.parametrize("fraction", [0, 1, 80, math.nan])
def test_what_is_no_power_alpha_or_canary_share_is_refused(fraction: float) -> None:
    for refused in (
        lambda: requests_to_tell_apart(0.2, 0.3, power=fraction),
        lambda: requests_to_tell_apart(0.2, 0.3, alpha=fraction),
        lambda: requests_to_compare_error_rates(0.2, 0.3, canary_share=fraction),
        lambda: requests_to_see_one(0.01, confidence=fraction),
    ):
        with pytest.raises(ValueError, match="Give a fraction between 0 and 1"):
            refused()


def test_a_power_that_guessing_reaches_is_refused() -> None:
    with pytest.raises(ValueError, match="Give a larger power"):
        requests_to_compare_error_rates(0.2, 0.3, power=0.04)
