"""Numbers and lists as words."""

from __future__ import annotations

import pytest

from canarylab.text import count_noun, join_words, percent, sort_naturally


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.25, "25 %"),
        (0.1465, "15 %"),
        (0.0996, "10 %"),
        (0.0456, "4.6 %"),
        (0.05, "5 %"),
        (0.0005, "under 0.1 %"),
        (0.004, "0.4 %"),
        (0.996, "99.6 %"),
        (0.9999, "over 99.9 %"),
    ],
)
def test_a_share_is_said_as_a_reader_says_it(share: float, words: str) -> None:
    assert percent(share) == words


def test_only_nothing_is_0_percent_and_only_everything_100() -> None:
    shares = [hits / 3000 for hits in range(1, 3000)]
    assert {percent(share) for share in shares}.isdisjoint({"0 %", "0.0 %", "100 %", "100.0 %"})


def test_one_thing_has_no_plural() -> None:
    assert [count_noun(number, "pod") for number in (0, 1, 2)] == ["0 pods", "1 pod", "2 pods"]


@pytest.mark.parametrize(
    ("things", "words"),
    [([], "nothing"), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_things_are_listed_in_a_phrase(things: list[str], words: str) -> None:
    assert join_words(things) == words


def test_versions_are_sorted_by_their_numbers() -> None:
    assert sort_naturally({"v10", "v9", "other", "1.10", "1.9"}) == [
        "1.9",
        "1.10",
        "v9",
        "v10",
        "other",
    ]
