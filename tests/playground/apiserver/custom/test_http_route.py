"""HTTPRoutes that a cluster takes, and those it does not."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import complete, http_route, rewrite, rule, said, weighted

ANY = [{"path": {"type": "PathPrefix", "value": "/"}}]


def elsewhere(**fields: Any) -> Object:
    """A rule that sends clients away."""
    return {"filters": [{"type": "RequestRedirect", "requestRedirect": fields}]}


def lasting(**timeouts: str) -> Object:
    return rule(timeouts=timeouts)


@pytest.mark.parametrize(
    "document",
    [
        http_route(),
        http_route(rule(backendRefs=[weighted(90), weighted(0, "nodeapp-svc-canary")])),
        http_route(rule(matches=[{"headers": [{"name": "X-Canary", "value": "always"}]}])),
        http_route(rule(matches=[{"path": {"value": "/canary"}}], filters=[rewrite()])),
        http_route(elsewhere(scheme="https", statusCode=301)),
        http_route(lasting(request="10s", backendRequest="2s")),
        http_route(lasting(request="0s", backendRequest="2s")),
        http_route(parentRefs=[{"name": "a", "sectionName": x} for x in ("http", "https")]),
        http_route(parentRefs=[{"name": "a"}, {"name": "b"}]),
        http_route(rule(name="a"), rule(name="b"), rule()),
    ],
)
def test_a_route_in_order(document: Object) -> None:
    assert said(document) == []


def test_a_rule_that_says_nothing_is_for_every_request() -> None:
    [made] = complete(http_route({"backendRefs": [{"name": "a", "port": 80}]}))["spec"]["rules"]
    service = {"group": "", "kind": "Service", "name": "a", "port": 80, "weight": 1}
    assert made == {"backendRefs": [service], "matches": ANY}


def test_a_route_without_rules_has_one() -> None:
    route = http_route()
    del route["spec"]["rules"]
    assert complete(route)["spec"]["rules"] == [{"matches": ANY}]


def test_a_route_is_attached_to_a_gateway_if_nobody_says_more() -> None:
    assert complete(http_route())["spec"]["parentRefs"] == [
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "canarylab"}
    ]


def test_what_is_compared_is_equal_if_nobody_says_more() -> None:
    match = {"headers": [{"name": "a", "value": "b"}], "queryParams": [{"name": "c", "value": "d"}]}
    [made] = complete(http_route(rule(matches=[match])))["spec"]["rules"][0]["matches"]
    assert (made["headers"][0]["type"], made["queryParams"][0]["type"]) == ("Exact", "Exact")
    assert made["path"] == ANY[0]["path"]


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            [{**rule(), **elsewhere(scheme="https")}],
            "spec.rules[0]: Invalid value: "
            "RequestRedirect filter must not be used together with backendRefs",
        ),
        (
            [rule(matches=[{}, {}], filters=[rewrite()])],
            "spec.rules[0]: Invalid value: When using URLRewrite filter with "
            "path.replacePrefixMatch, exactly one PathPrefix match must be specified",
        ),
        (
            [rule(matches=[{"path": {"type": "Exact"}}], filters=[rewrite()])],
            "spec.rules[0]: Invalid value: When using URLRewrite filter with "
            "path.replacePrefixMatch, exactly one PathPrefix match must be specified",
        ),
        (
            [rule(matches=[{}, {}], backendRefs=[weighted(filters=[rewrite()])])],
            "spec.rules[0]: Invalid value: Within backendRefs, When using URLRewrite filter with "
            "path.replacePrefixMatch, exactly one PathPrefix match must be specified",
        ),
        (
            [rule(name="a"), rule(name="a")],
            "spec.rules: Invalid value: Rule name must be unique within the route",
        ),
        (
            [rule(matches=[{}] * 64), rule(matches=[{}] * 64), rule()],
            "spec.rules: Invalid value: While 16 rules and 64 matches per rule are allowed, the "
            "total number of matches across all rules in a route must be less than 128",
        ),
        (
            [lasting(request="1s", backendRequest="1500ms")],
            "spec.rules[0].timeouts: Invalid value: "
            "backendRequest timeout cannot be longer than request timeout",
        ),
        (
            [rule(backendRefs=[{"name": "a"}])],
            "spec.rules[0].backendRefs[0]: Invalid value: Must have port for Service reference",
        ),
        (
            [rule(backendRefs=[weighted(1_000_001)])],
            "spec.rules[0].backendRefs[0].weight: Invalid value: 1000001: spec.rules[0]."
            "backendRefs[0].weight in body should be less than or equal to 1000000",
        ),
    ],
)
def test_rules_that_cannot_be(rules: list[Object], problem: str) -> None:
    assert said(http_route(*rules)) == [problem]


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        ([None, None], "sectionName must be unique"),
        (["http", "http"], "sectionName must be unique"),
        (["http", None], "sectionName must be specified"),
    ],
)
def test_two_parents_are_two_parts(sections: list[str | None], problem: str) -> None:
    parents = [
        {"name": "canarylab"} if section is None else {"name": "canarylab", "sectionName": section}
        for section in sections
    ]
    assert said(http_route(parentRefs=parents)) == [
        f"spec.parentRefs: Invalid value: {problem} when parentRefs includes 2 or more references "
        "to the same parent"
    ]


def test_a_kind_that_is_no_service_needs_no_port() -> None:
    other = {"group": "example.com", "kind": "Bucket", "name": "a"}
    assert said(http_route(rule(backendRefs=[other]))) == []


def test_a_status_says_what_each_parent_thinks() -> None:
    status: Object = {"parents": [{"parentRef": {"name": "canarylab"}, "conditions": []}]}
    assert said({**http_route(), "status": status})[:2] == [
        "status.parents[0].controllerName: Required value",
        "status.parents[0].conditions: Invalid value: 0: "
        "status.parents[0].conditions in body should have at least 1 items",
    ]
