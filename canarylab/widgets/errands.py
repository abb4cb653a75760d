"""What is there to do away from the kernel's own thread, and which of it is outdated?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Errand(NamedTuple):
    """Something to do away from the kernel's own thread; a later one of its kind replaces it."""

    kind: str
    work: Callable[[], None]


def newest(errands: Iterable[Errand]) -> list[Errand]:
    """Of each kind the last one, in the order in which those were asked for.

    >>> [each.kind for each in newest([Errand("explain", print), Errand("ask", print),
    ...                                Errand("explain", print)])]
    ['ask', 'explain']
    """
    left: dict[str, Errand] = {}
    for errand in errands:
        left.pop(errand.kind, None)
        left[errand.kind] = errand
    return list(left.values())
