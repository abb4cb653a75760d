"""Which requests count as failures, and whose they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canarylab.judge import Counts, StepCounts, count, slow_limit
from canarylab.judge.counts import count_so_far
from canarylab.traffic import RequestResult, Sample
from canarylab.traffic.expectations import Expectation
from tests.judge.releases import EXPECTED, answers, release


def test_failures_are_counted_for_the_version_that_answered() -> None:
    sample = release(answers("1.0", 150, failed=2), answers("2.0", 50, failed=8))
    assert count(sample) == StepCounts(0.25, Counts(50, 8), Counts(150, 2))


def test_a_slow_answer_is_a_failure_beyond_the_limit() -> None:
    sample = release(answers("1.0", 30), answers("2.0", 10, latency_s=0.2))
    assert count(sample, slower_than_s=0.1).canary == Counts(10, 10)
    assert count(sample, slower_than_s=0.2).canary == Counts(10, 0)


def test_a_404_is_an_answer_that_the_app_meant() -> None:
    not_found = RequestResult(0.0, 0.004, "2.0", "a", 404, "status 404")
    assert count(release(answers("1.0", 3), [not_found])).canary == Counts(1, 0)


def test_a_lost_request_is_nobodys() -> None:
    lost = [RequestResult(0.0, 0.1, failure="reset")] * 3
    found = count(release(answers("1.0", 3), answers("2.0", 1), lost))
    assert (found.unattributed, found.failures) == (3, 0)


def test_answers_of_a_version_nobody_expected_are_left_out() -> None:
    found = count(release(answers("1.0", 3), answers("3.0", 5, failed=5)))
    assert (found.requests, found.failures) == (3, 0)


def test_the_counts_grow_in_the_order_in_which_requests_were_sent() -> None:
    late = [each._replace(when_s=each.when_s + 100) for each in answers("2.0", 10, failed=10)]
    sample = release(late, answers("1.0", 30))
    assert [each.failures for each in count_so_far(sample, 15)] == [0, 0, 10]


@pytest.mark.parametrize("expected", [None, {}])
def test_without_a_known_share_of_the_traffic_nothing_is_compared(
    expected: dict[str, float] | None,
) -> None:
    with pytest.raises(ValueError, match="share of the traffic is unknown"):
        count(replace(release(answers("1.0", 3)), expected=expected))


@pytest.mark.parametrize("expected", [{"2.0": 1.0}, {"1.0": 1.0, "2.0": 0.0}])
def test_all_or_nothing_of_the_traffic_is_no_comparison(expected: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="there is nothing to compare"):
        count(replace(release(answers("2.0", 3)), expected=expected))


def test_a_share_that_changed_under_way_is_refused() -> None:
    steps = [Expectation(0.0, EXPECTED, {"a": 1.0}), Expectation(1.0, {"1.0": 0.5, "2.0": 0.5}, {})]
    with pytest.raises(ValueError, match="ready pods changed"):
        count(release(answers("1.0", 3), answers("2.0", 3)).with_expectations(steps))


def test_a_sample_without_a_request_has_no_counts() -> None:
    assert count(release()) == StepCounts(0.25, Counts(0, 0), Counts(0, 0))


def test_the_limit_of_slowness_is_a_percentile_of_production() -> None:
    times = [RequestResult(0.0, n / 1000, "1.0") for n in range(1, 101)]
    assert slow_limit(release(times)) == 0.095
    assert slow_limit(release(times), 0.99) == 0.099


def test_a_sample_without_an_answer_has_no_limit() -> None:
    with pytest.raises(ValueError, match="Take a sample of production first"):
        slow_limit(Sample.from_versions([]))


def test_with_a_baseline_only_its_pods_and_the_canary_are_compared() -> None:
    old = answers("1.0", 30)
    new = [each._replace(pod="nodeapp-baseline-5c8-x") for each in answers("1.0", 10, failed=1)]
    pods = {"pod-1.0": 0.6, "nodeapp-baseline-5c8-x": 0.2, "pod-2.0": 0.2}
    sample = release(old, new, answers("2.0", 10, failed=2))
    sample = sample.with_expected({"1.0": 0.8, "2.0": 0.2}, pods)
    assert count(sample, baseline="nodeapp-baseline") == (
        StepCounts(0.5, Counts(10, 2), Counts(10, 1))
    )


def test_a_baseline_without_a_pod_is_named() -> None:
    with pytest.raises(ValueError, match="No pod of nodeapp-baseline gets traffic"):
        count(release(answers("1.0", 3)), baseline="nodeapp-baseline")


@pytest.mark.parametrize("share", [2, -1, 0, float("nan")])
def test_a_percentile_is_between_none_and_all(share: float) -> None:
    with pytest.raises(ValueError, match="share cannot be"):
        slow_limit(release(answers("1.0", 3)), share)
