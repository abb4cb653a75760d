"""Ages: the time since a timestamp, as kubectl writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400  # seconds


def age(since: str | None, now: datetime) -> str:
    """The time since a timestamp.

    >>> age("2026-11-22T21:42:09Z", datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC))
    '3m14s'
    """
    if not since:
        return "<unknown>"
    return human_duration(now - datetime.fromisoformat(since).astimezone(UTC))


def human_duration(length: timedelta) -> str:
    """A duration as kubectl writes it: two units at most, the smaller one only if it matters.

    >>> [human_duration(timedelta(seconds=s)) for s in (45, 194, 720, 19800, 183600)]
    ['45s', '3m14s', '12m', '5h30m', '2d3h']
    """
    seconds = int(length.total_seconds())
    if seconds < -1:
        return "<invalid>"
    if seconds < 2 * _MINUTE:
        return f"{max(seconds, 0)}s"
    # Each row: the end of the range, the larger unit, and the smaller one if it is shown.
    for end, large, small in (
        (10 * _MINUTE, (_MINUTE, "m"), (1, "s")),
        (3 * _HOUR, (_MINUTE, "m"), None),
        (8 * _HOUR, (_HOUR, "h"), (_MINUTE, "m")),
        (2 * _DAY, (_HOUR, "h"), None),
        (8 * _DAY, (_DAY, "d"), (_HOUR, "h")),
        (2 * _YEAR, (_DAY, "d"), None),
        (8 * _YEAR, (_YEAR, "y"), (_DAY, "d")),
    ):
        if seconds < end:
            return _in_units(seconds, large, small)
    return f"{seconds // _YEAR}y"


def _in_units(seconds: int, large: tuple[int, str], small: tuple[int, str] | None) -> str:
    whole, rest = divmod(seconds, large[0])
    text = f"{whole}{large[1]}"
    if small is None or rest // small[0] == 0:
        return text
    return f"{text}{rest // small[0]}{small[1]}"
