"""A tour fails for what chance does not explain, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canarylab.tour import holds, verdict
from canarylab.traffic import RequestResult, Sample

SPLIT = {"1.0": 0.75, "2.0": 0.25}


def sample(*, old: int, new: int) -> Sample:
    return Sample.from_versions(["1.0"] * old + ["2.0"] * new).with_expected(SPLIT)


def with_a_failure(good: Sample) -> Sample:
    return replace(good, results=(*good.results, RequestResult(1.0, 0.1, failure="refused")))


@pytest.mark.parametrize(("old", "new"), [(300, 100), (275, 125), (2, 1)])
def test_a_share_that_chance_explains_holds(old: int, new: int) -> None:
    assert holds(sample(old=old, new=new))


@pytest.mark.parametrize(("old", "new"), [(200, 200), (400, 0), (0, 400)])
def test_a_share_that_chance_does_not_explain_fails(old: int, new: int) -> None:
    assert not holds(sample(old=old, new=new))


def test_a_failed_request_fails_the_sample() -> None:
    assert not holds(with_a_failure(sample(old=75, new=25)))


def test_a_sample_without_expected_shares_fails() -> None:
    assert not holds(replace(sample(old=3, new=1), expected=None))


def test_answers_without_a_version_fail_even_when_the_canary_fits() -> None:
    strange = Sample.from_versions(["1.0"] * 275 + ["2.0"] * 100 + [None] * 25)
    assert not holds(strange.with_expected(SPLIT))


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        ([sample(old=300, new=100)] * 3, "3 of 3 samples are as expected."),
        (
            [sample(old=300, new=100), sample(old=275, new=125)],
            "1 of 2 samples is as expected, 1 is an unlucky draw.",
        ),
        (
            [sample(old=300, new=100), with_a_failure(sample(old=3, new=1))],
            "1 of 2 samples is as expected, 1 is with failed requests (refused 1).",
        ),
        (
            [sample(old=200, new=200), with_a_failure(sample(old=3, new=1))],
            "1 of 2 samples is not what the pods suggest, 1 is with failed requests (refused 1).",
        ),
        (
            [sample(old=300, new=100), replace(sample(old=3, new=1), expected=None)],
            "1 of 2 samples is as expected, 1 is without anything to compare with.",
        ),
    ],
)
def test_the_last_line_counts_the_samples(samples: list[Sample], sentence: str) -> None:
    assert verdict(samples) == sentence
