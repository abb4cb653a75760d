"""In which order are the items of a merged list?

Items that only the server has keep their place among each other, and so do those of the patch. Of
the first of either, the server's goes first only if both were in the server's list and it stood
before the other. So a new item without `$setElementOrder` comes before all others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from canarylab.errors import BadRequestError

_INVALID_ORDER = "invalid patch format of setElementOrder list"


@dataclass(frozen=True)
class ListChanges:
    """What a patch says about one list."""

    items: list[Any]
    removed: Any
    """Of a list of plain values: those to take out."""
    order: Any
    """The order of all items the sender knows, if it said so."""


def merge_primitives(before: list[Any], changes: ListChanges) -> list[Any]:
    """A list of plain values: the ones there and the ones that come, without those to remove."""
    if not all(_are_plain(values) for values in (changes.items, changes.removed)):
        raise BadRequestError("invalid patch format of primitive list")
    merged = list(dict.fromkeys(before + changes.items))
    merged = [item for item in merged if item not in changes.removed]
    order = changes.items if changes.order is None else changes.order
    if not _are_plain(order):
        raise BadRequestError(_INVALID_ORDER)
    return arrange(merged, order, before, lambda item: item)


def key_order(key: str, items: Sequence[Any], order: Any) -> list[Any]:
    """The values of the merge key, in the order the sender wants."""
    if order is None:
        return [item[key] for item in items]
    if not isinstance(order, list) or not all(isinstance(item, dict) for item in order):
        raise BadRequestError(_INVALID_ORDER)
    values = [item.get(key) for item in order]
    if not _are_plain(values):
        raise BadRequestError(_INVALID_ORDER)
    return values


def arrange(
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


def _are_plain(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str | int) for value in values)
