"""Are changes taken in at once, and then at most once a second?"""

from __future__ import annotations

from itertools import combinations_with_replacement, pairwise

from canarylab.playground.network.rhythm import SHORTEST_INTERVAL_S, Rhythm

ALL_CHANGES = list(combinations_with_replacement([quarter / 4 for quarter in range(13)], 4))


def taken_in(changes: tuple[float, ...]) -> list[tuple[float, float]]:
    """For each taking in, when it happened and the first change it was for."""
    rhythm, done = Rhythm(), []
    waiting = list(changes)
    while waiting:
        first = waiting[0]
        now = max(first, rhythm.last or first)
        now += rhythm.wait_s(now)
        waiting = [change for change in waiting if change > now]
        rhythm = Rhythm(last=now)
        done.append((now, first))
    return done


def test_the_first_of_any_four_changes_is_taken_in_at_once() -> None:
    for changes in ALL_CHANGES:
        assert taken_in(changes)[0] == (changes[0], changes[0])


def test_no_change_waits_for_more_than_a_second() -> None:
    for changes in ALL_CHANGES:
        assert all(now - first <= SHORTEST_INTERVAL_S for now, first in taken_in(changes))


def test_no_two_takings_in_are_closer_than_a_second() -> None:
    for changes in ALL_CHANGES:
        moments = [now for now, _ in taken_in(changes)]
        assert all(later - now >= SHORTEST_INTERVAL_S for now, later in pairwise(moments))
