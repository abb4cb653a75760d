"""Refusals of wrong arguments, for all functions of `canarylab.stats`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real


def check_hits(hits: object, total: object) -> None:
    """Refuse what is no share: hits have to be whole, and at most the total.

    >>> check_hits(16, 15)
    Traceback (most recent call last):
    ValueError: 16 of 15 is not a share. Give at least one request, and hits from 0 to that number.
    """
    whole = isinstance(hits, Integral) and isinstance(total, Integral)
    if not whole or int(total) <= 0 or not 0 <= int(hits) <= int(total):  # type: ignore[call-overload]
        raise ValueError(
            f"{hits} of {total} is not a share. Give at least one request, and hits from 0 to "
            "that number."
        )


def is_number(value: object, least: float = -math.inf, most: float = math.inf) -> bool:
    """Whether a value is a number within these limits; what is not a number is in none.

    >>> is_number(0.5, 0, 1), is_number("0.5", 0, 1), is_number(math.nan)
    (True, False, False)
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    return bool(value >= least and value <= most)  # type: ignore[operator]


def is_count(value: object, least: float = 1, most: float = math.inf) -> bool:
    """Whether a value is a whole number within these limits.

    >>> is_count(20), is_count(0), is_count(2.5)
    (True, False, False)
    """
    return isinstance(value, Integral) and is_number(value, least, most)


def check_count(count: object, things: str) -> None:
    """Refuse a number of requests or connections below 1, or with a fraction.

    >>> check_count(0, "requests")
    Traceback (most recent call last):
    ValueError: 0 requests are too few. Give a whole number from 1 on.
    """
    if not isinstance(count, Integral) or int(count) < 1:
        problem = "too few" if isinstance(count, Integral) else "not a number of them"
        raise ValueError(f"{count} {things} are {problem}. Give a whole number from 1 on.")


def check_share(share: object, what: str = "share") -> None:
    """Refuse a share that is not from 0 to 1.

    >>> check_share(25)
    Traceback (most recent call last):
    ValueError: 25 is not a share. Give a fraction from 0 to 1: 0.25 is 25 percent.
    """
    if not isinstance(share, Real) or not 0 <= float(share) <= 1:
        article = "an" if what[0] in "aeiou" else "a"
        raise ValueError(
            f"{share} is not {article} {what}. Give a fraction from 0 to 1: 0.25 is 25 percent."
        )


def check_probability(probability: object, what: str) -> None:
    """Refuse a power, an alpha or a confidence that is not between 0 and 1.

    >>> check_probability(95, "confidence")
    Traceback (most recent call last):
    ValueError: The confidence cannot be 95. Give a fraction between 0 and 1, such as 0.95.
    """
    if not isinstance(probability, Real) or not 0 < float(probability) < 1:
        example = 0.05 if what == "alpha" else 0.95
        raise ValueError(
            f"The {what} cannot be {probability}. Give a fraction between 0 and 1, such as "
            f"{example}."
        )


def checked_seconds(latencies: Iterable[float], whose: str) -> list[float]:
    """Latencies as a list, or ValueError if there is none or one is no time.

    >>> checked_seconds([0.1, -1.0], "the canary")
    Traceback (most recent call last):
    ValueError: -1.0 is not a latency of the canary. Give seconds from 0 on.
    """
    seconds = list(latencies)
    if not seconds:
        raise ValueError(f"There is no latency of {whose}. Give at least one, in seconds.")
    for each in seconds:
        if not isinstance(each, Real) or not math.isfinite(each) or each < 0:
            raise ValueError(f"{each} is not a latency of {whose}. Give seconds from 0 on.")
    return [float(each) for each in seconds]
