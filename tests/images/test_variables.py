"""Words of a Dockerfile line mean what Docker makes of them."""

from __future__ import annotations

import pytest

from canarylab.images.variables import assignments, substituted, words

VALUES = {"X": "x y", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("$X", "x y"),
        ("${X}z", "x yz"),
        ("$NOT_SET-", "-"),
        ("${NOT_SET:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NOT_SET-d}", "d"),
        ("${X:-d}", "x y"),
        ("${X:+d}", "d"),
        ("${EMPTY:+d}", ""),
        ("${EMPTY+d}", "d"),
        ("${NOT_SET:-${X}}", "x y"),
        ("'$X'", "$X"),
        ('"$X"', "x y"),
        (r"\$X", "$X"),
        (r'"\$X \" \n"', r'$X " \n'),
        ("costs $5", "costs $5"),
        ("end$", "end$"),
    ],
)
def test_a_name_stands_for_its_value(text: str, meaning: str) -> None:
    assert substituted(text, VALUES) == meaning


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("$X b", ["x y", "b"]),
        (r"a\ b 'c d' \"e", ["a b", "c d", '"e']),
        ("a'b c'd", ["ab cd"]),
        ("'' x", ["", "x"]),
        ("${NOT_SET:-a b} c", ["a b", "c"]),
        ("", []),
    ],
)
def test_a_line_falls_into_words(text: str, pieces: list[str]) -> None:
    assert words(text, VALUES) == pieces


@pytest.mark.parametrize("text", ["'a", 'b "c', "a '"])
def test_a_quote_without_an_end_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="has no end"):
        words(text, VALUES)


@pytest.mark.parametrize("text", ["${X", "${X%y}", "${}", "${X:?gone}", '"${X#x}"'])
def test_what_only_a_shell_knows_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not known"):
        substituted(text, VALUES)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("A=b", {"A": "b"}),
        ("A=b C='d e' F=$X", {"A": "b", "C": "d e", "F": "x y"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=", {"A": ""}),
        ("A b c", {"A": "b c"}),
        ("A $X", {"A": "x y"}),
    ],
)
def test_assignments_are_read_in_both_forms(text: str, pairs: dict[str, str]) -> None:
    assert assignments(text, VALUES) == pairs


@pytest.mark.parametrize("text", ["A", "=b", "A=b C"])
def test_what_assigns_nothing_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"no value|no assignment"):
        assignments(text, VALUES)
