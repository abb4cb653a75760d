"""How does Go print a quantity, such as `500m` or `64Mi`?

Only `template_hash.py` asks. Kubernetes keeps a quantity as a number, a power of ten and its
format, and keeps the text too if parsing could tell cheaply that it was the shortest one.
"""

from __future__ import annotations

import re

_QUANTITY = re.compile(r"(?P<digits>0|[1-9][0-9]*)(?P<suffix>[numkMGTPE]?|[KMGTPE]i)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {f"{letter}i": 10 * power for power, letter in enumerate("KMGTPE", start=1)}
_MOST_DIGITS = 18  # of a decimal number; what is longer, Kubernetes keeps in another form


class NotPrintableError(Exception):
    """Raised for a value that we cannot print as Go would."""


def quantity(value: float | str | None) -> str:
    """The quantity as a Go value, without its type.

    >>> quantity("500m")[:55]
    '{i:(resource.int64Amount){value:(int64)500 scale:(resou'
    """
    text = "0" if value is None else str(value)
    if text == "0":
        return _go(0, 0, text, "DecimalSI")
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise NotPrintableError(f"{text} is not a quantity in its shortest form")
    digits, suffix = found["digits"], found["suffix"]
    return _binary(digits, suffix) if suffix in _BINARY else _decimal(digits, suffix)


def _binary(digits: str, suffix: str) -> str:
    power = _BINARY[suffix]
    if 15 - len(digits) - int(power * 3 / 10) - 1 < 0:  # as roughly as Kubernetes counts digits
        raise NotPrintableError(f"{digits}{suffix} is too large")
    is_kept = int(digits) % 8 != 0
    return _go(int(digits) << power, 0, digits + suffix if is_kept else "", "BinarySI")


def _decimal(digits: str, suffix: str) -> str:
    if len(digits) > _MOST_DIGITS:
        raise NotPrintableError(f"{digits}{suffix} is too large")
    is_kept = not digits.endswith("000") and not digits.startswith("0")
    return _go(int(digits), _DECIMAL[suffix], digits + suffix if is_kept else "", "DecimalSI")


def _go(number: int, scale: int, text: str, form: str) -> str:
    return (
        f"{{i:(resource.int64Amount){{value:(int64){number} scale:(resource.Scale){scale}}} "
        "d:(resource.infDecAmount){Dec:(*inf.Dec)<nil>} "
        f"s:(string){text} Format:(resource.Format){form}}}"
    )
