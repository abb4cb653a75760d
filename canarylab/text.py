"""Numbers and lists as words: percentages, plurals, enumerations, version labels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

OTHER = "other"
"""Stands for the version or pod of an answer that does not name it."""

_DIGITS = re.compile(r"(\d+)")
_SMALLEST = 0.001  # smaller shares are not distinguished


def percent(share: float) -> str:
    """A share in percent, with a decimal below 10 %, and if rounding would give 100 %.

    A half is rounded to the even number, so that two shares together are 100 % when rounded, too.

    >>> percent(0.705), percent(0.295)
    ('70 %', '30 %')
    >>> percent(0.25), percent(0.0456), percent(0.01), percent(0.9996)
    ('25 %', '4.6 %', '1 %', 'over 99.9 %')
    """
    if 0 < share < _SMALLEST:
        return "under 0.1 %"
    if 1 - _SMALLEST < share < 1:
        return "over 99.9 %"
    decimals = 1 if share < 0.1 or 0.99 < share < 1 else 0
    return f"{100 * share:.{decimals}f}".removesuffix(".0") + " %"


def percentage_points(difference: float) -> str:
    """A difference of two shares in percentage points.

    >>> percentage_points(0.02), percentage_points(0.0131), percentage_points(0.01)
    ('2 points', '1.3 points', '1 point')
    """
    number = f"{round(100 * difference, 1):g}"
    return f"{number} point{'' if number == '1' else 's'}"


def tolerated(difference: float) -> str:
    """That a difference of two shares is tolerated.

    >>> tolerated(0.02), tolerated(0.01)
    ('2 points are tolerated', '1 point is tolerated')
    """
    points = percentage_points(difference)
    return f"{points} {'is' if points == '1 point' else 'are'} tolerated"


def count_noun(number: int, thing: str) -> str:
    """A number with its noun, in the plural if needed.

    >>> count_noun(1, "request"), count_noun(1801, "request")
    ('1 request', '1,801 requests')
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def join_words(things: Iterable[str], *, none: str = "nothing") -> str:
    """An enumeration: items joined by commas and "and".

    >>> join_words(["reset 2", "timeout 1", "refused 1"])
    'reset 2, timeout 1 and refused 1'
    """
    *first, last = list(things) or [none]
    return f"{', '.join(first)} and {last}" if first else last


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A question about the names that are much like this one; empty if it is one of them.

    >>> did_you_mean("canary", ["nodeapp-canary", "nodeapp-production"])
    'Did you mean nodeapp-canary? '
    >>> did_you_mean("web", ["nodeapp-canary"])
    ''
    """
    close = get_close_matches(name, known := list(names), n=1)
    return f"Did you mean {close[0]}? " if close and name not in known else ""


def version_label(version: str) -> str:
    """The name of a version in a sentence.

    >>> version_label("2.0"), version_label("other")
    ('version 2.0', 'other')
    """
    return version if version == OTHER else f"version {version}"


def sort_naturally(names: Iterable[str]) -> list[str]:
    """Names in natural order: numbers by value, "other" last.

    >>> sort_naturally(["10.0", "other", "2.0", "1.0"])
    ['1.0', '2.0', '10.0', 'other']
    """
    return sorted(names, key=lambda name: (name == OTHER, _by_number(name)))


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    parts = _DIGITS.split(name)
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts if part
    ]
