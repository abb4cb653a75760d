"""Looking again and again misleads with a fixed-time interval, and not with a sequence."""

from __future__ import annotations

import pytest

from canarylab import stats
from canarylab.stats.peeking import MAX_DRAWS

FOUND = stats.simulate_peeking(0.25, requests=1000, every=20, releases=1000, seed=1)


def test_an_interval_that_is_looked_at_once_keeps_its_promise() -> None:
    assert FOUND.once / FOUND.releases <= 0.07  # 5 %, and three standard deviations


def test_fifty_looks_at_an_interval_are_wrong_far_more_often() -> None:
    assert FOUND.looks == 50
    assert FOUND.interval >= 5 * FOUND.once


def test_fifty_looks_at_a_confidence_sequence_keep_its_promise() -> None:
    assert FOUND.sequence / FOUND.releases <= 0.05


def test_the_seed_decides_the_result() -> None:
    small = {"requests": 100, "every": 20, "releases": 50}
    assert stats.simulate_peeking(**small, seed=3) == stats.simulate_peeking(**small, seed=3)


def test_the_excluded_shares_are_those_of_the_confidence_sequence() -> None:
    one_look = stats.simulate_peeking(0.5, requests=10, every=10, releases=2000)
    excluded = {hits for hits in range(11) if 0.5 not in stats.confidence_sequence(hits, 10)}
    chance = sum(stats.draw_probabilities(0.5, 10)[hits] for hits in excluded)
    assert one_look.sequence / 2000 == pytest.approx(chance, abs=0.02)


def test_the_table_has_a_row_for_each_way_to_look() -> None:
    assert [row[:2] for row in FOUND._table().rows] == [
        ("95 % interval", "once, at the end"),
        ("95 % interval", "50 times"),
        ("confidence sequence", "50 times"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 0.0},
        {"share": 25},
        {"requests": 0},
        {"every": 0},
        {"releases": 0},
        {"requests": 10, "every": 11},
        {"requests": 1000, "releases": MAX_DRAWS // 1000 + 1},
    ],
)
def test_what_cannot_be_simulated_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Give"):
        stats.simulate_peeking(**wrong)  # type: ignore[arg-type]
