"""Versions can be told apart without seeing colour, and seen at all on paper."""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.colors import to_rgb

from canarylab.figures import INK, MUTED, PAPER, version_styles

SIX = ["1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "other"]
TEXT, SHAPE = 4.5, 3.0  # contrast to one, WCAG 2.2


def brightness(colour: str) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
             for part in to_rgb(colour)]  # fmt: skip
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: str, two: str) -> float:
    darker, lighter = sorted([brightness(one), brightness(two)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colour", [INK, MUTED])
def test_text_stands_out_from_the_paper(colour: str) -> None:
    assert contrast(colour, PAPER) >= TEXT


@pytest.mark.parametrize("name", SIX)
def test_shapes_stand_out_from_the_paper(name: str) -> None:
    assert contrast(version_styles(SIX)[name].colour, PAPER) >= SHAPE


def test_versions_differ_in_shape_and_hatch_and_colour() -> None:
    for one, two in combinations(version_styles(SIX).values(), 2):
        assert (one.marker != two.marker, one.hatch != two.hatch, one.colour != two.colour) == (
            True, True, True,
        )  # fmt: skip


def test_production_and_canary_differ_without_colour_too() -> None:
    found = version_styles(["1.0", "2.0"])
    assert contrast(found["1.0"].colour, found["2.0"].colour) > 1.5


def test_a_version_looks_the_same_alone() -> None:
    assert version_styles(["2.0"])["2.0"] == version_styles(SIX)["2.0"]
