from __future__ import annotations

from collections.abc import Iterable

import pytest

from canarylab.errors import TimedOutError, TrafficError
from canarylab.release.settle import ANSWERS_PER_POD, UNNAMED, wait_until_settled


def in_turn(*answers: Iterable[str] | Exception) -> tuple[list[int], object]:
    """Who answers at each look; the last goes on for ever."""
    asked: list[int] = []

    def answering(count: int) -> set[str]:
        now = answers[min(len(asked), len(answers) - 1)]
        asked.append(count)
        if isinstance(now, Exception):
            raise now
        return set(now)

    return asked, answering


def test_it_waits_until_the_ready_pods_and_no_others_answer() -> None:
    asked, answering = in_turn({"a", "gone"}, {"a"}, {"a", "b"})
    wait_until_settled(answering, lambda: ["a", "b"])  # type: ignore[arg-type]
    assert asked == [2 * ANSWERS_PER_POD] * 3


def test_it_waits_for_an_address_that_nobody_serves_yet() -> None:
    asked, answering = in_turn(TrafficError("refused"), {"a"})
    wait_until_settled(answering, lambda: ["a"])  # type: ignore[arg-type]
    assert len(asked) == 2


def test_an_app_that_does_not_say_its_pod_is_not_waited_for() -> None:
    asked, answering = in_turn({UNNAMED})
    wait_until_settled(answering, lambda: ["a", "b"])  # type: ignore[arg-type]
    assert len(asked) == 1


def test_it_gives_up_with_the_names_of_both_sides() -> None:
    _, answering = in_turn({"a", "gone"})
    with pytest.raises(TimedOutError, match=r"who answer, a, gone, are not the ready pods, a\. "):
        wait_until_settled(answering, lambda: ["a"], timeout_s=0)  # type: ignore[arg-type]


def test_without_ready_pods_the_refusal_is_the_answer() -> None:
    _, answering = in_turn(TrafficError("nobody"))
    with pytest.raises(TrafficError):
        wait_until_settled(answering, list)  # type: ignore[arg-type]
