"""The server table of many paths."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from canarylab.ingress_rules.paths import compile_pattern
from canarylab.kube_objects import Object
from tests.ingress_rules.ingress_objects import Rule, built, canary, ingress


def many(count: int, service: str) -> list[Rule]:
    return [(f"/page-{number:05}", service) for number in range(count)]


def plain(count: int) -> list[Object]:
    return [ingress("old", *many(count, "prod"), age_s=9)]


def rewritten(count: int) -> list[Object]:
    return [ingress("old", *many(count, "prod"), age_s=9, rewrite_target="/")]


def repeated(count: int) -> list[Object]:
    return [*plain(count), ingress("young", *many(count, "other"))]


def with_canary(count: int) -> list[Object]:
    return [*plain(count), canary("new", *many(count, "canary"), canary_weight="10")]


def calls(build: Callable[[], object]) -> int:
    """How many functions are called."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        build()
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("ingresses", [plain, rewritten, repeated, with_canary])
def test_twice_the_paths_need_twice_the_steps(ingresses: Callable[[int], list[Object]]) -> None:
    few, more = ingresses(200), ingresses(400)
    built(*more)  # compiles the regular expressions

    assert calls(lambda: built(*more)) < 2.1 * calls(lambda: built(*few))


def test_regular_expressions_are_compiled_once_for_many_syncs() -> None:
    ingresses = rewritten(3_000)
    built(*ingresses)
    compiled = compile_pattern.cache_info().misses

    built(*ingresses)

    assert compile_pattern.cache_info().misses == compiled


def test_of_two_rules_for_one_path_the_older_ingress_decides() -> None:
    table = built(*repeated(2)).table

    assert {
        each.backend.service.name for each in table.servers["foo.bar.com"].locations if each.backend
    } == {"prod"}
