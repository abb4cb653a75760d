from __future__ import annotations

from dataclasses import replace

import pytest

from canarylab.tour import sample_step
from canarylab.traffic import RequestResult, Sample

SPLIT = {"1.0": 0.75, "2.0": 0.25}


def sample(*, old: int, new: int) -> Sample:
    return replace(Sample.from_versions(["1.0"] * old + ["2.0"] * new), expected=SPLIT)


@pytest.mark.parametrize(("old", "new"), [(300, 100), (320, 80), (275, 125)])
def test_a_share_that_its_pods_could_give_holds(old: int, new: int) -> None:
    assert sample_step(sample(old=old, new=new)).holds


@pytest.mark.parametrize(("old", "new"), [(200, 200), (400, 0), (0, 400), (350, 50)])
def test_a_share_that_its_pods_could_hardly_give_does_not(old: int, new: int) -> None:
    step = sample_step(sample(old=old, new=new))
    assert not step.holds
    assert "OUTSIDE" in step.result


def test_a_failed_request_never_holds() -> None:
    good = sample(old=75, new=25)
    broken = replace(good, results=(*good.results, RequestResult(1.0, 0.1, failure="refused")))
    assert sample_step(broken) == ("Send 101 requests", "1 of 101 failed", False)


def test_a_sample_without_expected_shares_does_not_hold() -> None:
    assert not sample_step(replace(sample(old=3, new=1), expected=None)).holds


def test_responses_without_a_version_are_shown_even_when_the_canary_fits() -> None:
    strange = Sample.from_versions(["1.0"] * 275 + ["2.0"] * 100 + [None] * 25)
    step = sample_step(replace(strange, expected=SPLIT))
    assert not step.holds
    assert "25 by other, 6 %" in step.result
