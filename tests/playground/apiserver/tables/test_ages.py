"""Lengths of time, in a few letters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from canarylab.playground.apiserver.tables.ages import age, human_duration

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (1.9, "1s"),
        (119, "119s"),
        (2 * MINUTE, "2m"),
        (2 * MINUTE + 1, "2m1s"),
        (10 * MINUTE - 1, "9m59s"),
        (10 * MINUTE, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (7 * HOUR + 59 * MINUTE, "7h59m"),
        (8 * HOUR, "8h"),
        (48 * HOUR - 1, "47h"),
        (2 * DAY, "2d"),
        (2 * DAY + 3 * HOUR, "2d3h"),
        (8 * DAY - 1, "7d23h"),
        (8 * DAY, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (3 * YEAR + 5 * DAY, "3y5d"),
        (8 * YEAR, "8y"),
    ],
)
def test_a_length_is_said_as_kubectl_says_it(seconds: float, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


def test_an_age_is_counted_from_now() -> None:
    now = datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC)
    assert age("2026-11-22T21:42:09Z", now) == "3m14s"


@pytest.mark.parametrize("never", [None, ""])
def test_what_has_no_time_has_no_age(never: str | None) -> None:
    assert age(never, datetime(2026, 11, 22, tzinfo=UTC)) == "<unknown>"
