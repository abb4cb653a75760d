"""Quantities."""

from __future__ import annotations

from fractions import Fraction

import pytest

from canarylab.playground.kube.quantities import (
    InvalidQuantityError,
    canonical_quantity,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("1", "1"),
        ("0", "0"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1.", "1"),
        ("+1", "1"),
        ("-250m", "-250m"),
        ("1000m", "1"),
        ("1500", "1500"),
        ("2000", "2k"),
        ("100k", "100k"),
        ("1000k", "1M"),
        ("128Mi", "128Mi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("512Ki", "512Ki"),
        ("0.5Ki", "512"),
        ("1e3", "1e3"),
        ("12e6", "12e6"),
        ("1E", "1E"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        ("100u", "100u"),
    ],
)
def test_a_quantity_has_the_largest_suffix_that_fits(given: str, written: str) -> None:
    assert canonical_quantity(given) == written


@pytest.mark.parametrize("number", [1, 7, 999, 1000, 1024, 1536, 1_000_000])
@pytest.mark.parametrize("suffix", ["m", "", "k", "M", "Ki", "Mi", "Gi", "e3"])
def test_the_canonical_form_is_the_same_number(number: int, suffix: str) -> None:
    assert parse_quantity(canonical_quantity(f"{number}{suffix}")) == parse_quantity(
        f"{number}{suffix}"
    )


@pytest.mark.parametrize("number", [1, 7, 999, 1000, 1024, 1536, 1_000_000])
@pytest.mark.parametrize("suffix", ["m", "", "k", "M", "Ki", "Mi", "Gi", "e3"])
def test_the_canonical_form_is_canonical(number: int, suffix: str) -> None:
    once = canonical_quantity(f"{number}{suffix}")
    assert canonical_quantity(once) == once


def test_quantities_of_different_suffixes_compare() -> None:
    assert parse_quantity("1Gi") > parse_quantity("1G") == Fraction(10**9)


@pytest.mark.parametrize("text", ["", "much", "1 Gi", "1gi", "1.2.3", "--1", "1K", "e3"])
def test_an_invalid_quantity_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuantityError):
        canonical_quantity(text)


@pytest.mark.parametrize("text", ["9" * 20_000, "0." + "0" * 20_000 + "1", "1e" + "9" * 50])
def test_a_quantity_that_is_too_long_to_compute_with_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuantityError):
        parse_quantity(text)


@pytest.mark.parametrize("text", ["1e99999999", "9" * 90, "8Ei"])
def test_a_quantity_is_at_most_what_64_bits_hold(text: str) -> None:
    assert parse_quantity(text) == 2**63 - 1


def test_a_tiny_quantity_is_rounded_up() -> None:
    assert canonical_quantity("1e-99999999") == "1e-9"
