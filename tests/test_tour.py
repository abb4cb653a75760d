from __future__ import annotations

from dataclasses import replace

import pytest

from canarylab.tour import judged
from canarylab.traffic import RequestResult, Sample

SPLIT = {"1.0": 0.75, "2.0": 0.25}


def sample(*, old: int, new: int) -> Sample:
    return replace(Sample.typed(["1.0"] * old + ["2.0"] * new), expected=SPLIT)


@pytest.mark.parametrize(("old", "new"), [(300, 100), (320, 80), (275, 125)])
def test_a_share_that_its_pods_could_give_holds(old: int, new: int) -> None:
    assert judged(sample(old=old, new=new)).holds


@pytest.mark.parametrize(("old", "new"), [(200, 200), (400, 0), (0, 400), (350, 50)])
def test_a_share_that_they_hardly_could_does_not(old: int, new: int) -> None:
    row = judged(sample(old=old, new=new))
    assert not row.holds
    assert "OUTSIDE" in row.saw


def test_a_failed_request_is_never_fine() -> None:
    good = sample(old=75, new=25)
    broken = replace(good, results=(*good.results, RequestResult(1.0, 0.1, failure="refused")))
    assert judged(broken) == ("Send 101 requests", "1 of 101 failed", False)


def test_pods_that_changed_meanwhile_leave_nothing_to_judge() -> None:
    assert not judged(replace(sample(old=3, new=1), expected=None)).holds


def test_answers_of_an_unknown_version_are_told_even_when_the_canary_fits() -> None:
    strange = Sample.typed(["1.0"] * 275 + ["2.0"] * 100 + [None] * 25)
    row = judged(replace(strange, expected=SPLIT))
    assert not row.holds
    assert "25 by other, 6 %" in row.saw
