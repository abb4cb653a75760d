"""What judges decide, with which reasons, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarylab.judge import Counts, Decision, Judge, StepCounts, ThresholdJudge
from canarylab.stats.sequential import evidence
from canarylab.traffic import RequestResult
from tests.judge.releases import answers, release

WORSE = StepCounts(0.25, canary=Counts(40, 8), production=Counts(120, 2))
FINE = StepCounts(0.25, canary=Counts(1500, 0), production=Counts(4500, 0))
FEW = StepCounts(0.25, canary=Counts(5, 0), production=Counts(15, 0))


@pytest.mark.parametrize(
    ("step", "verdict"),
    [(WORSE, "roll back"), (FINE, "promote"), (FEW, "not enough to tell")],
)
def test_a_judge_has_three_verdicts(step: StepCounts, verdict: str) -> None:
    assert Judge().decide(step).verdict == verdict


def test_a_canary_that_fails_less_often_is_never_rolled_back() -> None:
    better = StepCounts(0.5, canary=Counts(500, 0), production=Counts(500, 100))
    assert evidence(0, 100, 0.5) > 20
    assert Judge().decide(better).verdict == "promote"


def test_the_reasons_have_the_numbers_they_rest_on() -> None:
    said = repr(Judge().decide(WORSE))
    assert said.startswith("Roll back: the canary has 8 of 10 failures and 25 % of the traffic.\n")
    assert "The evidence that it fails more often is 235, and 20 is enough" in said


def test_a_promotion_says_how_much_worse_the_canary_may_be() -> None:
    said = Judge().decide(FINE).sentence
    assert said == (
        "Promote: the canary may fail 0.7 points more often than production, "
        "and 2 points are tolerated."
    )


def test_two_numbers_that_round_alike_are_told_apart() -> None:
    step = StepCounts(0.25, canary=Counts(1925, 25), production=Counts(6075, 72))
    decision = Judge().decide(step)
    assert decision.verdict == "not enough to tell"
    assert "may fail 2.01 points more often" in decision.sentence


def test_the_evidence_of_several_steps_is_multiplied() -> None:
    first = StepCounts(0.1, canary=Counts(20, 3), production=Counts(180, 3))
    second = StepCounts(0.5, canary=Counts(60, 9), production=Counts(60, 1))
    alone = [evidence(each.canary.failures, each.failures, each.share) for each in (first, second)]
    (look,) = Judge().decide([first, second]).looks
    assert math.exp(look.evidence) == pytest.approx(alone[0] * alone[1])


def test_lost_requests_count_against_a_promotion_and_for_no_roll_back() -> None:
    lost = FINE._replace(unattributed=400)
    decision = Judge().decide(lost)
    assert decision.verdict == "not enough to tell"
    assert any("400 requests were lost before a pod answered" in each for each in decision.reasons)


@pytest.mark.parametrize("judge", [Judge(), ThresholdJudge()])
def test_a_release_without_traffic_cannot_be_judged(judge: Judge | ThresholdJudge) -> None:
    nothing = StepCounts(0.25, Counts(0, 0), Counts(0, 0))
    assert judge.decide(nothing).verdict == "not enough to tell"


def test_a_canary_that_gets_no_request_is_named() -> None:
    nobody = StepCounts(0.25, Counts(0, 0), Counts(500, 0))
    assert Judge().decide(nobody).sentence == ("Not enough to tell: no request reached the canary.")


def test_if_every_request_fails_the_canary_is_not_to_blame() -> None:
    all_failed = StepCounts(0.25, Counts(50, 50), Counts(150, 150))
    assert Judge().decide(all_failed).verdict == "not enough to tell"


def test_a_sample_is_judged_with_its_evidence_as_it_grew() -> None:
    decision = Judge().decide(
        release(answers("1.0", 300, failed=3), answers("2.0", 100, failed=15))
    )
    assert decision.verdict == "roll back"
    assert decision.looks[-1].requests == 400
    assert len(decision.looks) == 200


def test_slow_answers_are_failures_if_a_limit_is_set() -> None:
    slow = release(answers("1.0", 300), answers("2.0", 100, latency_s=0.3))
    assert Judge().decide(slow).verdict == "not enough to tell"
    assert Judge(slower_than_s=0.1).decide(slow).verdict == "roll back"
    assert ThresholdJudge(slower_than_s=0.1).decide(slow).verdict == "roll back"


@pytest.mark.parametrize(
    ("step", "verdict"),
    [
        (StepCounts(0.25, Counts(19, 19), Counts(60, 0)), "not enough to tell"),
        (StepCounts(0.25, Counts(20, 1), Counts(60, 0)), "roll back"),
        (StepCounts(0.25, Counts(125, 2), Counts(375, 0)), "promote"),
        (StepCounts(0.25, Counts(0, 0), Counts(500, 0)), "not enough to tell"),
    ],
)
def test_a_threshold_is_all_that_the_other_judge_looks_at(step: StepCounts, verdict: str) -> None:
    assert ThresholdJudge().decide(step).verdict == verdict


def test_the_threshold_judge_says_its_limit() -> None:
    assert ThresholdJudge().decide(WORSE).sentence == (
        "Roll back: the canary fails in 20 % of 40 requests, and the limit is 2 %."
    )


@pytest.mark.parametrize("value", [0, 1, -0.1, math.nan])
@pytest.mark.parametrize("name", ["tolerance", "alpha"])
def test_tolerance_and_alpha_are_between_0_and_1(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} cannot be"):
        Judge(**{name: value})


@pytest.mark.parametrize("wrong", ["text", None, [], math.nan, True])
@pytest.mark.parametrize(
    ("judge", "name"),
    [
        (Judge, "tolerance"),
        (Judge, "alpha"),
        (ThresholdJudge, "max_failure_rate"),
        (ThresholdJudge, "min_requests"),
        (ThresholdJudge, "promote_after"),
    ],
)
def test_a_judge_of_odd_values_is_refused(judge: Any, name: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match="Give"):
        judge(**{name: wrong})


@pytest.mark.parametrize("limit", [0, -1, math.nan, "limit", True])
def test_a_limit_that_no_answer_can_keep_is_refused(limit: Any) -> None:
    with pytest.raises(ValueError, match="slower_than_s cannot be"):
        Judge(slower_than_s=limit)


@pytest.mark.parametrize(
    "settings", [{"max_failure_rate": 1}, {"max_failure_rate": -0.1}, {"min_requests": 0},
                 {"promote_after": 5}],
)  # fmt: skip
def test_a_threshold_judge_refuses_settings_that_decide_nothing(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"Give"):
        ThresholdJudge(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "step",
    [
        StepCounts(0.25, Counts(5, 6), Counts(5, 0)),
        StepCounts(0.25, Counts(5, -1), Counts(5, 0)),
        StepCounts(1.0, Counts(5, 0), Counts(0, 0)),
        StepCounts(0.0, Counts(0, 0), Counts(5, 0)),
    ],
)
@pytest.mark.parametrize("judge", [Judge(), ThresholdJudge()])
def test_counts_that_cannot_be_are_refused(judge: Judge | ThresholdJudge, step: StepCounts) -> None:
    with pytest.raises(ValueError, match=r"cannot be|nothing to compare"):
        judge.decide(step)


def test_all_requests_failed_without_an_answer() -> None:
    lost = [RequestResult(0.0, 0.1, failure="refused")] * 50
    decision: Decision = Judge().decide(release(lost))
    assert decision.verdict == "not enough to tell"
    assert "No request reached the canary." in decision.reasons


@given(st.integers(0, 60), st.integers(0, 3000), st.integers(0, 60), st.integers(0, 9000))
def test_the_quick_verdict_is_the_one_of_the_difference(
    bad: int, good: int, bad_production: int, good_production: int
) -> None:
    canary, production = (
        Counts(bad + good, bad),
        Counts(bad_production + good_production, bad_production),
    )
    decision = Judge().decide(StepCounts(0.25, canary, production))
    is_tolerable = decision.looks[-1].difference < 0.02
    assert decision.verdict != "roll back" or bad > 0.25 * (bad + bad_production)
    assert decision.verdict == "roll back" or (decision.verdict == "promote") == is_tolerable


def test_a_sample_is_compared_with_a_baseline() -> None:
    old = answers("1.0", 300, failed=100)
    new = [each._replace(pod="nodeapp-baseline-5c8-x") for each in answers("1.0", 100)]
    pods = {"pod-1.0": 0.6, "nodeapp-baseline-5c8-x": 0.2, "pod-2.0": 0.2}
    sample = release(old, new, answers("2.0", 100, failed=20))
    sample = sample.with_expected({"1.0": 0.8, "2.0": 0.2}, pods)
    assert Judge().decide(sample).verdict == "not enough to tell"
    assert Judge().decide(sample, baseline="nodeapp-baseline").verdict == "roll back"
