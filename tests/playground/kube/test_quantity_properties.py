"""Quantities by the rules of apimachinery."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from canarylab.playground.kube.quantities import canonical_quantity, parse_quantity
from tests.properties import with_examples

DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY: dict[str, int] = {
    name: 1024 ** (power + 1) for power, name in enumerate(["Ki", "Mi", "Gi", "Ti", "Pi"])
}
numbers = st.one_of(
    st.integers(-9999, 9999).map(str),
    st.decimals(-999, 999, places=3, allow_nan=False).map(lambda number: f"{number:f}"),
)
suffixes = st.sampled_from([*DECIMAL, *BINARY, "e3", "E-3", "e6", "e0"])
quantities = st.tuples(numbers, suffixes).map("".join)


LARGEST = 2**63 - 1


def model(number: str, suffix: str) -> Fraction:
    """Larger ones are the largest, as in apimachinery."""
    return min(max(exactly(number, suffix), Fraction(-LARGEST)), Fraction(LARGEST))


def exactly(number: str, suffix: str) -> Fraction:
    if suffix in BINARY:
        return Fraction(number) * BINARY[suffix]
    power = DECIMAL[suffix] if suffix in DECIMAL else int(suffix[1:])
    return Fraction(f"{number}e{power}")


@with_examples(80)
@given(numbers, suffixes)
def test_a_quantity_is_a_number_times_its_suffix(number: str, suffix: str) -> None:
    assert parse_quantity(number + suffix) == model(number, suffix)


@with_examples(80)
@given(quantities)
def test_the_canonical_form_is_the_same_number_rounded_up_to_a_billionth(text: str) -> None:
    value = parse_quantity(text)
    away_from_zero = math.floor if value < 0 else math.ceil
    rounded = Fraction(away_from_zero(value * 10**9), 10**9)
    assert parse_quantity(canonical_quantity(text)) == rounded


@with_examples(80)
@given(quantities)
def test_the_canonical_form_is_its_own(text: str) -> None:
    once = canonical_quantity(text)
    assert canonical_quantity(once) == once


@with_examples(80)
@given(quantities)
def test_the_canonical_form_has_no_fraction(text: str) -> None:
    assert "." not in canonical_quantity(text)
