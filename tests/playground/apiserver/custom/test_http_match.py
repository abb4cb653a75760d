"""Which requests a rule can be for."""

from __future__ import annotations

import pytest

from tests.playground.apiserver.specimens import http_route, rule, said

WHEN = "when type one of ['Exact', 'PathPrefix']"
CHARACTERS = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"


def problems(value: str, kind: str) -> list[str]:
    """What is said of a path."""
    sentences = said(http_route(rule(matches=[{"path": {"type": kind, "value": value}}])))
    return [one.removeprefix("spec.rules[0].matches[0].path: Invalid value: ") for one in sentences]


@pytest.mark.parametrize("kind", ["Exact", "PathPrefix"])
@pytest.mark.parametrize("value", ["/", "/canary", "/canary/", "/a%20b", "/a.b/..c", "/a;b=(c)"])
def test_a_path_in_order(value: str, kind: str) -> None:
    assert problems(value, kind) == []


@pytest.mark.parametrize("kind", ["Exact", "PathPrefix"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("canary", f"value must be an absolute path and start with '/' {WHEN}"),
        ("/a//b", f"must not contain '//' {WHEN}"),
        ("/a/./b", f"must not contain '/./' {WHEN}"),
        ("/a/../b", f"must not contain '/../' {WHEN}"),
        ("/a%2fb", f"must not contain '%2f' {WHEN}"),
        ("/a%2Fb", f"must not contain '%2F' {WHEN}"),
        ("/a/..", f"must not end with '/..' {WHEN}"),
        ("/a/.", f"must not end with '/.' {WHEN}"),
        (
            "/a b",
            f"must only contain valid characters (matching {CHARACTERS}) "
            "for types ['Exact', 'PathPrefix']",
        ),
    ],
)
def test_a_path_no_client_asks_for(value: str, kind: str, problem: str) -> None:
    assert problems(value, kind) == [problem]


def test_a_mark_is_wrong_twice() -> None:
    assert problems("/a#b", "Exact")[0] == f"must not contain '#' {WHEN}"


def test_a_regular_expression_may_be_anything() -> None:
    assert problems("canary//[0-9]+#", "RegularExpression") == []


def test_a_header_is_asked_for_once() -> None:
    headers = [{"name": "X-Canary", "value": value} for value in ("always", "never")]
    assert said(http_route(rule(matches=[{"headers": headers}]))) == [
        'spec.rules[0].matches[0].headers[1]: Duplicate value: {"name":"X-Canary"}'
    ]


def test_a_method_is_one_of_nine() -> None:
    assert said(http_route(rule(matches=[{"method": "get"}])))[0] == (
        'spec.rules[0].matches[0].method: Unsupported value: "get": supported values: "GET", '
        '"HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"'
    )
