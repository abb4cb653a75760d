from __future__ import annotations

import math
from random import Random
from statistics import pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from canarylab.stats import draw_probabilities, kept_connections, likely_hits, two_sided_probability
from tests.stats.random_inputs import confidences, hits_of_totals, over_random_inputs, shares


@over_random_inputs
@given(shares, st.integers(1, 3000))
def test_the_probabilities_are_scipys(share: float, requests: int) -> None:
    theirs = binom.pmf(range(requests + 1), requests, share)

    assert draw_probabilities(share, requests) == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@over_random_inputs
@given(hits_of_totals(1000), shares)
def test_the_two_sided_probability_is_scipys(pair: tuple[int, int], share: float) -> None:
    hits, trials = pair
    theirs = binomtest(hits, trials, share).pvalue

    assert two_sided_probability(hits, trials, share) == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@over_random_inputs
@given(shares, st.integers(1, 1000), confidences)
def test_the_likely_hits_are_scipys_quantiles(
    share: float, requests: int, confidence: float
) -> None:
    found = likely_hits(share, requests, confidence=confidence)

    assert found[:2] == binom.interval(confidence, requests, share)


@pytest.mark.parametrize("share", [0, 1])
@pytest.mark.parametrize("requests", [1, 15])
def test_nothing_is_random_at_a_share_of_zero_or_one(share: float, requests: int) -> None:
    hits = int(share * requests)

    assert draw_probabilities(share, requests)[hits] == 1
    assert likely_hits(share, requests)[:2] == (hits, hits)


def test_15_requests_reach_a_quarter_1_to_7_times() -> None:
    assert likely_hits(0.25, 15)[:2] == (1, 7)
    assert str(likely_hits(0.25, 15)).endswith("6.7 % to 47 %")


def test_15_requests_miss_a_quarter_once_in_75_times() -> None:
    assert draw_probabilities(0.25, 15)[0] == pytest.approx(0.0134, abs=5e-5)


def test_the_probabilities_of_all_numbers_of_hits_add_up_to_one() -> None:
    for requests in range(1, 60):
        assert math.fsum(draw_probabilities(0.3, requests)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("connections", "spread"), [(1, 0.433), (2, 0.306), (8, 0.153), (32, 0.077)]
)
@pytest.mark.parametrize("requests", [32, 1600, 16000])
def test_the_spread_depends_on_the_connections_and_not_on_the_requests(
    connections: int, spread: float, requests: int
) -> None:
    found = kept_connections(0.25, requests, connections)

    assert found.spread == pytest.approx(spread, abs=5e-4)


def test_one_kept_connection_misses_the_canary_three_times_of_four() -> None:
    assert kept_connections(0.25, 1000, 1).none == 0.75


@pytest.mark.parametrize(("requests", "connections"), [(10, 3), (7, 7), (5, 8), (1, 1)])
def test_the_spread_is_that_of_simulated_samples(requests: int, connections: int) -> None:
    random = Random(5)
    observed = []
    for _ in range(20_000):
        pods = [random.random() < 0.25 for _ in range(connections)]
        observed.append(sum(pods[number % connections] for number in range(requests)) / requests)

    found = kept_connections(0.25, requests, connections)

    assert found.spread == pytest.approx(pstdev(observed), rel=0.03)
    assert found.none == pytest.approx(observed.count(0) / len(observed), rel=0.1)


def test_with_a_connection_for_each_request_nothing_is_lost() -> None:
    found = kept_connections(0.25, 200, 200)

    assert found.spread == pytest.approx(found.spread_without, rel=1e-12)


def test_a_notebook_shows_both_ways_to_connect() -> None:
    shown = kept_connections(0.25, 200, 8)._repr_html_()

    assert "8 kept" in shown
    assert "200 new" in shown


@pytest.mark.parametrize("share", [-0.1, 1.5, 25, math.nan, "a quarter"])
def test_what_is_no_share_is_refused(share: float) -> None:
    for refused in (
        lambda: draw_probabilities(share, 15),
        lambda: likely_hits(share, 15),
        lambda: kept_connections(share, 15, 1),
    ):
        with pytest.raises(ValueError, match=r"is not a share\. Give a fraction from 0 to 1"):
            refused()


@pytest.mark.parametrize("requests", [0, -1, 2.5, math.nan])
def test_what_is_no_number_of_requests_is_refused(requests: int) -> None:
    for refused in (
        lambda: draw_probabilities(0.25, requests),
        lambda: likely_hits(0.25, requests),
        lambda: kept_connections(0.25, requests, 1),
        lambda: kept_connections(0.25, 15, requests),
    ):
        with pytest.raises(ValueError, match=r"Give a whole number from 1 to"):
            refused()


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (-1, 5), (6, 5), (math.nan, 5)])
def test_hits_that_are_no_share_of_the_trials_are_refused(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        two_sided_probability(hits, trials, 0.25)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_what_is_no_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"such as 0\.95"):
        likely_hits(0.25, 15, confidence=confidence)
