from __future__ import annotations

from itertools import product

import pytest

from canarylab.playground.controllers.proportion import Part, spread


def all_parts() -> list[list[Part]]:
    """Two or three versions, the largest first, in all their small sizes."""
    sizes = [
        pair for pair in product(range(6), range(6), range(3)) if sorted(pair)[::-1] == [*pair]
    ]
    return [
        [Part(size, ceiling=sum(some) + slack) for size in some if size]
        for some, slack in product(sizes, range(3))
        if some[0]
    ]


@pytest.mark.parametrize("allowed", range(13))
def test_all_sizes_together_come_to_what_is_allowed(allowed: int) -> None:
    for parts in all_parts():
        assert sum(spread(allowed, parts)) == allowed, parts


@pytest.mark.parametrize("allowed", range(13))
def test_no_size_is_negative(allowed: int) -> None:
    for parts in all_parts():
        assert min(spread(allowed, parts)) >= 0, parts


@pytest.mark.parametrize("allowed", range(13))
def test_nobody_shrinks_while_the_whole_grows(allowed: int) -> None:
    for parts in all_parts():
        if allowed >= parts[0].ceiling:
            sizes = spread(allowed, parts)
            assert all(size >= part.size for size, part in zip(sizes, parts, strict=True)), parts


def test_nothing_changes_when_nothing_is_to_be_added() -> None:
    for parts in all_parts():
        sizes = [part.size for part in parts]
        assert spread(sum(sizes), [Part(size, ceiling=sum(sizes)) for size in sizes]) == sizes


def test_double_is_double_for_each() -> None:
    assert spread(12, [Part(4, ceiling=6), Part(2, ceiling=6)]) == [8, 4]


def test_what_rounding_leaves_goes_to_the_largest() -> None:
    assert spread(7, [Part(2, ceiling=6)] * 3) == [3, 2, 2]


def test_what_rounding_takes_too_much_the_last_goes_without() -> None:
    assert spread(8, [Part(2, ceiling=6)] * 3) == [3, 3, 2]


def test_scaled_to_nothing_nothing_is_left() -> None:
    assert spread(0, [Part(3, ceiling=5), Part(2, ceiling=5)]) == [0, 0]
