"""Shares that change while requests are sent."""

from __future__ import annotations

import pytest

from canarylab.traffic import Observation
from canarylab.traffic.expectations import (
    Expectation,
    LeavingPod,
    as_applied,
    expectations_of,
    leaving_at,
    leaving_pods,
    mean_shares,
)

THREE = {"a": "1.0", "b": "1.0", "c": "1.0"}
WITH_CANARY = {**THREE, "d": "2.0"}


def test_pods_that_stay_are_one_step() -> None:
    seen = [Observation(at, WITH_CANARY) for at in (9.0, 10.5, 11.0)]
    assert expectations_of(seen, start=10.0) == (
        Expectation(0.0, {"1.0": 0.75, "2.0": 0.25}, dict.fromkeys("abcd", 0.25)),
    )


def test_what_changed_before_the_start_is_not_a_step() -> None:
    seen = [Observation(8.0, THREE), Observation(9.0, WITH_CANARY)]
    assert len(expectations_of(seen, start=10.0)) == 1


def test_pods_that_are_replaced_by_others_of_their_version_are_a_step() -> None:
    seen = [Observation(9.0, {"a": "1.0"}), Observation(11.0, {"b": "1.0"})]
    assert [each.versions for each in expectations_of(seen, start=10.0)] == [{"1.0": 1.0}] * 2


def test_without_a_ready_pod_nothing_is_expected() -> None:
    assert expectations_of([Observation(9.0, {})], start=10.0) == (Expectation(0.0, {}, {}),)


def test_nobody_who_watched_means_no_step() -> None:
    assert expectations_of([], start=10.0) == ()


STEPS = (
    Expectation(0.0, {"1.0": 1.0}, {"a": 1.0}),
    Expectation(2.0, {}, {}),
    Expectation(3.0, {"1.0": 0.5, "2.0": 0.5}, {"a": 0.5, "b": 0.5}),
)


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([0.5, 1.5], {"1.0": 1.0, "2.0": 0.0}),
        ([3.5, 4.5], {"1.0": 0.5, "2.0": 0.5}),
        ([1.0, 4.0], {"1.0": 0.75, "2.0": 0.25}),
        ([1.0, 3.5, 4.0, 4.5], {"1.0": 0.625, "2.0": 0.375}),
        ([1.0, 2.5, 4.0], {"1.0": 0.75, "2.0": 0.25}),
        ([3.0], {"1.0": 0.5, "2.0": 0.5}),
        ([], {"1.0": 1.0, "2.0": 0.0}),
    ],
)
def test_each_request_counts_with_the_pods_of_its_time(
    moments: list[float], expected: dict[str, float]
) -> None:
    assert mean_shares(STEPS, moments)[0] == pytest.approx(expected)


def test_the_mean_shares_are_1_together() -> None:
    assert sum(mean_shares(STEPS, [0.1, 2.5, 3.1, 3.2])[1].values()) == pytest.approx(1.0)


def test_a_pod_leaves_when_it_is_ready_no_more() -> None:
    seen = [Observation(10.0, WITH_CANARY), Observation(12.0, THREE), Observation(13.0, THREE)]
    assert leaving_pods(seen, start=10.0) == (LeavingPod(2.0, "d"),)


def test_a_pod_that_comes_back_can_leave_again() -> None:
    seen = [Observation(float(at), {"a": "1.0"} if at % 2 else {}) for at in range(4)]
    assert leaving_pods(seen, start=0.0) == (LeavingPod(2.0, "a"),)


@pytest.mark.parametrize(
    ("when_s", "is_named"), [(6.9, False), (8.0, True), (10.2, True), (11, False)]
)
def test_only_a_pod_that_left_recently_is_named(when_s: float, *, is_named: bool) -> None:
    found = leaving_at([LeavingPod(when_s, "a")], 10.0, 10.1, recent_s=3.0, lag_s=0.3)
    assert bool(found) == is_named


A, B = {"a": "1.0"}, {"b": "2.0"}


@pytest.mark.parametrize(
    ("before", "after", "answers", "changed"),
    [
        (A, A | B, [("a", 2.5), ("b", 2.9), ("a", 3.1)], [(2.9, "ab")]),
        (A | B, A, [("b", 1.0), ("b", 2.4), ("a", 2.5), ("b", 2.7)], [(2.7, "a")]),
        (A, B, [("a", 1.9), ("a", 2.5), ("b", 2.6), ("b", 3.0)], [(2.5, ""), (2.6, "b")]),
        (A, A | B, [("b", 1.8)], [(1.8, "ab")]),  # it is seen a little after it happened
        (A, A | B, [("a", 2.5), ("b", 5.0)], [(2.0, "ab")]),  # too late for the network
        (A, A | B, [(None, 2.5)], [(2.0, "ab")]),
        (A, A | B, [], [(2.0, "ab")]),
        (A, A, [("a", 2.5)], []),
    ],
)
def test_the_answers_show_when_the_network_had_applied_a_change(
    before: dict[str, str],
    after: dict[str, str],
    answers: list[tuple[str | None, float]],
    changed: list[tuple[float, str]],
) -> None:
    found = as_applied([Observation(0.0, before), Observation(2.0, after)], answers)
    assert found[0] == Observation(0.0, before)
    assert [(each.at, "".join(sorted(each.ready))) for each in found[1:]] == changed


def test_pods_that_came_together_may_get_traffic_one_after_the_other() -> None:
    seen = [Observation(0.0, A), Observation(2.0, {**A, "c": "2.0", "d": "2.0"})]
    found = as_applied(seen, [("c", 2.1), ("d", 3.2)])
    assert [(each.at, set(each.ready)) for each in found[1:]] == [
        (2.1, {"a", "c"}),
        (3.2, {"a", "c", "d"}),
    ]


def test_changes_at_one_moment_are_one_step() -> None:
    seen = as_applied([Observation(0.0, A), Observation(2.0, {**B, "c": "2.0"})], [])
    assert [each.when_s for each in expectations_of(seen, start=0.0)] == [0.0, 2.0]


def test_nobody_who_watched_saw_no_change() -> None:
    assert as_applied([], [("a", 1.0)]) == []
