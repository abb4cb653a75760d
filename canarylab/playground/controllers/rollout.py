"""The arithmetic of a rolling update. No API, no clock: numbers in, numbers out.

Two promises hold at every step: never more than `wanted + surge` pods asked for, and never fewer
than `wanted - unavailable` available because of us. A step first grows the new version into
whatever room there is, and only when there is none shrinks the old ones. It is the same whether
the update just began, is half done, or was turned round in the middle: only the numbers count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple


class Fleet(NamedTuple):
    """Pods of one version: how many were asked for, and how many have become available."""

    asked: int
    available: int


class Limits(NamedTuple):
    """How far a rolling update may stray from the wanted number, in pods."""

    surge: int
    unavailable: int


def limits(wanted: int, *, max_surge: int | str, max_unavailable: int | str) -> Limits:
    """What a strategy comes to for that many pods. Surge rounds up, unavailable rounds down.

    >>> limits(3, max_surge="25%", max_unavailable="25%")
    Limits(surge=1, unavailable=0)
    """
    surge = _pods(max_surge, wanted, rounding=ceil)
    unavailable = _pods(max_unavailable, wanted, rounding=floor)
    if surge == 0 and unavailable == 0:
        unavailable = 1  # otherwise nothing could ever move
    return Limits(surge, min(unavailable, wanted))


def grow(wanted: int, new: Fleet, olds: Sequence[Fleet], limits: Limits) -> int:
    """How many pods of the new version to ask for now.

    >>> grow(4, Fleet(1, 0), [Fleet(3, 3)], Limits(surge=1, unavailable=1))
    2
    """
    room = wanted + limits.surge - new.asked - _asked(olds)
    return min(wanted, new.asked + max(0, room))


def shrink(wanted: int, new: Fleet, olds: Sequence[Fleet], limits: Limits) -> list[int]:
    """How many pods of each old version to leave now; the oldest go first.

    Pods that are asked for and not available serve nobody, so they go before any that are.

    >>> shrink(4, Fleet(1, 0), [Fleet(4, 4)], Limits(surge=1, unavailable=1))
    [3]
    """
    least = wanted - limits.unavailable
    olds = [_settled(old) for old in olds]
    new = _settled(new)
    broken_spare = new.available + _asked(olds) - least
    working = _cut(olds, broken_spare, [old.asked - old.available for old in olds])
    working_spare = new.available + sum(old.available for old in olds) - least
    left = _cut(working, working_spare, [old.asked for old in working])
    return [old.asked for old in left]


def _settled(fleet: Fleet) -> Fleet:
    """More available than asked for means that some are just being taken away."""
    return Fleet(fleet.asked, min(fleet.asked, fleet.available))


def _cut(fleets: Sequence[Fleet], spare: int, most: Sequence[int]) -> list[Fleet]:
    """Take away `spare` pods in all, and from each fleet at most its share of `most`."""
    left: list[Fleet] = []
    for fleet, limit in zip(fleets, most, strict=True):
        gone = max(0, min(spare, limit))
        spare -= gone
        left.append(Fleet(fleet.asked - gone, fleet.available))
    return left


def _asked(fleets: Sequence[Fleet]) -> int:
    return sum(fleet.asked for fleet in fleets)


def _pods(amount: int | str, wanted: int, *, rounding: Callable[[Fraction], int]) -> int:
    """A number of pods as it is, or a percentage of the wanted ones."""
    if isinstance(amount, int):
        return amount
    return rounding(Fraction(int(amount.removesuffix("%")) * wanted, 100))
