"""In which order are the items of a merged list?

Items that only the server has keep their place among each other, and so do those of the patch. Of
the first of either, the server's goes first only if both were in the server's list and it stood
before the other. So a new item without `$setElementOrder` comes before all others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Changes:
    """What a patch says about one list."""

    items: list[Any]
    removed: list[Any]
    """Of a list of plain values: those to take out."""
    order: list[Any] | None
    """The order of all items the sender knows, if it said so."""


def primitives(before: list[Any], changes: Changes) -> list[Any]:
    """A list of plain values: the ones there and the ones that come, without those to remove."""
    merged = list(dict.fromkeys(before + changes.items))
    merged = [item for item in merged if item not in changes.removed]
    order = changes.items if changes.order is None else changes.order
    return arranged(merged, order, before, lambda item: item)


def by_key(key: str, items: Sequence[Any], order: list[Any] | None) -> list[Any]:
    """The values of the merge key, in the order the sender wants."""
    return [item[key] for item in (items if order is None else order)]


def arranged(
    merged: Sequence[Any],
    order: Sequence[Hashable],
    before: Sequence[Any],
    name: Callable[[Any], Hashable],
) -> list[Any]:
    """The merged items; `order` names the patch's ones, `before` is the server's list.

    >>> arranged(["a", "b", "c"], ["c"], ["a", "b"], lambda item: item)
    ['c', 'a', 'b']
    """
    rank = {one: index for index, one in enumerate(order)}
    place = {name(one): index for index, one in enumerate(before)}
    theirs = sorted((one for one in merged if name(one) in rank), key=lambda one: rank[name(one)])
    servers = [one for one in merged if name(one) not in rank]
    servers.sort(key=lambda one: place.get(name(one), len(place)))
    result = []
    while servers and theirs:
        first, other = place.get(name(servers[0])), place.get(name(theirs[0]))
        earlier = first is not None and other is not None and first < other
        result.append((servers if earlier else theirs).pop(0))
    return result + servers + theirs
