"""Several samples together: what is refused, what an interruption leaves, what the tables have."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from canarylab.traffic import RequestResult, Sample, SampleInterrupted, Samples, Sweep
from canarylab.traffic.expectations import Expectation
from canarylab.traffic.sample_series import check_ratios, measure_each, numbers_of_samples

EVEN = {"1.0": 0.5, "2.0": 0.5}
ONE = Sample.from_versions(["1.0", "2.0"] * 20).with_expected(EVEN)


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ([], "0 ratios cannot be measured"),
        ([(1, 1)] * 51, "51 ratios cannot be measured"),
        ([(3, 1), (0, 0)], "At the ratio 0 : 0 no pod is left to answer"),
        ([(3, -1)], r"-1 in the ratio \(3, -1\) is not a number of pods"),
        ([(3, 1.5)], "1.5 in the ratio"),
        ([(3, True)], "True in the ratio"),
        ([(3, "1")], "'1' in the ratio"),
        ([(99, 1)], "The ratio 99 : 1 needs 100 pods"),
        ([(3, 1, 2)], r"\(3, 1, 2\) is not a ratio"),
        ([3, 1], "3 is not a ratio"),
    ],
)
def test_what_is_no_list_of_ratios_is_refused(ratios: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        check_ratios(ratios)


def test_one_of_the_two_may_have_no_pod() -> None:
    assert check_ratios([[3, 0], (0, 3)]) == ((3, 0), (0, 3))


@pytest.mark.parametrize("samples", [0, -1, 101, 2.5, True, "20"])
def test_what_is_no_number_of_samples_is_refused(samples: Any) -> None:
    with pytest.raises(ValueError, match="Give a whole number from 1 to 100"):
        numbers_of_samples(samples)


def interrupted_at(stop: int) -> Any:
    def measure(number: int) -> Sample:
        if number == stop:
            raise KeyboardInterrupt
        return ONE

    return measure


def test_an_interruption_keeps_what_was_measured() -> None:
    said = "Interrupted after 2 of 4 samples."
    assert measure_each([1, 2, 3, 4], interrupted_at(3), "sample") == ([ONE, ONE], said)


def test_an_interrupted_first_sample_is_kept_with_its_own_words() -> None:
    said = "Interrupted after 2 of 40 requests."
    part = replace(ONE, notes=(said,))

    def measure(_: int) -> Sample:
        raise SampleInterrupted(part)

    assert measure_each([1, 2], measure, "sample") == ([part], said)


def test_an_interruption_before_the_first_sample_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        measure_each([1, 2], interrupted_at(1), "sample")


def test_the_table_of_a_sweep_has_numbers_to_compute_with() -> None:
    frame = Sweep((ONE, ONE), ((2, 2), (1, 1))).to_frame()
    assert list(frame.columns) == [
        "production", "canary", "answers", "hits", "share", "low", "high", "expected", "finding",
    ]  # fmt: skip
    assert frame["share"].to_list() == frame["expected"].to_list() == [0.5, 0.5]


def test_the_table_of_samples_has_a_row_for_each() -> None:
    assert Samples((ONE,) * 3).to_frame()["sample"].to_list() == [1, 2, 3]


@pytest.mark.parametrize(
    "shown", [Samples((ONE,), "Interrupted."), Sweep((ONE,), ((1, 1),), "Interrupted.")]
)
def test_a_cell_shows_finding_rows_and_notes(shown: Samples | Sweep) -> None:
    html = shown._repr_html_()
    assert shown.finding.sentence in html
    assert all(words in html for words in ("20 of 40", "35 % to 65 %", "Interrupted."))
    assert repr(shown).startswith(f"{shown.finding.sentence}.")


def test_samples_without_an_expected_share_are_shown_too() -> None:
    alone = Sample.from_versions(["2.0"] * 12)
    assert json.loads(Samples((alone,)).to_frame().to_json())["expected"] == {"0": None}


def test_a_sample_is_cut_in_the_order_in_which_requests_were_sent() -> None:
    whole = Sample.from_versions(["1.0", "1.0", "2.0", "2.0", "1.0"])
    backwards = replace(whole, results=whole.results[::-1])
    pieces = Samples.cut(backwards, 2).samples
    assert [piece.by_version for piece in pieces] == [{"1.0": 2}, {"2.0": 2}]


def test_the_pieces_of_a_sample_expect_what_it_expects() -> None:
    pieces = Samples.cut(ONE, 15)
    assert [each.expected for each in pieces.shares()] == [0.5, 0.5]


def test_failed_requests_stay_in_their_piece() -> None:
    failed = RequestResult(9.5, 0.0, failure="reset")
    pieces = Samples.cut(replace(ONE, results=(*ONE.results, failed)), 10).samples
    assert [piece.failed for piece in pieces] == [0, 1, 0, 0]


@pytest.mark.parametrize("requests", [0, 41, -1, 1.5, "15"])
def test_pieces_that_cannot_be_cut_are_refused(requests: Any) -> None:
    with pytest.raises(ValueError, match=r"^40 requests cannot be cut into samples of"):
        Samples.cut(ONE, requests)


def test_a_sample_during_which_the_pods_changed_is_not_cut() -> None:
    steps = [Expectation(0.0, EVEN, {}), Expectation(20.0, {"2.0": 1.0}, {})]
    with pytest.raises(ValueError, match=r"^The pods changed during this sample"):
        Samples.cut(ONE.with_expectations(steps), 15)
