from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from statistics import NormalDist

import pytest
from scipy.stats import binomtest

from canarylab import stats
from canarylab.stats import Interval, wilson
from canarylab.traffic import RequestResult, Sample

ALL_SMALL = [(hits, total) for total in range(1, 61) for hits in range(total + 1)]
CONFIDENCES = [0.8, 0.95, 0.999]


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_the_interval_is_scipys_in_all_small_cases(confidence: float) -> None:
    for hits, total in ALL_SMALL:
        theirs = binomtest(hits, total).proportion_ci(confidence, method="wilson")
        assert wilson(hits, total, confidence=confidence) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_the_interval_holds_the_observed_share(confidence: float) -> None:
    assert all(
        hits / total in wilson(hits, total, confidence=confidence) for hits, total in ALL_SMALL
    )


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_misses_mirror_hits(confidence: float) -> None:
    for hits, total in ALL_SMALL:
        low, high = wilson(hits, total, confidence=confidence)
        mirrored = wilson(total - hits, total, confidence=confidence)
        assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_nought_and_all_are_within_their_own_interval_exactly() -> None:
    assert all(
        (wilson(0, total).low, wilson(total, total).high) == (0.0, 1.0) for total in range(1, 500)
    )


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (4, 15, 0.109, 0.520),
        (25, 100, 0.175, 0.343),
        (250, 1000, 0.224, 0.278),
        (0, 15, 0.0, 0.204),
        (2, 5, 0.118, 0.769),
    ],
)
def test_the_golden_intervals(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=0.0005)


@pytest.mark.parametrize(
    ("margin", "requests"), [(0.10, 73), (0.05, 289), (0.03, 801), (0.02, 1801), (0.01, 7203)]
)
def test_the_golden_numbers_of_requests(margin: float, requests: int) -> None:
    assert stats.requests_needed(0.25, margin) == requests


def test_one_request_less_is_not_enough() -> None:
    score = NormalDist().inv_cdf(0.975)
    for share, margin in ((a / 20, b / 100) for a in range(1, 20) for b in range(1, 30)):
        needed = stats.requests_needed(share, margin)
        reach = [score * math.sqrt(share * (1 - share) / n) for n in (needed, needed - 1) if n]
        assert reach[0] <= margin * (1 + 1e-12)
        assert needed == 1 or reach[1] > margin


@pytest.mark.parametrize(("hits", "total"), [(0, 0), (-1, 5), (6, 5), (0, -1)])
def test_what_is_no_share_has_no_interval(hits: int, total: int) -> None:
    with pytest.raises(ValueError, match=rf"{hits} of {total} is not a share\. Give "):
        wilson(hits, total)


@pytest.mark.parametrize(("share", "margin"), [(0, 0.1), (1, 0.1), (0.5, 0), (0.5, 1), (25, 5)])
def test_percents_given_as_whole_numbers_are_refused(share: float, margin: float) -> None:
    with pytest.raises(ValueError, match="fractions between 0 and 1"):
        stats.requests_needed(share, margin)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_is_a_fraction(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"Write 95 % as 0\.95"):
        wilson(1, 2, confidence=confidence)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(0.142, 0.402), "14 % to 40 %"),
        (Interval(0.0, 0.204), "0 % to 20 %"),
        (Interval(0.2486, 0.2514), "24.86 % to 25.14 %"),
        (Interval(1.0, 1.0), "100 % to 100 %"),
    ],
)
def test_an_interval_reads_as_words(interval: Interval, words: str) -> None:
    assert str(interval) == words


def test_a_word_is_not_within_an_interval() -> None:
    word: object = "0.25"
    assert word not in wilson(10, 40)


def test_200_requests_over_one_connection_say_as_much_as_one() -> None:
    kept = Sample.from_versions(["1.0"] * 200)
    kept = Sample.from_dict(
        kept.to_dict()
        | {"results": [each._replace(connection=0)._asdict() for each in kept.results]}
    )
    assert stats.intervals(kept)["1.0"] == wilson(1, 1)


def test_without_answers_everything_is_plausible() -> None:
    assert stats.interval(Sample.from_versions([]), 0) == Interval(0.0, 1.0)


def test_a_version_that_was_not_expected_was_expected_never() -> None:
    found = stats.shares(Sample.from_versions(["1.0", None]).with_expected({"1.0": 1.0}))
    assert [(each.name, each.expected) for each in found] == [("1.0", 1.0), ("other", 0.0)]


@pytest.mark.parametrize(("expected", "fits"), [(0.25, True), (0.9, False), (None, None)])
def test_a_share_fits_when_the_expected_one_is_plausible(
    expected: float | None, *, fits: bool | None
) -> None:
    assert stats.Share("2.0", 10, 40, wilson(10, 40), expected).contains_expected is fits


def test_nothing_fits_or_not_where_nobody_answered() -> None:
    assert stats.Share("2.0", 0, 0, Interval(0.0, 1.0), 0.25).contains_expected is None


def test_the_summary_has_a_row_for_each_version() -> None:
    told = stats.summary(
        Sample.from_versions(["1.0", "1.0", "2.0", "1.0"]).with_expected({"1.0": 0.75, "2.0": 0.25})
    )
    assert told.loc["2.0"].to_dict() == pytest.approx(
        {"hits": 1, "share": 0.25, "low": 0.0456, "high": 0.6994, "expected": 0.25}, abs=5e-5
    )


def test_the_summary_of_nothing_is_empty() -> None:
    assert stats.summary(Sample.from_versions([])).empty


def test_importing_it_loads_nothing_heavy() -> None:
    script = (
        "import sys, canarylab.stats; sys.exit(bool({'pandas', 'scipy', 'numpy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_where_a_pod_is_chosen_for_each_request_one_connection_says_as_much_as_many() -> None:
    answers = tuple(
        RequestResult(0.0, 0.001, "2.0" if number < 25 else "1.0", connection=0)
        for number in range(100)
    )
    kept = Sample("http://127.0.0.1/", answers, datetime.now(UTC), 1.0, keep_alive=1)
    assert stats.interval(kept, 25).width > 0.7
    assert stats.interval(replace(kept, balanced_per="request"), 25) == stats.wilson(25, 100)
