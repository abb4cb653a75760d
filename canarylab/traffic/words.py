"""How does a reader say this number?"""

from __future__ import annotations

import re
from collections.abc import Iterable

OTHER = "other"  # an answer whose version or pod the app did not name
_DIGITS = re.compile(r"(\d+)")
_SMALLEST = 0.001  # a share below this is not told apart from its neighbours


def percent(share: float) -> str:
    """A share in percent; a decimal only where nought or all would be a lie.

    >>> percent(0.25), percent(0.004), percent(0.9996)
    ('25 %', '0.4 %', 'over 99.9 %')
    """
    if 0 < share < _SMALLEST:
        return "under 0.1 %"
    if 1 - _SMALLEST < share < 1:
        return "over 99.9 %"
    if 0 < share < 0.01 or 0.99 < share < 1:
        return f"{share:.1%}".replace("%", " %")
    return f"{100 * share:.0f} %"


def counted(number: int, thing: str) -> str:
    """A number of things, with the plural where it belongs.

    >>> counted(1, "request"), counted(1801, "request")
    ('1 request', '1,801 requests')
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def listed(things: Iterable[str], *, none: str = "nothing") -> str:
    """Several things in one phrase.

    >>> listed(["reset 2", "timeout 1", "refused 1"])
    'reset 2, timeout 1 and refused 1'
    """
    *first, last = list(things) or [none]
    return f"{', '.join(first)} and {last}" if first else last


def called(version: str) -> str:
    """What a version is called in a sentence.

    >>> called("2.0"), called("other")
    ('version 2.0', 'other')
    """
    return version if version == OTHER else f"version {version}"


def in_order(names: Iterable[str]) -> list[str]:
    """Names sorted as a person does, numbers by their size and "other" at the end.

    >>> in_order(["10.0", "other", "2.0", "1.0"])
    ['1.0', '2.0', '10.0', 'other']
    """
    return sorted(names, key=lambda name: (name == OTHER, _by_number(name)))


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    parts = _DIGITS.split(name)
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts if part
    ]
