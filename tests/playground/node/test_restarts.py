"""How long does a container that ended wait?"""

from __future__ import annotations

from itertools import pairwise

from canarylab.playground.node.restarts import RestartDelays, is_restarted


def waits(runs: list[float]) -> list[float]:
    """The waits after runs of these lengths."""
    delays, found = RestartDelays(), []
    before: float | None = None
    for ran_s in runs:
        before = delays.next(before, ran_s=ran_s)
        found.append(before)
    return found


def test_the_waits_of_a_container_that_always_fails() -> None:
    assert waits([1.0] * 9) == [0, 10, 20, 40, 80, 160, 300, 300, 300]


def test_ten_good_minutes_are_a_new_start_wherever_they_come() -> None:
    for position in range(9):
        found = waits([601.0 if index == position else 1.0 for index in range(9)])
        assert found[position] == 0


def test_no_wait_is_shorter_than_the_one_before_without_ten_good_minutes() -> None:
    assert all(later >= earlier for earlier, later in pairwise(waits([600.0] * 20)))


def test_which_policy_restarts_which_end() -> None:
    restarted = {
        (policy, code): is_restarted(policy, code)
        for policy in ("Always", "OnFailure", "Never")
        for code in (0, 1)
    }
    assert [end for end, again in restarted.items() if again] == [
        ("Always", 0),
        ("Always", 1),
        ("OnFailure", 1),
    ]
