"""Quantities and durations: amounts of processors, memory and time in the text of Kubernetes.

`0.5` processors are `500m`, and `1024Mi` of memory are `1Gi`: the largest suffix that leaves a
whole number, of the family (binary, decimal, exponent) in which the quantity was given.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from canarylab.kube_objects import parse_integer

QUANTITY_PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
"""The pattern in the messages of Kubernetes."""
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL_SUFFIXES = {
    "n": -3,
    "u": -2,
    "m": -1,
    "": 0,
    "k": 1,
    "M": 2,
    "G": 3,
    "T": 4,
    "P": 5,
    "E": 6,
}
_MAX_QUANTITY = Fraction(2**63 - 1)
"""A larger amount is stored as this one, as in Kubernetes."""
_MAX_QUANTITY_LENGTH = 100  # characters; what is longer costs too much to compute with
_MAX_EXPONENT = 999
"""A larger exponent has the same effect, whatever the number before it."""
_QUANTITY = re.compile(
    r"^(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?P<suffix>[a-zA-Z]{0,2}|[eE][+-]?\d+)$"
)
_NANO = Fraction(1, 10**9)  # the smallest fraction that is kept


class InvalidQuantityError(ValueError):
    """Raised for a text that is not a quantity."""


def parse_quantity(text: str) -> Fraction:
    """The number of a quantity.

    >>> parse_quantity("500m")
    Fraction(1, 2)
    """
    number, suffix = _number_and_suffix(text)
    value = number * _suffix_factor(suffix)
    return max(-_MAX_QUANTITY, min(value, _MAX_QUANTITY))


def canonical_quantity(text: str) -> str:
    """The quantity as Kubernetes writes it.

    >>> [canonical_quantity(text) for text in ("0.5", "1024Mi", "1.5Gi", "2000m")]
    ['500m', '1Gi', '1536Mi', '2']
    """
    value, (_, suffix) = parse_quantity(text), _number_and_suffix(text)
    if suffix in _BINARY_SUFFIXES[1:] and abs(value) >= 1024 and value.denominator == 1:
        return _binary_quantity(value)
    rounded = Fraction(math.ceil(abs(value) / _NANO)) * _NANO
    sign = "-" if value < 0 else ""
    exponent = _decimal_exponent(rounded)
    number = f"{sign}{rounded / _power(1000, exponent)}"
    if suffix[:1] in ("e", "E") and suffix[1:]:
        return f"{number}e{3 * exponent}" if exponent else number
    return number + next(name for name, power in _DECIMAL_SUFFIXES.items() if power == exponent)


def _suffix_factor(suffix: str) -> Fraction:
    if suffix in _BINARY_SUFFIXES[1:]:
        return Fraction(1024 ** _BINARY_SUFFIXES.index(suffix))
    if suffix in _DECIMAL_SUFFIXES:
        return _power(1000, _DECIMAL_SUFFIXES[suffix])
    if suffix[:1] in ("e", "E") and suffix[1:]:
        exponent = parse_integer(suffix[1:])
        if exponent is None:
            raise InvalidQuantityError(suffix)
        return _power(10, max(-_MAX_EXPONENT, min(exponent, _MAX_EXPONENT)))
    raise InvalidQuantityError(suffix)


def _power(base: int, exponent: int) -> Fraction:
    return Fraction(base**exponent) if exponent >= 0 else Fraction(1, base**-exponent)


def _number_and_suffix(text: str) -> tuple[Fraction, str]:
    found = _QUANTITY.match(text) if len(text) <= _MAX_QUANTITY_LENGTH else None
    if found is None:
        raise InvalidQuantityError(text)
    return Fraction(found["number"]), found["suffix"]


def _binary_quantity(value: Fraction) -> str:
    power = 0
    while power < len(_BINARY_SUFFIXES) - 1 and value % 1024 == 0:
        value, power = value / 1024, power + 1
    return f"{value}{_BINARY_SUFFIXES[power]}"


def _decimal_exponent(value: Fraction) -> int:
    """The largest power of a thousand that divides the value."""
    if value == 0:
        return 0
    powers = range(max(_DECIMAL_SUFFIXES.values()), min(_DECIMAL_SUFFIXES.values()) - 1, -1)
    return next(power for power in powers if (value / _power(1000, power)).denominator == 1)


_DURATION_PART = re.compile(r"(\d+)(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def duration_seconds(duration: str) -> float:
    """The seconds of a duration of the Gateway API.

    >>> duration_seconds("1h30m"), duration_seconds("500ms")
    (5400.0, 0.5)
    """
    return sum(int(count) * _SECONDS[unit] for count, unit in _DURATION_PART.findall(duration))
