from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import NamedTuple

import pytest

from canarylab.playground.controllers.rollout import (
    Replicas,
    ReplicaSetSize,
    RolloutLimits,
    resolve_limits,
    scale_down_old,
    scale_proportionally,
    scale_up_new,
)


class Versions(NamedTuple):
    """The pods of the new version, and of each old one."""

    new: Replicas
    olds: tuple[Replicas, ...]

    @property
    def desired(self) -> int:
        return self.new.desired + sum(old.desired for old in self.olds)

    @property
    def available(self) -> int:
        return self.new.available + sum(old.available for old in self.olds)


def step(versions: Versions, replicas: int, limits: RolloutLimits) -> Versions:
    """One step of the Deployment, carried out by the ReplicaSets: unavailable pods go first."""
    size = scale_up_new(replicas, versions.new, versions.olds, limits)
    if size != versions.new.desired:
        return Versions(resized(versions.new, size), versions.olds)
    sizes = scale_down_old(replicas, versions.new, versions.olds, limits)
    return Versions(versions.new, tuple(map(resized, versions.olds, sizes)))


def resized(replicas: Replicas, size: int) -> Replicas:
    return Replicas(size, min(replicas.available, size))


def all_replicas(most: int) -> Iterator[Replicas]:
    """All numbers of up to `most` pods, with any part of them available."""
    for desired in range(most + 1):
        for available in range(desired + 1):
            yield Replicas(desired, available)


SETTINGS = [
    (replicas, RolloutLimits(surge, min(unavailable, replicas)))
    for replicas, surge, unavailable in product(range(1, 5), range(3), range(4))
    if surge or unavailable
]


@pytest.mark.parametrize(("replicas", "limits"), SETTINGS)
def test_from_any_state_a_step_keeps_both_promises(replicas: int, limits: RolloutLimits) -> None:
    most, floor = replicas + limits.max_surge, replicas - limits.max_unavailable
    for new, old in product(all_replicas(replicas + 1), all_replicas(replicas + 2)):
        before = Versions(new, (old,))
        after = step(before, replicas, limits)
        assert after.desired <= max(most, before.desired), (before, after)
        if (
            new.desired <= replicas
        ):  # more new pods than replicas: scaling down is another operation
            assert after.available >= min(floor, before.available), (before, after)


@pytest.mark.parametrize(("replicas", "limits"), SETTINGS)
def test_several_old_versions_keep_both_promises_together(
    replicas: int, limits: RolloutLimits
) -> None:
    most, floor = replicas + limits.max_surge, replicas - limits.max_unavailable
    smaller = list(all_replicas(2))
    for new, *olds in product(all_replicas(min(replicas, 3)), smaller, smaller):
        before = Versions(new, tuple(olds))
        after = step(before, replicas, limits)
        assert after.desired <= max(most, before.desired), (before, after)
        assert after.available >= min(floor, before.available), (before, after)


@pytest.mark.parametrize(("replicas", "limits"), SETTINGS)
def test_from_any_state_it_completes(replicas: int, limits: RolloutLimits) -> None:
    finished = Versions(Replicas(replicas, replicas), (Replicas(0, 0), Replicas(0, 0)))
    for new, old, older in product(
        all_replicas(replicas + 1), all_replicas(replicas), all_replicas(1)
    ):
        versions = Versions(new, (older, old))
        for _ in range(6 * (replicas + 3)):
            versions = one_more_is_ready(step(versions, replicas, limits))
            if versions == finished:
                break
        assert versions == finished, (new, old, older)


def one_more_is_ready(versions: Versions) -> Versions:
    new = Replicas(versions.new.desired, min(versions.new.desired, versions.new.available + 1))
    return versions._replace(new=new)


@pytest.mark.parametrize(("replicas", "limits"), SETTINGS)
def test_a_broken_new_version_never_costs_more_than_was_allowed(
    replicas: int, limits: RolloutLimits
) -> None:
    versions = Versions(Replicas(0, 0), (Replicas(replicas, replicas),))
    for _ in range(20):
        versions = step(versions, replicas, limits)
    assert versions.available >= replicas - limits.max_unavailable


@pytest.mark.parametrize(("replicas", "limits"), SETTINGS)
def test_terminating_pods_counted_as_available_do_no_harm(
    replicas: int, limits: RolloutLimits
) -> None:
    """Old pods that are already being taken away may still be counted as available."""
    floor = replicas - limits.max_unavailable
    for new, desired, terminating in product(all_replicas(replicas), range(replicas + 1), range(3)):
        left = scale_down_old(replicas, new, [Replicas(desired, desired + terminating)], limits)
        really = new.available + left[0]
        assert really >= min(floor, new.available + desired)


def test_the_rolling_update_of_four_goes_as_on_a_real_cluster() -> None:
    """Four pods, 25 % and 25 %; a new pod gets ready whenever nothing else can be done."""
    limits = resolve_limits(4, max_surge="25%", max_unavailable="25%")
    versions, sizes = Versions(Replicas(0, 0), (Replicas(4, 4),)), []
    while versions.olds[0].desired:
        after = step(versions, 4, limits)
        versions = one_more_is_ready(versions) if after == versions else after
        sizes.append((versions.new.desired, versions.olds[0].desired))
    changes = [after for before, after in pairwise(sizes) if before != after]
    assert changes == [(1, 3), (2, 3), (2, 2), (3, 2), (3, 1), (4, 1), (4, 0)]


def test_broken_old_pods_go_first() -> None:
    olds = [Replicas(2, 2), Replicas(2, 0)]
    assert scale_down_old(
        4, Replicas(1, 0), olds, RolloutLimits(max_surge=1, max_unavailable=2)
    ) == [2, 0]


def test_of_old_versions_the_oldest_goes_first() -> None:
    assert scale_down_old(
        4, Replicas(1, 1), [Replicas(2, 2), Replicas(2, 2)], RolloutLimits(1, 0)
    ) == [1, 2]


@pytest.mark.parametrize(
    ("replicas", "max_surge", "max_unavailable", "expected"),
    [
        (4, "25%", "25%", RolloutLimits(1, 1)),
        (3, "25%", "25%", RolloutLimits(1, 0)),
        (1, "25%", "25%", RolloutLimits(1, 0)),
        (10, "25%", "25%", RolloutLimits(3, 2)),
        (10, 2, 0, RolloutLimits(2, 0)),
        (4, 0, 0, RolloutLimits(0, 1)),
        (4, "0%", "10%", RolloutLimits(0, 1)),
        (2, 0, 5, RolloutLimits(0, 2)),
        (0, "25%", "25%", RolloutLimits(0, 0)),
        (0, 1, 1, RolloutLimits(1, 0)),
        (3, "100%", "100%", RolloutLimits(3, 3)),
    ],
)
def test_surge_rounds_up_and_unavailable_rounds_down(
    replicas: int, max_surge: int | str, max_unavailable: int | str, expected: RolloutLimits
) -> None:
    assert (
        resolve_limits(replicas, max_surge=max_surge, max_unavailable=max_unavailable) == expected
    )


def test_something_can_always_move() -> None:
    shares = [*range(4), *(f"{percent}%" for percent in range(0, 101, 5))]
    for replicas, surge, unavailable in product(range(1, 12), shares, shares):
        assert any(resolve_limits(replicas, max_surge=surge, max_unavailable=unavailable))


def all_sizes() -> list[list[ReplicaSetSize]]:
    """Two or three versions, the largest first, in all their small sizes."""
    sizes = [
        pair for pair in product(range(6), range(6), range(3)) if sorted(pair)[::-1] == [*pair]
    ]
    return [
        [ReplicaSetSize(size, max_replicas=sum(some) + slack) for size in some if size]
        for some, slack in product(sizes, range(3))
        if some[0]
    ]


@pytest.mark.parametrize("allowed", range(13))
def test_all_sizes_together_are_what_is_allowed(allowed: int) -> None:
    for parts in all_sizes():
        assert sum(scale_proportionally(allowed, parts)) == allowed, parts


@pytest.mark.parametrize("allowed", range(13))
def test_no_size_is_negative(allowed: int) -> None:
    for parts in all_sizes():
        assert min(scale_proportionally(allowed, parts)) >= 0, parts


@pytest.mark.parametrize("allowed", range(13))
def test_no_version_shrinks_while_the_total_grows(allowed: int) -> None:
    for parts in all_sizes():
        if allowed >= parts[0].max_replicas:
            sizes = scale_proportionally(allowed, parts)
            assert all(size >= part.replicas for size, part in zip(sizes, parts, strict=True)), (
                parts
            )


def test_sizes_that_already_fit_do_not_change() -> None:
    for parts in all_sizes():
        sizes = [part.replicas for part in parts]
        assert (
            scale_proportionally(
                sum(sizes), [ReplicaSetSize(size, max_replicas=sum(sizes)) for size in sizes]
            )
            == sizes
        )


def test_doubling_the_total_doubles_each_version() -> None:
    assert scale_proportionally(
        12, [ReplicaSetSize(4, max_replicas=6), ReplicaSetSize(2, max_replicas=6)]
    ) == [8, 4]


def test_what_rounding_leaves_over_goes_to_the_first() -> None:
    assert scale_proportionally(7, [ReplicaSetSize(2, max_replicas=6)] * 3) == [3, 2, 2]


def test_what_rounding_takes_too_much_is_taken_from_the_last() -> None:
    assert scale_proportionally(8, [ReplicaSetSize(2, max_replicas=6)] * 3) == [3, 3, 2]


def test_scaling_to_zero_leaves_no_pods() -> None:
    assert scale_proportionally(
        0, [ReplicaSetSize(3, max_replicas=5), ReplicaSetSize(2, max_replicas=5)]
    ) == [0, 0]
