"""Evidence and confidence sequences: their published values, and that they are fair."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarylab.stats import wilson
from canarylab.stats.sequential import confidence_sequence, evidence, evidence_text, log_evidence

GOLDEN_EVIDENCE = [(3, 3, 16.0), (5, 6, 32.508), (8, 10, 235.371), (5, 20, 0.235), (10, 20, 4.799)]
GOLDEN_SEQUENCES = [
    (0, 15, 0.0, 0.31925),
    (4, 15, 0.04403, 0.63851),
    (0, 100, 0.0, 0.07328),
    (5, 100, 0.00658, 0.16026),
    (25, 100, 0.12994, 0.40375),
    (10, 1000, 0.00208, 0.02794),
    (50, 1000, 0.02824, 0.08017),
    (250, 1000, 0.20338, 0.30085),
]


@pytest.mark.parametrize(("hits", "total", "value"), GOLDEN_EVIDENCE)
def test_evidence_has_its_known_values(hits: int, total: int, value: float) -> None:
    assert evidence(hits, total, 0.25) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize(("hits", "total", "low", "high"), GOLDEN_SEQUENCES)
def test_a_confidence_sequence_has_its_known_ends(
    hits: int, total: int, low: float, high: float
) -> None:
    assert confidence_sequence(hits, total) == pytest.approx((low, high), abs=5e-6)


@given(st.integers(1, 200), st.floats(0.01, 0.99))
def test_the_evidence_against_a_true_claim_is_1_on_average(total: int, share: float) -> None:
    mean = sum(
        math.exp(
            math.log(math.comb(total, hits))
            + hits * math.log(share)
            + (total - hits) * math.log1p(-share)
            + log_evidence(hits, total, share)
        )
        for hits in range(total + 1)
    )
    assert mean == pytest.approx(1.0, abs=1e-9)


@given(st.integers(0, 300), st.integers(1, 300), st.floats(0.001, 0.3))
def test_at_both_ends_the_evidence_is_just_enough(hits: int, more: int, alpha: float) -> None:
    total = hits + more
    low, high = confidence_sequence(hits, total, alpha=alpha)
    for end in (low, high):
        if 0 < end < 1:
            assert log_evidence(hits, total, end) == pytest.approx(-math.log(alpha), abs=1e-6)


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_it_contains_the_observed_rate_and_is_wider_than_one_look_needs(
    hits: int, more: int
) -> None:
    total = hits + more
    sequence, once = confidence_sequence(hits, total), wilson(hits, total)
    assert hits / total in sequence
    assert sequence.width > once.width


def test_hits_and_misses_mirror_each_other() -> None:
    low, high = confidence_sequence(3, 50)
    assert confidence_sequence(47, 50) == pytest.approx((1 - high, 1 - low))


def test_without_a_trial_every_rate_is_possible() -> None:
    assert confidence_sequence(0, 0) == (0.0, 1.0)


def test_evidence_too_large_for_a_float_is_infinite() -> None:
    assert evidence(5000, 5000, 0.01) == math.inf
    assert evidence_text(log_evidence(5000, 5000, 0.01)) == "over 1,000,000"


@pytest.mark.parametrize(("hits", "total"), [(-1, 5), (6, 5)])
def test_counts_that_cannot_be_are_refused(hits: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"{hits} hits in {total} trials cannot be"):
        confidence_sequence(hits, total)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, math.nan])
def test_a_share_of_all_or_nothing_has_no_evidence(share: float) -> None:
    with pytest.raises(ValueError, match="there is nothing to compare"):
        evidence(1, 2, share)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.0, math.nan])
def test_alpha_is_a_probability(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha cannot be"):
        confidence_sequence(1, 2, alpha=alpha)
