"""Bodies of any size and depth are read or refused, and none is expanded first."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from canarylab.errors import ApiError, BadRequestError
from canarylab.playground.apiserver.documents import (
    MAX_DEPTH,
    MAX_JSON_PATCH_VALUES,
    MAX_VALUES,
    parse_json,
    parse_yaml,
)

TOO_MANY = f"^Request entity too large: limit is {MAX_VALUES} values$"
ANCHORS = [f"a{number}" for number in range(40)]


def from_yaml(text: str) -> object:
    return asyncio.run(parse_yaml(text.encode()))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'["/x\ud800"]', ["/x\ufffd"]),
        (rb'["\ud83d\ude00"]', ["\N{GRINNING FACE}"]),
        ('["é"]'.encode(), ["é"]),
        (b'["\xff"]', ["\ufffd"]),
    ],
)
def test_what_is_not_unicode_in_json_is_replaced(body: bytes, value: list[str]) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 15_000])
def test_a_document_nested_too_deeply_is_refused(depth: int) -> None:
    body = "[" * depth + "]" * depth
    for read in (from_yaml, lambda text: parse_json(text.encode())):
        with pytest.raises(BadRequestError, match=r"(?s)parse error: .*(max depth|nesting depth)"):
            read(body)


def test_a_hundred_thousand_brackets_are_refused() -> None:
    for read in (from_yaml, lambda text: parse_json(text.encode())):
        with pytest.raises(ApiError):
            read("[" * 100_000)


def test_a_document_as_deep_as_allowed_is_read() -> None:
    body = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert from_yaml(body) == parse_json(body.encode())


@pytest.mark.parametrize("item", ["1", "[]", '{"a": 1}', '","'])
def test_a_document_of_too_many_values_is_refused(item: str) -> None:
    with pytest.raises(ApiError, match=TOO_MANY) as refused:
        parse_json(f"[{','.join([item] * MAX_VALUES)}]".encode())
    assert refused.value.code == 413


def test_a_million_values_are_refused_before_they_are_made() -> None:
    with pytest.raises(ApiError, match=TOO_MANY):
        parse_json(b"[" + b"[]," * 1_000_000 + b"not json")


def test_commas_in_a_text_are_no_values() -> None:
    text = ',[{\\"' * MAX_VALUES
    assert parse_json(f'{{"a": "{text}"}}'.encode()) == {"a": text.replace("\\", "")}


def test_a_patch_may_have_as_many_values_as_its_steps_need() -> None:
    body = f"[{','.join(['1'] * (MAX_JSON_PATCH_VALUES - 1))}]".encode()
    assert isinstance(parse_json(body, most=MAX_JSON_PATCH_VALUES), list)


@pytest.mark.parametrize("link", ["[*{0}, *{0}]", "{{b: *{0}, c: *{0}}}", "{{<<: [*{0}, *{0}]}}"])
def test_aliases_of_yaml_count_as_what_they_repeat(link: str) -> None:
    lines = [f"{after}: &{after} {link.format(before)}" for before, after in pairwise(ANCHORS)]
    with pytest.raises(ApiError, match=TOO_MANY):
        from_yaml("\n".join(["a0: &a0 {x: 1}", *lines]))


def test_an_alias_of_itself_is_refused() -> None:
    with pytest.raises(BadRequestError, match="exceeded max depth"):
        from_yaml("a: &a [*a]")


def test_yaml_has_the_types_of_json() -> None:
    text = "[1, 0x10, 1.5, 1e3, yes, ~, 2026-01-01, -3, .inf, '1', 1:30]"
    assert from_yaml(text) == [
        *(1, 16, 1.5, 1000.0, True, None, "2026-01-01", -3, ".inf", "1", "1:30")
    ]


def test_keys_of_yaml_are_strings() -> None:
    assert from_yaml("{1: a, true: b, null: c}") == {"1": "a", "true": "b", "null": "c"}


def test_a_large_body_of_yaml_is_read_as_a_small_one_is() -> None:
    lines = [f"k{number}: {number}" for number in range(5_000)]
    assert from_yaml("\n".join(lines)) == {f"k{number}": number for number in range(5_000)}


@pytest.mark.parametrize(
    "text",
    [
        *("!!set {a}", "!!binary aGVsbG8=", "!!timestamp 2026-01-01", "!!bool x", "!!int 1:2"),
        *("!!float .nan", "!!python/object:os.system {}", "a\n---\nb", "a: [", "\0", "{[1]: x}"),
        *("1" * 5_000, "0x" + "f" * 20_000, "- " * 500, "*a"),
    ],
)
def test_what_json_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="parse error: "):
        from_yaml(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 400, "9" * 5_000])
def test_a_number_that_go_cannot_hold_is_refused(number: str) -> None:
    with pytest.raises(BadRequestError, match="json parse error: "):
        parse_json(f"[{number}]".encode())
