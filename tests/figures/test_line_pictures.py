"""Pictures over requests, over latency and of sample sizes say what they show."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from canarylab.figures import (
    Picture,
    plot_class_results,
    plot_convergence,
    plot_histogram,
    plot_latency,
    plot_over_time,
    plot_sample_sizes,
)
from canarylab.figures.line_chart import Line, key_rows
from canarylab.stats import ClassResults
from canarylab.stats.class_results import LearnersSample, results_of
from canarylab.traffic import Sample, Samples
from canarylab.traffic.expectations import Expectation
from canarylab.traffic.sample import RequestResult
from tests.figures.samples import sample


def fourth(number: int) -> Sample:
    """A sample in which each fourth answer is of version 2.0."""
    answers = Sample.from_versions(["1.0", "1.0", "1.0", "2.0"] * (number // 4))
    return answers.with_expected({"1.0": 0.75, "2.0": 0.25})


def key(picture: Picture) -> list[str]:
    """The words of the key, which come after the titles of the axes."""
    return [text.get_text() for text in picture.figure.axes[0].texts][2:]


def test_convergence_compares_fifteen_requests_with_all() -> None:
    assert plot_convergence(fourth(1000)).title == (
        "After 15 requests the interval was 7 % to 45 %, after 1,000 it is 22 % to 28 %"
    )


def test_convergence_describes_the_share_at_several_numbers() -> None:
    alt = plot_convergence(fourth(1000)).alt
    assert "After 15: 3 of 15, 20 %, interval 7 % to 45 %." in alt
    assert "After 1,000: 250 of 1,000, 25 %, interval 22 % to 28 %." in alt


def test_convergence_has_a_band_a_line_and_what_is_expected() -> None:
    assert key(plot_convergence(fourth(40))) == [
        "95 % interval",
        "share of version 2.0",
        "expected 25 %",
    ]


def test_without_an_expected_share_no_line_is_drawn_for_it() -> None:
    without = replace(fourth(40), expected=None)
    assert key(plot_convergence(without)) == ["95 % interval", "share of version 2.0"]


def test_kept_connections_are_what_is_counted() -> None:
    kept = sample({("1.0", "a"): 30, ("2.0", "b"): 10}, keep_alive=8)
    assert (
        "the horizontal axis is the connections so far, marked from 0 to 8"
        in plot_convergence(kept).alt
    )


def test_two_hundred_thousand_requests_are_drawn_as_a_few_hundred_points() -> None:
    lines = plot_convergence(fourth(200_000)).figure.axes[0].lines
    assert max(len(line.get_xydata()) for line in lines) < 1000  # type: ignore[arg-type]


def slow_in_fifty() -> Sample:
    """A thousand answers of each version; one of fifty of version 2.0 takes 200 ms."""
    both = sample({("1.0", "a"): 1000, ("2.0", "b"): 1000})
    results = [
        each._replace(latency_s=0.2 if each.version == "2.0" and place % 50 == 0 else 0.004)
        for place, each in enumerate(both.results)
    ]
    return replace(both, results=tuple(results))


def test_latency_shows_the_slow_answers_of_one_version() -> None:
    picture = plot_latency(slow_in_fifty())
    assert picture.title == (
        "99 % of the answers: version 1.0 within 4 ms, version 2.0 within 200 ms"
    )
    assert "Version 2.0, 1,000 answers: half within 4 ms, 95 % within 4 ms" in picture.alt


def test_versions_are_told_apart_without_colour() -> None:
    lines = plot_latency(slow_in_fifty()).figure.axes[0].lines[:2]
    assert len({line.get_linestyle() for line in lines}) == 2


def test_failed_requests_have_no_latency() -> None:
    failed = sample({("1.0", "a"): 10}, failed={"timeout": 5})
    assert "Version 1.0, 10 answers" in plot_latency(failed).alt


@pytest.mark.parametrize(("share", "needed"), [(0.25, "289 requests"), (0.5, "385 requests")])
def test_a_sample_size_is_in_title_and_description(share: float, needed: str) -> None:
    picture = plot_sample_sizes(share)
    assert picture.title.endswith(f"a sample needs {needed}")
    assert f"Within 5 points: {needed}." in picture.alt


def test_a_long_key_has_several_rows() -> None:
    assert key_rows(["a rather long label"] * 4, 4.0) == [["a rather long label"]] * 4


def promotion(*, lost: int = 0) -> Sample:
    """Ten seconds at a hundred requests a second; after four of them version 2.0 has all pods."""
    results = [
        RequestResult(n / 100, 0.004, "1.0" if n < 400 and n % 4 else "2.0", "a", 200, None, n)
        for n in range(1000)
    ]
    for n in range(400, 400 + lost):
        results[n] = RequestResult(n / 100, 0.004, failure="reset", connection=n)
    steps = [
        Expectation(0.0, {"1.0": 0.75, "2.0": 0.25}, {}),
        Expectation(4.0, {"2.0": 1.0}, {}),
    ]
    whole = Sample("http://127.0.0.1/", tuple(results), datetime(2026, 11, 28, tzinfo=UTC), 10.0)
    return whole.with_expectations(steps)


def test_a_promotion_is_told_from_its_first_to_its_last_share() -> None:
    assert plot_over_time(promotion()).title == (
        "The expected share of version 2.0 went from 25 % to 100 %; of 1,000 requests none was lost"
    )


def test_lost_requests_are_counted_and_marked() -> None:
    picture = plot_over_time(promotion(lost=7))
    assert picture.title.endswith("of 1,000 requests 7 were lost")
    assert "lost requests" in key(picture)


def test_without_a_lost_request_the_key_has_no_mark_for_it() -> None:
    assert "lost requests" not in key(plot_over_time(promotion()))


def test_the_share_of_each_part_of_the_time_is_described() -> None:
    alt = plot_over_time(promotion()).alt
    assert "At 0.25 s: 13 of 50, 26 %." in alt
    assert "At 9.75 s: 50 of 50, 100 %." in alt


def test_a_step_has_a_corner_before_each_new_value() -> None:
    line = Line([(0.0, 0.25), (4.0, 1.0), (10.0, 1.0)], "expected", is_stepped=True)
    assert line.values() == [(0.0, 0.25), (4.0, 0.25), (4.0, 1.0), (10.0, 1.0), (10.0, 1.0)]


def test_looks_are_counted_at_which_the_expected_share_is_outside() -> None:
    far = Sample.from_versions(["2.0"] * 8).with_expected({"1.0": 0.75, "2.0": 0.25})
    picture = plot_convergence(far, with_sequence=True)
    assert picture.title == (
        "The expected 25 % was outside the interval at 7 of 8 looks, and outside the confidence "
        "sequence at 5"
    )
    assert "After 5: 5 of 5, 100 %, interval 57 % to 100 %, sequence 38 % to 100 %." in picture.alt
    assert "confidence sequence" in key(picture)


def drawn_samples(shares: list[int], *, of: int = 15) -> Samples:
    """A sample of so many requests for each number of answers of version 2.0."""
    quarter = {"1.0": 0.75, "2.0": 0.25}
    versions = [["2.0"] * hits + ["1.0"] * (of - hits) for hits in shares]
    return Samples(tuple(Sample.from_versions(each).with_expected(quarter) for each in versions))


def test_a_histogram_counts_the_samples_with_each_share() -> None:
    picture = plot_histogram(drawn_samples([3, 4, 4, 7]))
    assert picture.title == (
        "In 4 samples of 15 requests version 2.0 answered 20 % to 47 %, expected 25 %"
    )
    assert "27 % to 33 %: 2 samples, 1.6 suggested." in picture.alt
    assert "1 to 7 of 15 requests" in picture.alt


def test_the_bars_of_a_histogram_hold_every_sample() -> None:
    alt = plot_histogram(drawn_samples([100, 250, 251, 400], of=1000)).alt
    assert sum(int(number) for number in re.findall(r": (\d+) samples?,", alt)) == 4


def test_what_the_binomial_distribution_suggests_are_all_samples() -> None:
    alt = plot_histogram(drawn_samples([4] * 100)).alt
    suggested = sum(float(number) for number in re.findall(r"([\d.]+) suggested", alt))
    assert suggested == pytest.approx(100, abs=0.6)


def test_samples_of_several_sizes_have_one_histogram() -> None:
    mixed = Samples((*drawn_samples([4]).samples, *drawn_samples([4], of=14).samples))
    picture = plot_histogram(mixed)
    assert picture.title.startswith("In 2 samples of 14 to 15 requests version 2.0 answered 27 %")
    assert "95 of 100" not in picture.alt


def results(shares: list[int]) -> ClassResults:
    """What a class found with fifteen requests each."""
    samples = drawn_samples(shares).samples
    return results_of(LearnersSample(f"learner {n}", each) for n, each in enumerate(samples))


def test_a_class_is_shown_with_what_all_found_together() -> None:
    picture = plot_class_results(results([3, 4, 4, 7]))
    assert picture.title == "4 learners found 20 % to 47 %; together 30 %, interval 20 % to 43 %"
    assert "27 % to 33 %: 2 learners, 1.6 suggested." in picture.alt


def test_the_spread_of_a_class_is_told_below_its_picture() -> None:
    assert "The shares differ as chance makes them differ" in results([3, 4, 4, 7]).plot().alt
