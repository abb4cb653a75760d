"""The arithmetic of a rolling update, and of scaling in the middle of one.

Pure functions. Two invariants: there are never more than `replicas + max_surge` pods, and the
update never leaves fewer than `replicas - max_unavailable` pods available. A step first scales the
new version up as far as the first invariant allows; if that changes nothing, it scales the old ones
down as far as the second allows. The step is the same whether the update has just begun, is half
done, or was reversed in the middle, because it depends on the numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from canarylab.kube_objects import parse_integer


class Replicas(NamedTuple):
    """Pods of one version: the number in the spec of its ReplicaSet, and how many are available."""

    desired: int
    available: int


class RolloutLimits(NamedTuple):
    """The fields maxSurge and maxUnavailable as numbers of pods."""

    max_surge: int
    max_unavailable: int


def resolve_limits(
    replicas: int, *, max_surge: int | str, max_unavailable: int | str
) -> RolloutLimits:
    """Turn numbers or percentages into pods. Surge rounds up, unavailable rounds down.

    >>> resolve_limits(3, max_surge="25%", max_unavailable="25%")
    RolloutLimits(max_surge=1, max_unavailable=0)
    """
    surge = _pods(max_surge, replicas, rounding=ceil)
    unavailable = _pods(max_unavailable, replicas, rounding=floor)
    if surge == 0 and unavailable == 0:
        unavailable = 1  # otherwise no step would be allowed
    return RolloutLimits(surge, min(unavailable, replicas))


def scale_up_new(
    replicas: int, new: Replicas, olds: Sequence[Replicas], limits: RolloutLimits
) -> int:
    """Return the next size of the new version.

    >>> limits = RolloutLimits(max_surge=1, max_unavailable=1)
    >>> scale_up_new(4, Replicas(1, 0), [Replicas(3, 3)], limits)
    2
    """
    room = replicas + limits.max_surge - new.desired - _sum_desired(olds)
    return min(replicas, new.desired + max(0, room))


def scale_down_old(
    replicas: int, new: Replicas, olds: Sequence[Replicas], limits: RolloutLimits
) -> list[int]:
    """Return the next size of each old version; the first is scaled down first.

    Pods that are not available answer no requests, so they go before any that are.

    >>> limits = RolloutLimits(max_surge=1, max_unavailable=1)
    >>> scale_down_old(4, Replicas(1, 0), [Replicas(4, 4)], limits)
    [3]
    """
    min_available = replicas - limits.max_unavailable
    olds = [_without_terminating(old) for old in olds]
    new = _without_terminating(new)
    unhealthy = [old.desired - old.available for old in olds]
    healthy_only = _remove(olds, new.available + _sum_desired(olds) - min_available, unhealthy)
    surplus = new.available + sum(old.available for old in olds) - min_available
    left = _remove(healthy_only, surplus, [old.desired for old in healthy_only])
    return [old.desired for old in left]


class ReplicaSetSize(NamedTuple):
    """A ReplicaSet's size, and the most pods its Deployment allowed when it was set."""

    replicas: int
    max_replicas: int


def scale_proportionally(allowed: int, sizes: Sequence[ReplicaSetSize]) -> list[int]:
    """Scale every version alike, so that a half-done update keeps its proportions.

    The new sizes come to `allowed`; the remainder of rounding is added to the first.

    >>> scale_proportionally(12, [ReplicaSetSize(5, max_replicas=6), ReplicaSetSize(1, 6)])
    [10, 2]
    """
    to_add, added = allowed - sum(size.replicas for size in sizes), 0
    scaled = []
    for size in sizes:
        change = _clamp(_in_proportion(size, allowed) - size.replicas, to_add - added)
        scaled.append(size.replicas + change)
        added += change
    return [max(0, scaled[0] + to_add - added), *scaled[1:]]


def _without_terminating(replicas: Replicas) -> Replicas:
    """More available than desired means that some are being deleted just now."""
    return Replicas(replicas.desired, min(replicas.desired, replicas.available))


def _remove(olds: Sequence[Replicas], count: int, at_most: Sequence[int]) -> list[Replicas]:
    """Remove up to `count` pods in all, and from each version at most its number in `at_most`."""
    left: list[Replicas] = []
    for old, limit in zip(olds, at_most, strict=True):
        removed = max(0, min(count, limit))
        count -= removed
        left.append(Replicas(old.desired - removed, old.available))
    return left


def _sum_desired(versions: Sequence[Replicas]) -> int:
    return sum(version.desired for version in versions)


def _pods(amount: int | str, replicas: int, *, rounding: Callable[[Fraction], int]) -> int:
    if isinstance(amount, int):
        return amount
    percent = parse_integer(amount.removesuffix("%")) or 0  # validated by the API server
    return rounding(Fraction(percent * replicas, 100))


def _in_proportion(size: ReplicaSetSize, allowed: int) -> int:
    """The size times allowed/max_replicas, rounded half up."""
    if size.max_replicas == 0:
        return size.replicas
    return (2 * size.replicas * allowed + size.max_replicas) // (2 * size.max_replicas)


def _clamp(change: int, remaining: int) -> int:
    """Limit a change to what remains to be added or removed in all."""
    if remaining > 0:
        return min(change, remaining)
    return max(change, remaining) if remaining < 0 else 0
