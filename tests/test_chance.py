"""Whatever chance brings, pictures, tables, widgets, checkpoints and the tour say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from canarylab import stats
from canarylab.checks import as_expected, check
from canarylab.judge import Judge, Scenario, Verdict, simulate
from canarylab.predictions import Predictions
from canarylab.tour import RATIOS, Tour, holds, verdict
from canarylab.traffic import Sample
from canarylab.widgets.panel import sample_sentence
from tests.seeded_lab import SeededLab

SHARES: list[Mapping[str, float]] = [
    {"1.0": 0.75, "2.0": 0.25},
    {"1.0": 0.6, "2.0": 0.4},
    {"1.0": 0.5, "2.0": 0.5},
    {"1.0": 0.9, "2.0": 0.1},
    {"1.0": 0.99, "2.0": 0.01},
    {"1.0": 0.5, "2.0": 0.25, "3.0": 0.25},
]


REQUESTS = [
    40,
    400,
    400,
    200,
    100,
    1000,
    400,
    1600,
    100,
    200,
    400,
    200,
    15,
    400,
    200,
    100,
    400,
    200,
]
"""Of the sampled cells of a course, as the lessons have them. They are written here, and not read
there, so that a new cell does not draw other luck for all."""
CHECKED = list(zip([400, 400, 400, 1000, 1600], SHARES, strict=False))
"""The samples of a course that a checkpoint judges, each with the share that it has there."""


def samples_of_a_course(lab: SeededLab) -> Iterator[Sample]:
    """One for each of these cells, at one share after another."""
    for number, requests in enumerate(REQUESTS):
        yield lab.draw(SHARES[number % len(SHARES)], requests)


def contradictions(sample: Sample) -> list[str]:
    """What is said about a sample that its picture does not say."""
    shown, checked, table = sample.plot(), as_expected(sample), sample.summary()
    title = shown.title
    words = title.partition(":")[0].casefold()
    compared = repr(Predictions().compare("canary share", sample))
    told = {
        "status line": sample_sentence(sample) == f"{title}.",
        "table": table.sentence == f"{title}.",
        "rows": any(str(row[-1]) == words for row in table.rows),
        "text alternative": f", {words}." in shown.alt,
        "prediction": (words in compared) == (words != "as expected")
        or "3.0" in sample.by_version,  # predictions are about version 2.0
        "checkpoint": checked.reason.casefold().startswith(title.casefold()),
        "verdict": checked.holds == ("suggest" not in words),
        "tour": holds(sample) == checked.holds,
        "bars": (words == "as expected") == (not any(map(is_missed, stats.shares(sample)))),
    }
    return [f"{name} of {title}" for name, agrees in told.items() if not agrees]


def is_missed(share: stats.Share) -> bool:
    return share.misses


@pytest.mark.soak(few=200, many=10_000)
def test_nobody_sees_a_title_and_a_check_that_disagree(times: int) -> None:
    for seed in range(times):
        for sample in samples_of_a_course(SeededLab(seed)):
            assert contradictions(sample) == []


def test_chance_alone_fails_no_checkpoint_in_200_courses() -> None:
    for seed in range(200):
        lab = SeededLab(seed)
        for requests, shares in CHECKED:
            assert as_expected(lab.draw(shares, requests)).holds


@pytest.mark.parametrize(
    ("verdict", "tolerance", "canary_rate", "production_rate"),
    [
        ("roll back", 0.02, 0.06, 0.01),  # candidate A, the mildest one
        ("roll back", 0.01, 0.022, 0.002),  # B, where 2 in 1,000 answers of both are slow anyway
        ("promote", 0.02, 0.0, 0.0),  # C
    ],
)
@pytest.mark.soak(few=200, many=5_000)
def test_chance_alone_changes_no_verdict_that_lesson_09_checks(
    verdict: Verdict, tolerance: float, canary_rate: float, production_rate: float, times: int
) -> None:
    releases = Scenario(canary_rate, production_rate, look_every=200, max_requests=6_000)
    found = simulate(Judge(tolerance=tolerance), releases, releases=times)

    assert found.share_of(verdict) == 1


def test_chance_alone_fails_no_checkpoint_of_lesson_four_in_200_courses() -> None:
    for seed in range(200):
        lab = SeededLab(seed)
        enough = lab.draw(SHARES[1], stats.requests_to_tell_apart(0.25, 0.40))
        so_far = lab.sample(requests=5)
        assert not check(lab, "the canary gets less than half", so_far).holds
        while 0.5 in stats.confidence_sequence(so_far.by_version["2.0"], so_far.answered):
            so_far += lab.sample(requests=20)
        assert check(lab, "the sample tells 40 % from 25 %", enough).holds
        assert check(lab, "the canary gets less than half", so_far).holds


@pytest.mark.soak(few=200, many=10_000)
def test_chance_alone_fails_less_than_one_sample_in_10_000(times: int) -> None:
    lab, failed, total = SeededLab(1), 0, 10 * times
    for number in range(total):
        failed += not holds(lab.draw(SHARES[number % len(SHARES)], 200))
    assert failed <= total / 10_000 + 4 * (total / 10_000) ** 0.5


@pytest.mark.soak(few=200, many=2_000)
def test_a_sweep_says_of_each_ratio_what_its_sample_says(times: int) -> None:
    for seed in range(times):
        sweep = SeededLab(seed).sweep(RATIOS, requests=200)
        unlucky = [
            label
            for label, sample in zip(sweep.labels, sweep.samples, strict=True)
            if sample.plot().title.startswith("An unlucky draw")
        ]
        title = sweep.plot().title
        assert [label for label in sweep.labels if label in title.partition(";")[2]] == unlucky
        assert ("suggest" in title) == (not all(map(holds, sweep.samples)))
        assert repr(sweep).startswith(f"{title}.")


@pytest.mark.soak(few=200, many=2_000)
def test_samples_side_by_side_count_the_bars_that_are_drawn(times: int) -> None:
    for seed in range(times):
        many = SeededLab(seed).sample_many(samples=20, requests=40)
        contain = many.places().count("inside")
        assert many.plot().title.startswith(f"{contain} of 20 intervals contain")
        assert many.to_frame()["expected share is"].eq("inside").sum() == contain


@pytest.mark.soak(few=200, many=5_000)
def test_the_tour_fails_by_bad_luck_at_most_once_in_1000_times(times: int) -> None:
    failed = 0
    for seed in range(times):
        tour = Tour(SeededLab(seed))
        steps = list(tour.steps())
        failed += not all(step.holds for step in steps)
        said = [step.result for step in steps if "expected" in step.result]
        assert said == [sample.plot().title for sample in tour.samples]
        assert ("not what" in verdict(tour.samples)) == (not all(map(holds, tour.samples)))
    assert failed <= times / 1_000
