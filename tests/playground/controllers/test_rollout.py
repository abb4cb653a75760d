from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import NamedTuple

import pytest

from canarylab.playground.controllers.rollout import Fleet, Limits, grow, limits, shrink


class World(NamedTuple):
    """All pods there are: of the new version, and of each old one."""

    new: Fleet
    olds: tuple[Fleet, ...]

    @property
    def asked(self) -> int:
        return self.new.asked + sum(old.asked for old in self.olds)

    @property
    def available(self) -> int:
        return self.new.available + sum(old.available for old in self.olds)


def step(world: World, wanted: int, within: Limits) -> World:
    """One look of the controller, and what ReplicaSets make of it: unavailable pods go first."""
    grown = grow(wanted, world.new, world.olds, within)
    if grown != world.new.asked:
        return World(resized(world.new, grown), world.olds)
    sizes = shrink(wanted, world.new, world.olds, within)
    return World(world.new, tuple(map(resized, world.olds, sizes)))


def resized(fleet: Fleet, size: int) -> Fleet:
    return Fleet(size, min(fleet.available, size))


def fleets(most: int) -> Iterator[Fleet]:
    """All fleets of up to `most` pods, whatever part of them is available."""
    for asked in range(most + 1):
        for available in range(asked + 1):
            yield Fleet(asked, available)


KNOBS = [
    (wanted, Limits(surge, min(unavailable, wanted)))
    for wanted, surge, unavailable in product(range(1, 5), range(3), range(4))
    if surge or unavailable
]


@pytest.mark.parametrize(("wanted", "within"), KNOBS)
def test_from_any_state_a_step_keeps_both_promises(wanted: int, within: Limits) -> None:
    ceiling, floor = wanted + within.surge, wanted - within.unavailable
    for new, old in product(fleets(wanted + 1), fleets(wanted + 2)):
        before = World(new, (old,))
        after = step(before, wanted, within)
        assert after.asked <= max(ceiling, before.asked), (before, after)
        if new.asked <= wanted:  # more of the new than wanted is an order of its own: scale in
            assert after.available >= min(floor, before.available), (before, after)


@pytest.mark.parametrize(("wanted", "within"), KNOBS)
def test_several_old_versions_keep_the_promises_together(wanted: int, within: Limits) -> None:
    ceiling, floor = wanted + within.surge, wanted - within.unavailable
    smaller = list(fleets(2))
    for new, *olds in product(fleets(min(wanted, 3)), smaller, smaller):
        before = World(new, tuple(olds))
        after = step(before, wanted, within)
        assert after.asked <= max(ceiling, before.asked), (before, after)
        assert after.available >= min(floor, before.available), (before, after)


@pytest.mark.parametrize(("wanted", "within"), KNOBS)
def test_from_any_state_it_finishes(wanted: int, within: Limits) -> None:
    finished = World(Fleet(wanted, wanted), (Fleet(0, 0), Fleet(0, 0)))
    for new, old, older in product(fleets(wanted + 1), fleets(wanted), fleets(1)):
        world = World(new, (older, old))
        for _ in range(6 * (wanted + 3)):
            world = one_more_is_ready(step(world, wanted, within))
            if world == finished:
                break
        assert world == finished, (new, old, older)


def one_more_is_ready(world: World) -> World:
    new = Fleet(world.new.asked, min(world.new.asked, world.new.available + 1))
    return world._replace(new=new)


@pytest.mark.parametrize(("wanted", "within"), KNOBS)
def test_a_broken_new_version_never_costs_more_than_was_allowed(
    wanted: int, within: Limits
) -> None:
    world = World(Fleet(0, 0), (Fleet(wanted, wanted),))
    for _ in range(20):
        world = step(world, wanted, within)
    assert world.available >= wanted - within.unavailable


@pytest.mark.parametrize(("wanted", "within"), KNOBS)
def test_an_old_reading_of_availability_does_no_harm(wanted: int, within: Limits) -> None:
    """Old pods that are already being taken away may still be counted as available."""
    floor = wanted - within.unavailable
    for new, asked, ghosts in product(fleets(wanted), range(wanted + 1), range(3)):
        left = shrink(wanted, new, [Fleet(asked, asked + ghosts)], within)
        really = new.available + left[0]
        assert really >= min(floor, new.available + asked)


def test_the_rolling_update_of_four_goes_as_on_a_real_cluster() -> None:
    """Four pods, 25 % and 25 %; a new pod gets ready whenever nothing else can be done."""
    within = limits(4, max_surge="25%", max_unavailable="25%")
    world, sizes = World(Fleet(0, 0), (Fleet(4, 4),)), []
    while world.olds[0].asked:
        after = step(world, 4, within)
        world = one_more_is_ready(world) if after == world else after
        sizes.append((world.new.asked, world.olds[0].asked))
    moves = [after for before, after in pairwise(sizes) if before != after]
    assert moves == [(1, 3), (2, 3), (2, 2), (3, 2), (3, 1), (4, 1), (4, 0)]


def test_broken_old_pods_go_first() -> None:
    olds = [Fleet(2, 2), Fleet(2, 0)]
    assert shrink(4, Fleet(1, 0), olds, Limits(surge=1, unavailable=2)) == [2, 0]


def test_of_old_versions_the_oldest_goes_first() -> None:
    assert shrink(4, Fleet(1, 1), [Fleet(2, 2), Fleet(2, 2)], Limits(1, 0)) == [1, 2]


@pytest.mark.parametrize(
    ("wanted", "max_surge", "max_unavailable", "expected"),
    [
        (4, "25%", "25%", Limits(1, 1)),
        (3, "25%", "25%", Limits(1, 0)),
        (1, "25%", "25%", Limits(1, 0)),
        (10, "25%", "25%", Limits(3, 2)),
        (10, 2, 0, Limits(2, 0)),
        (4, 0, 0, Limits(0, 1)),
        (4, "0%", "10%", Limits(0, 1)),
        (2, 0, 5, Limits(0, 2)),
        (0, "25%", "25%", Limits(0, 0)),
        (0, 1, 1, Limits(1, 0)),
        (3, "100%", "100%", Limits(3, 3)),
    ],
)
def test_surge_rounds_up_and_unavailable_rounds_down(
    wanted: int, max_surge: int | str, max_unavailable: int | str, expected: Limits
) -> None:
    assert limits(wanted, max_surge=max_surge, max_unavailable=max_unavailable) == expected


def test_something_can_always_move() -> None:
    shares = [*range(4), *(f"{percent}%" for percent in range(0, 101, 5))]
    for wanted, surge, unavailable in product(range(1, 12), shares, shares):
        assert any(limits(wanted, max_surge=surge, max_unavailable=unavailable))
