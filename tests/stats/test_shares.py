from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from statistics import NormalDist

import pytest
from scipy.stats import binomtest

from canarylab import stats
from canarylab.stats import Interval, agreement, finding, two_sided_probability, wilson
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


def test_none_and_all_are_within_their_own_interval_exactly() -> None:
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
    with pytest.raises(ValueError, match=r"such as 0\.95"):
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
    assert stats.intervals(kept(["1.0"] * 200, [0] * 200))["1.0"] == wilson(1, 1)


def test_without_answers_everything_is_plausible() -> None:
    assert stats.interval(Sample.from_versions([]), 0) == Interval(0.0, 1.0)


def test_a_version_that_was_not_expected_was_expected_never() -> None:
    found = stats.shares(Sample.from_versions(["1.0", None]).with_expected({"1.0": 1.0}))
    assert [(each.name, each.expected) for each in found] == [("1.0", 1.0), ("other", 0.0)]


def test_the_probability_is_scipys_in_all_small_cases() -> None:
    for hits, total in ALL_SMALL:
        for share in (0.01, 0.1, 0.25, 0.4, 0.5, 0.75):
            theirs = binomtest(hits, total, share).pvalue
            assert two_sided_probability(hits, total, share) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("share", [Fraction(1, 4), Fraction(1, 3), Fraction(1, 2)])
def test_the_probability_is_the_sum_over_all_draws_that_are_as_unlikely(share: Fraction) -> None:
    for total in range(1, 16):
        exact = [
            math.comb(total, hits) * share**hits * (1 - share) ** (total - hits)
            for hits in range(total + 1)
        ]
        for hits, likelihood in enumerate(exact):
            expected = float(sum(each for each in exact if each <= likelihood))
            found = two_sided_probability(hits, total, float(share))
            assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("hits", "total"), [(50_300, 200_000), (5, 200_000), (199_999, 200_000)])
def test_the_probability_of_many_draws_is_scipys(hits: int, total: int) -> None:
    theirs = binomtest(hits, total, 0.25).pvalue
    assert two_sided_probability(hits, total, 0.25) == pytest.approx(theirs, rel=1e-6)


def found(hits: int, trials: int, expected: float) -> str:
    """How so many hits agree, in words."""
    return str(agreement(hits, trials, expected, wilson(hits, trials)))


@pytest.mark.parametrize(
    ("hits", "trials", "expected", "words"),
    [
        (50, 200, 0.25, "as expected"),
        (60, 200, 0.25, "as expected"),
        (65, 200, 0.25, "an unlucky draw, about once in 57"),
        (70, 200, 0.25, "an unlucky draw, about once in 550"),
        (90, 200, 0.25, "not what the pods suggest"),
        (0, 40, 0.25, "not what the pods suggest"),
        (0, 40, 0.01, "as expected"),
        (0, 1, 0.25, "too few to judge"),
        (1, 1, 0.01, "too few to judge"),
        (11, 11, 0.25, "not what the pods suggest"),
        (1, 1, 1.0, "as expected"),
        (1, 1, 1 - 1e-16, "as expected"),
        (0, 1, 1.0, "not what the pods suggest"),
        (0, 200, 0.0, "as expected"),
        (1, 200, 0.0, "not what the pods suggest"),
        (200, 200, 1.0, "as expected"),
        (199, 200, 1.0, "not what the pods suggest"),
    ],
)
def test_a_draw_is_told_by_how_likely_it_is(
    hits: int, trials: int, expected: float, words: str
) -> None:
    assert found(hits, trials, expected) == words


def test_rules_are_named_where_they_suggest_the_share() -> None:
    told = agreement(0, 40, 0.25, wilson(0, 40), source="rules")
    assert str(told) == "not what the rules suggest"


def test_as_expected_is_said_exactly_where_the_mark_is_in_the_bar() -> None:
    for hits in range(201):
        for expected in (0.01, 0.1, 0.25, 0.5, 0.9):
            is_inside = expected in wilson(hits, 200)
            assert (found(hits, 200, expected) == "as expected") == is_inside


def test_an_unlucky_draw_is_never_said_to_be_common() -> None:
    for trials in (12, 15, 40, 200):
        for hits in range(trials + 1):
            told = agreement(hits, trials, 0.25, wilson(hits, trials))
            assert told.once_in is None or 20 <= told.once_in <= 10_000


@pytest.mark.parametrize("trials", [12, 15, 40, 200, 400])
@pytest.mark.parametrize("expected", [0.01, 0.1, 0.25, 0.4, 0.5, 0.75])
def test_chance_alone_fails_a_sample_less_than_once_in_10_000(trials: int, expected: float) -> None:
    failing = [
        math.comb(trials, hits) * expected**hits * (1 - expected) ** (trials - hits)
        for hits in range(trials + 1)
        if not agreement(hits, trials, expected, wilson(hits, trials)).holds
    ]
    assert sum(failing) < 1 / 10_000


def test_a_sum_of_weights_that_is_nearly_1_is_1() -> None:
    told = stats.share_of(counted(new=40).with_expected({"2.0": 1 + 1e-15}), "2.0")
    assert (told.expected, told.misses) == (1.0, False)


def kept(versions: Sequence[str], connections: Sequence[int]) -> Sample:
    """Answers over connections that are kept."""
    answers = tuple(
        RequestResult(0.0, 0.001, version, connection=number)
        for version, number in zip(versions, connections, strict=True)
    )
    return Sample("http://127.0.0.1/", answers, datetime.now(UTC), 1.0, keep_alive=1)


def test_over_kept_connections_connections_are_counted() -> None:
    one = kept(["2.0"] * 200, [0] * 200).with_expected({"1.0": 0.75, "2.0": 0.25})
    assert finding(one).sentence == (
        "Too few to judge: version 2.0 answered all 200 requests over 1 connection, expected 25 %"
    )


def test_a_connection_that_carried_more_requests_counts_once() -> None:
    several = kept(["2.0"] * 90 + ["1.0"] * 15, [0] * 90 + list(range(1, 16)))
    told = stats.share_of(several.with_expected({"1.0": 0.9, "2.0": 0.1}), "2.0")
    assert several.choices("version") == {"2.0": 1, "1.0": 15}
    assert told.agreement is not None
    assert told.agreement.once_in == 20


SPLIT = {"1.0": 0.75, "2.0": 0.25}


def counted(**hits: int) -> Sample:
    """So many answers of each version; `none` named no version."""
    names = {"old": "1.0", "new": "2.0", "newer": "3.0", "none": None}
    return Sample.from_versions([names[key] for key in hits for _ in range(hits[key])])


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [
        (counted(), "No request was sent"),
        (counted(old=30, new=10), "Version 2.0 answered 25 % of 40 requests"),
        (counted(new=40), "Version 2.0 answered all 40 requests"),
        (counted(none=3), "3 of 3 requests got an answer without a version"),
        (
            counted(old=30, new=10).with_expected(SPLIT),
            "As expected: version 2.0 answered 25 % of 40 requests, expected 25 %",
        ),
        (
            counted(old=135, new=65).with_expected(SPLIT),
            "An unlucky draw, about once in 57: version 2.0 answered 32 % of 200 requests, "
            "expected 25 %",
        ),
        (
            counted(old=100, new=100).with_expected(SPLIT),
            "Not what the pods suggest: version 2.0 answered 50 % of 200 requests, expected 25 %",
        ),
        (
            counted(old=2, new=1).with_expected(SPLIT),
            "Too few to judge: version 2.0 answered 33 % of 3 requests, expected 25 %",
        ),
        (
            counted(old=40).with_expected({"1.0": 1.0}),
            "As expected: version 1.0 answered all 40 requests, expected 100 %",
        ),
        (
            counted(old=30, new=10, newer=1).with_expected(SPLIT),
            "Not what the pods suggest: version 3.0 answered 2.4 % of 41 requests, though no ready "
            "pod runs it",
        ),
        (
            counted(old=30, new=10, none=1).with_expected(SPLIT),
            "Not what the pods suggest: 1 of 41 requests got an answer without a version",
        ),
    ],
)
def test_a_finding_is_one_sentence(sample: Sample, sentence: str) -> None:
    assert finding(sample).sentence == sentence


def test_a_finding_names_failed_requests() -> None:
    good = counted(old=30, new=10).with_expected(SPLIT)
    broken = replace(good, results=(*good.results, RequestResult(1.0, 0.1, failure="refused")))
    assert finding(broken).sentence.endswith(
        "of 40 answered requests, expected 25 %; 1 request failed"
    )


def test_unanswered_requests_are_the_finding() -> None:
    refused = replace(counted(), results=(RequestResult(1.0, 0.1, failure="refused"),) * 16)
    assert finding(refused.with_expected(SPLIT)) == ("None of 16 requests was answered", None)


def several(*new: int) -> list[Sample]:
    """Samples of 40 requests with so many answers of the new version."""
    return [counted(old=40 - hits, new=hits).with_expected(SPLIT) for hits in new]


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (several(10, 9, 11), "3 of 3 intervals contain the expected 25 %"),
        (several(10, 4, 11), "2 of 3 intervals contain the expected 25 %"),
        (several(14, 0, 16), "1 of 3 intervals contains the expected 25 %"),
        (
            several(*[16] * 9),
            "Not what the pods suggest: 0 of 9 intervals contain the expected 25 %",
        ),
        ([counted(old=30, new=10)], "In 1 sample version 2.0 answered 25 % to 25 %"),
        ([counted()], "No request was answered"),
    ],
)
def test_several_samples_are_judged_together(samples: list[Sample], sentence: str) -> None:
    assert stats.finding_of_samples(samples, "2.0").sentence == sentence


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (
            several(10, 9),
            "As expected at each of 2 ratios: requests are split like the pods",
        ),
        (
            several(10, 4),
            "As expected at 1 of 2 ratios; at 2 : 2 an unlucky draw, about once in 36",
        ),
        (
            several(10, 4, 16),
            "As expected at 1 of 3 ratios; at 2 : 2 and 1 : 3 unlucky draws, the rarest about once "
            "in 36",
        ),
        (
            several(10, 0),
            "Not what the pods suggest at 2 : 2: version 2.0 answered none of 40 requests, "
            "expected 25 %",
        ),
        (
            several(10)[:1],
            "As expected at 3 : 1: version 2.0 answered 25 % of 40 requests, expected 25 %",
        ),
        (
            [counted(old=2).with_expected(SPLIT)] * 2,
            "Too few to judge: 2 choices of a pod at 3 : 1",
        ),
        (
            [several(10)[0], counted(old=40)],
            "Nothing to compare at 2 : 2: the pods changed during the sample",
        ),
    ],
)
def test_a_sweep_names_the_ratio_that_agrees_least(samples: list[Sample], sentence: str) -> None:
    labels = ["3 : 1", "2 : 2", "1 : 3"][: len(samples)]
    assert stats.finding_of_sweep(labels, samples, "2.0").sentence == sentence


def test_the_summary_has_a_row_for_each_version_with_the_finding() -> None:
    told = stats.summary(counted(old=3, new=1).with_expected(SPLIT))
    assert [[str(value) for value in row] for row in told.rows] == [
        ["1.0", "3", "75 %", "30 % to 95 %", "75 %", "too few to judge"],
        ["2.0", "1", "25 %", "4.6 % to 70 %", "25 %", "too few to judge"],
    ]


def test_the_summary_of_nothing_is_empty() -> None:
    assert stats.summary(Sample.from_versions([])).rows == []


def test_importing_it_loads_nothing_heavy() -> None:
    script = (
        "import sys, canarylab.stats; sys.exit(bool({'pandas', 'scipy', 'numpy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_where_a_pod_is_chosen_for_each_request_one_connection_says_as_much_as_many() -> None:
    one = kept(["2.0"] * 25 + ["1.0"] * 75, [0] * 100)
    assert stats.interval(one, 25).width > 0.7
    assert stats.interval(replace(one, balanced_per="request"), 25) == stats.wilson(25, 100)
