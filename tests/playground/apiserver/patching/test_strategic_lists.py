"""The order of merged lists, with all small lists there are."""

from __future__ import annotations

from itertools import permutations

import pytest

from canarylab.playground.apiserver.patching.strategic_lists import (
    ListChanges,
    arrange,
    merge_primitives,
)

SERVERS = [list(one) for size in range(4) for one in permutations("abc", size)]
ORDERS = [list(one) for size in range(4) for one in permutations("abd", size)]


def itself(item: str) -> str:
    return item


def merged(before: list[str], order: list[str]) -> list[str]:
    every = before + [item for item in order if item not in before]
    return arrange(every, order, before, itself)


@pytest.mark.parametrize("before", SERVERS, ids="".join)
@pytest.mark.parametrize("order", ORDERS, ids="".join)
def test_nothing_is_lost_and_both_orders_are_kept(before: list[str], order: list[str]) -> None:
    after = merged(before, order)
    assert sorted(after) == sorted({*before, *order})
    assert [item for item in after if item in order] == order
    others = [item for item in before if item not in order]
    assert [item for item in after if item not in order] == others


@pytest.mark.parametrize("before", SERVERS, ids="".join)
def test_the_servers_order_is_no_change(before: list[str]) -> None:
    assert merged(before, before) == before


def test_a_server_item_goes_first_if_it_stood_before() -> None:
    assert merged(["a", "b"], ["b"]) == ["a", "b"]


def test_a_plain_value_is_there_once() -> None:
    assert merge_primitives(["a", "b"], ListChanges(["b", "c"], [], None)) == ["a", "b", "c"]


def test_plain_values_are_put_in_order() -> None:
    assert merge_primitives(["a", "b"], ListChanges(["c"], ["a"], ["c", "b"])) == ["c", "b"]
