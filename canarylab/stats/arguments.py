"""Refusals of wrong arguments, for all functions of `canarylab.stats`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

from canarylab.traffic.sample import Sample

LARGEST_COUNT = 10**15
"""Of requests; larger ones are rounded in a calculation, and then the results are wrong."""


def check_sample(sample: object) -> None:
    """Refuse what is no sample, such as its table or its text.

    >>> check_sample("40 requests")
    Traceback (most recent call last):
    ValueError: A value of the type str is not a sample. Give what `lab.sample(...)` returned.
    """
    if not isinstance(sample, Sample):
        raise ValueError(
            f"A value of the type {type(sample).__name__} is not a sample. Give what "
            "`lab.sample(...)` returned."
        )


def check_samples(samples: object) -> None:
    """Refuse what is not a list of samples, or an empty one.

    >>> check_samples([])
    Traceback (most recent call last):
    ValueError: There is no sample. Give a list with at least one.
    """
    if not isinstance(samples, Sequence) or isinstance(samples, str):
        kind = type(samples).__name__
        raise ValueError(f"A value of the type {kind} is not a list of samples. Give several.")
    if not samples:
        raise ValueError("There is no sample. Give a list with at least one.")
    for each in samples:
        check_sample(each)


def shown(value: object) -> str:
    """A wrong value as an error says it; a number of many digits is cut.

    >>> shown(0.25), shown(10**400)
    ('0.25', '1000000000...')
    """
    if isinstance(value, int) and abs(value) > 10**18:
        return f"{'-' * (value < 0)}{str(abs(value))[:10] if abs(value) < 10**4000 else '1'}..."
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_hits(hits: object, total: object) -> None:
    """Refuse what is no share: hits have to be whole, and at most the total.

    >>> check_hits(16, 15)
    Traceback (most recent call last):
    ValueError: 16 of 15 is not a share. Give at least one request, and hits from 0 to that number.
    """
    if not is_count(total, 1, LARGEST_COUNT) or not is_count(hits, 0, total):
        raise ValueError(
            f"{shown(hits)} of {shown(total)} is not a share. Give at least one request, and hits "
            "from 0 to that number."
        )


def is_number(value: object, least: Any = -math.inf, most: Any = math.inf) -> bool:
    """Whether a value is a number within these limits; what is not a number is in none.

    >>> is_number(0.5, 0, 1), is_number("0.5", 0, 1), is_number(math.nan)
    (True, False, False)
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    return bool(least <= value <= most)


def is_count(value: object, least: Any = 1, most: Any = math.inf) -> bool:
    """Whether a value is a whole number within these limits.

    >>> is_count(20), is_count(0), is_count(2.5)
    (True, False, False)
    """
    return isinstance(value, Integral) and is_number(value, least, most)


def is_fraction(value: object) -> bool:
    """Whether a value is a number between 0 and 1, and neither of them.

    >>> is_fraction(0.05), is_fraction(1), is_fraction("0.05")
    (True, False, False)
    """
    return is_number(value, 0, 1) and value not in {0, 1}


def check_count(count: object, things: str, most: int = LARGEST_COUNT) -> None:
    """Refuse a number of requests or connections below 1, with a fraction, or above `most`.

    >>> check_count(0, "requests", 1_000_000)
    Traceback (most recent call last):
    ValueError: 0 requests are too few. Give a whole number from 1 to 1,000,000.
    """
    if not is_count(count, 1, most):
        problem = "not a number of them"
        if is_count(count, -math.inf):
            problem = "too few" if is_count(count, -math.inf, 0) else "too many"
        raise ValueError(
            f"{shown(count)} {things} are {problem}. Give a whole number from 1 to {most:,}."
        )


def check_share(share: object, what: str = "share") -> None:
    """Refuse a share that is not from 0 to 1.

    >>> check_share(25)
    Traceback (most recent call last):
    ValueError: 25 is not a share. Give a fraction from 0 to 1: 0.25 is 25 percent.
    """
    if not is_number(share, 0, 1):
        article = "an" if what[0] in "aeiou" else "a"
        raise ValueError(
            f"{shown(share)} is not {article} {what}. Give a fraction from 0 to 1: 0.25 is 25 "
            "percent."
        )


def check_probability(probability: object, what: str) -> None:
    """Refuse a power, an alpha or a confidence that is not between 0 and 1.

    >>> check_probability(95, "confidence")
    Traceback (most recent call last):
    ValueError: The confidence cannot be 95. Give a fraction between 0 and 1, such as 0.95.
    """
    if not is_fraction(probability):
        example = 0.05 if what == "alpha" else 0.95
        raise ValueError(
            f"The {what} cannot be {shown(probability)}. Give a fraction between 0 and 1, such as "
            f"{example}."
        )


def check_seed(seed: object) -> None:
    """Refuse a seed of random draws that is no whole number from 0 on.

    >>> check_seed(-1)
    Traceback (most recent call last):
    ValueError: The seed cannot be -1. Give a whole number from 0 on.
    """
    if not is_count(seed, 0):
        raise ValueError(f"The seed cannot be {shown(seed)}. Give a whole number from 0 on.")


def checked_seconds(latencies: Iterable[float], whose: str) -> list[float]:
    """Latencies as a list, or ValueError if there is none or one is no time.

    >>> checked_seconds([0.1, -1.0], "the canary")
    Traceback (most recent call last):
    ValueError: -1.0 is not a latency of the canary. Give seconds from 0 on.
    """
    if not isinstance(latencies, Iterable):
        raise ValueError(
            f"{shown(latencies)} is no list of latencies of {whose}. Give several, in seconds."
        )
    seconds = list(latencies)
    if not seconds:
        raise ValueError(f"There is no latency of {whose}. Give at least one, in seconds.")
    for each in seconds:
        if not is_number(each, 0, sys.float_info.max):
            raise ValueError(f"{shown(each)} is not a latency of {whose}. Give seconds from 0 on.")
    return [float(each) for each in seconds]
