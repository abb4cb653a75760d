from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, fisher_exact, mannwhitneyu
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from canarylab import stats
from canarylab.stats import (
    ErrorRate,
    compare_error_rates,
    compare_latencies,
    error_rates,
    newcombe,
    uniformity,
    wilson,
)
from canarylab.traffic import RequestResult, Sample
from tests.stats.random_inputs import (
    confidences,
    hits_of_totals,
    latencies,
    over_random_inputs,
    tied_latencies,
)


@over_random_inputs
@given(hits_of_totals(), confidences)
def test_the_interval_of_a_share_is_that_of_statsmodels(
    pair: tuple[int, int], confidence: float
) -> None:
    theirs = proportion_confint(*pair, alpha=1 - confidence, method="wilson")

    assert wilson(*pair, confidence=confidence) == pytest.approx(theirs, abs=1e-9)


@over_random_inputs
@given(hits_of_totals(), hits_of_totals(), confidences)
def test_the_interval_of_a_difference_is_that_of_statsmodels(
    one: tuple[int, int], two: tuple[int, int], confidence: float
) -> None:
    theirs = confint_proportions_2indep(*two, *one, method="newcomb", alpha=1 - confidence)

    assert newcombe(*one, *two, confidence=confidence) == pytest.approx(theirs, abs=1e-9)


def test_the_interval_of_newcombes_own_example() -> None:
    found = newcombe(48, 80, 56, 70)  # table II of the paper, example a

    assert found == pytest.approx((0.0524, 0.3339), abs=5e-5)


@over_random_inputs
@given(hits_of_totals(), hits_of_totals())
def test_the_difference_lies_in_its_interval(one: tuple[int, int], two: tuple[int, int]) -> None:
    low, high = newcombe(*one, *two)

    assert -1 - 1e-12 <= low <= two[0] / two[1] - one[0] / one[1] <= high <= 1 + 1e-12


@over_random_inputs
@given(hits_of_totals(), hits_of_totals())
def test_the_p_value_of_error_rates_is_scipys(one: tuple[int, int], two: tuple[int, int]) -> None:
    theirs = fisher_exact([[hits, total - hits] for hits, total in (one, two)]).pvalue

    assert compare_error_rates(one, two).p_value == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("requests", [1, 5, 8])
def test_the_p_value_of_error_rates_adds_up_all_tables_that_are_as_unlikely(requests: int) -> None:
    for one, two in product(range(requests + 1), repeat=2):
        ways = [
            math.comb(requests, each) * math.comb(requests, one + two - each)
            for each in range(max(0, one + two - requests), min(requests, one + two) + 1)
        ]
        seen = math.comb(requests, one) * math.comb(requests, two)
        expected = sum(each for each in ways if each <= seen) / sum(ways)

        found = compare_error_rates((one, requests), (two, requests)).p_value

        assert found == pytest.approx(expected, rel=1e-9)


def test_a_comparison_says_which_version_failed_more_often() -> None:
    worse, better = compare_error_rates((1, 100), (9, 100)), compare_error_rates((9, 100), (1, 100))

    assert repr(worse).startswith("The canary failed 8 percentage points more often")
    assert repr(better).startswith("The canary failed 8 percentage points less often")
    assert repr(compare_error_rates((0, 50), (0, 60))).startswith("The canary failed as often as")


def test_a_difference_of_zero_has_no_minus() -> None:
    assert "-0 " not in repr(compare_error_rates((0, 10_000_000), (0, 10_000_000)))


def test_a_notebook_shows_the_sentence_and_both_rates() -> None:
    comparison = compare_error_rates((3, 300), (9, 100))

    assert repr(comparison) in comparison._repr_html_()
    assert "3 of 300" in comparison._repr_html_()


@pytest.mark.parametrize("wrong", [(0, 0), (-1, 10), (11, 10), (math.nan, 10), (1.5, 10)])
def test_what_is_no_error_rate_is_refused(wrong: tuple[int, int]) -> None:
    for one, two in ((wrong, (1, 10)), ((1, 10), wrong)):
        with pytest.raises(ValueError, match=r"is not a share\. Give at least one request"):
            compare_error_rates(one, two)
        with pytest.raises(ValueError, match=r"is not a share\. Give at least one request"):
            newcombe(*one, *two)


@pytest.mark.parametrize("wrong", [3, (1, 2, 3), None])
def test_what_is_no_pair_is_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"not an error rate of the canary\. Give the number"):
        compare_error_rates((1, 10), wrong)


def test_an_error_rate_counts_responses_by_the_version_they_name() -> None:
    sample = Sample.from_versions(["1.0", "2.0"])
    failed = RequestResult(2.0, 0.1, version="2.0", status=500, failure="status 500")
    lost = RequestResult(3.0, 0.1, failure="reset")

    found = error_rates(Sample(sample.url, (*sample.results, failed, lost), sample.started, 4.0))

    assert found == {"1.0": ErrorRate(0, 1), "2.0": ErrorRate(1, 2), "other": ErrorRate(1, 1)}


def test_latencies_are_those_of_answered_requests() -> None:
    sample = Sample.from_versions(["1.0", None])
    failed = RequestResult(2.0, 9.0, version="1.0", status=500, failure="status 500")

    found = stats.latencies(Sample(sample.url, (*sample.results, failed), sample.started, 4.0))

    assert found == {"1.0": [0.0], "other": [0.0]}


def test_a_small_difference_is_shown_with_two_decimals() -> None:
    found = compare_error_rates((10, 10_000), (20, 10_000))

    assert "failed 0.1 percentage points more often" in repr(found)
    assert "-0.01 to 0.22 percentage points" in repr(found)


@over_random_inputs
@given(st.one_of(latencies, tied_latencies), st.one_of(latencies, tied_latencies))
def test_the_p_value_of_latencies_is_scipys(one: list[float], two: list[float]) -> None:
    theirs = mannwhitneyu(one, two, alternative="two-sided").pvalue

    assert compare_latencies(one, two).p_value == pytest.approx(theirs, rel=1e-9)


@over_random_inputs
@given(st.one_of(latencies, tied_latencies), st.one_of(latencies, tied_latencies))
def test_the_effect_size_counts_the_pairs(one: list[float], two: list[float]) -> None:
    pairs = [(b > a) + (b == a) / 2 for a, b in product(one, two)]

    assert compare_latencies(one, two).longer == pytest.approx(sum(pairs) / len(pairs), abs=1e-9)


def test_equal_latencies_differ_by_nothing() -> None:
    found = compare_latencies([0.1] * 20, [0.1] * 20)

    assert (found.longer, found.p_value) == (0.5, 1)


def test_ranks_miss_a_canary_that_is_slow_for_one_request_in_fifty() -> None:
    production = [0.010 + number / 1e5 for number in range(100)]
    canary = [*production[:98], 2.0, 2.0]

    assert compare_latencies(production, canary).p_value > 0.5


def test_latencies_may_be_an_array() -> None:
    assert compare_latencies(np.array([0.1, 0.2]), np.array([0.3, 0.4])).longer == 1


@pytest.mark.parametrize("wrong", [[], [-0.1], [math.nan], [math.inf], [0.1, None]])
def test_what_is_no_latency_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match=r"latency of production\. Give"):
        compare_latencies(wrong, [0.1])
    with pytest.raises(ValueError, match=r"latency of the canary\. Give"):
        compare_latencies([0.1], wrong)


@over_random_inputs
@given(st.lists(st.integers(0, 5000), min_size=2, max_size=20).filter(any))
def test_uniformity_is_scipys_chi_square(counts: list[int]) -> None:
    statistic, p_value = chisquare(counts)
    found = uniformity(counts)

    assert found.statistic == pytest.approx(statistic, rel=1e-9)
    assert found.p_value == pytest.approx(p_value, rel=1e-9, abs=1e-300)


def test_uniformity_names_the_range_of_the_counts() -> None:
    assert repr(uniformity({"a": 14, "b": 7, "c": 19})).startswith("3 pods answered 7 to 19 of 40")


def test_uniformity_of_few_requests_is_called_rough() -> None:
    assert "this is rough" in repr(uniformity([3, 2, 4]))
    assert "this is rough" not in repr(uniformity([30, 20, 40]))


@pytest.mark.parametrize("counts", [[], [5], {"a": 5}])
def test_one_pod_cannot_be_uneven(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="Give those of at least two pods"):
        uniformity(counts)


@pytest.mark.parametrize("counts", [[0, 0], [-1, 5], [math.nan, 5], [2.5, 5]])
def test_what_are_no_counts_is_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="are no counts of pods"):
        uniformity(counts)
