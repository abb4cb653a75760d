"""Words and variables of a Dockerfile."""

from __future__ import annotations

import pytest

from canarylab.images.words import (
    exec_form,
    expand,
    expand_document,
    expand_each,
    parse_assignments,
    split_words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", "b c"]', ["a", "b c"]),
        ("[]", []),
        ("a b", None),
        ("['a']", None),
        ("[1]", None),
        ('["a"', None),
    ],
)
def test_a_json_list_of_texts_needs_no_shell(text: str, expected: list[str] | None) -> None:
    assert exec_form(text) == expected


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
def test_variables_are_expanded(text: str, meaning: str) -> None:
    assert expand(text, VALUES) == meaning


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
def test_a_line_is_split_into_words(text: str, pieces: list[str]) -> None:
    assert split_words(text, VALUES) == pieces


@pytest.mark.parametrize("text", ["'a", 'b "c', "a '"])
def test_a_quote_without_an_end_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="has no end"):
        split_words(text, VALUES)


@pytest.mark.parametrize("text", ["${X", "${X%y}", "${}", "${X:?gone}", '"${X#x}"'])
def test_expansions_that_only_a_shell_supports_are_errors(text: str) -> None:
    with pytest.raises(ValueError, match="is not supported"):
        expand(text, VALUES)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("A=b", {"A": "b"}),
        ("A=b C='d e' F=$X", {"A": "b", "C": "d e", "F": "x y"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=", {"A": ""}),
        ("A b c", {"A": "b c"}),
        ("A  b   c\t d", {"A": "b   c\t d"}),
        ("A 'b  c' $X", {"A": "b  c x y"}),
        ("A B= C=d", {"A": "B= C=d"}),
        ("A $X", {"A": "x y"}),
    ],
)
def test_assignments_are_read_in_both_forms(text: str, pairs: dict[str, str]) -> None:
    assert parse_assignments(text, VALUES) == pairs


@pytest.mark.parametrize("text", ["A", "=b", "A=b C"])
def test_text_that_is_not_an_assignment_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"no value|not an assignment"):
        parse_assignments(text, VALUES)


@pytest.mark.parametrize(
    ("text", "words"),
    [("a $X", ["a", "x y"]), ("\"a\" 'b'", ["a", "b"]), (r"a\b", ["ab"])],
)
def test_copy_lines_are_split_at_their_spaces_alone(text: str, words: list[str]) -> None:
    assert expand_each(text, VALUES) == words


def test_a_name_with_a_space_needs_a_json_list() -> None:
    with pytest.raises(ValueError, match="has no end"):
        expand_each("'a b' c", VALUES)


def test_quotes_in_a_here_document_stay() -> None:
    assert expand_document('it\'s "$X" \\$X', VALUES) == 'it\'s "x y" $X'
