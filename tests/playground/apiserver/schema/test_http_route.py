"""HTTPRoutes that are valid, and those that are not."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS
from tests.playground.apiserver.documents import (
    complete,
    errors_of,
    http_route,
    mirror,
    rewrite,
    rule,
    weighted,
)

ANY = [{"path": {"type": "PathPrefix", "value": "/"}}]


def redirect(**fields: Any) -> Object:
    """A rule that redirects clients."""
    return {"filters": [{"type": "RequestRedirect", "requestRedirect": fields}]}


def with_timeouts(**timeouts: str) -> Object:
    return rule(timeouts=timeouts)


@pytest.mark.parametrize(
    "document",
    [
        http_route(),
        http_route(rule(backendRefs=[weighted(90), weighted(0, "nodeapp-svc-canary")])),
        http_route(rule(matches=[{"headers": [{"name": "X-Canary", "value": "always"}]}])),
        http_route(rule(matches=[{"path": {"value": "/canary"}}], filters=[rewrite()])),
        http_route(redirect(scheme="https", statusCode=301)),
        http_route(with_timeouts(request="10s", backendRequest="2s")),
        http_route(with_timeouts(request="0s", backendRequest="2s")),
        http_route(parentRefs=[{"name": "a", "sectionName": x} for x in ("http", "https")]),
        http_route(parentRefs=[{"name": "a"}, {"name": "b"}]),
        http_route(rule(name="a"), rule(name="b"), rule()),
    ],
)
def test_a_valid_route_is_accepted(document: Object) -> None:
    assert errors_of(document) == []


def test_a_rule_without_matches_matches_every_request() -> None:
    [made] = complete(http_route({"backendRefs": [{"name": "a", "port": 80}]}))["spec"]["rules"]
    service = {"group": "", "kind": "Service", "name": "a", "port": 80, "weight": 1}
    assert made == {"backendRefs": [service], "matches": ANY}


def test_a_route_without_rules_gets_one() -> None:
    route = http_route()
    del route["spec"]["rules"]
    assert complete(route)["spec"]["rules"] == [{"matches": ANY}]


def test_a_parent_is_a_gateway_by_default() -> None:
    assert complete(http_route())["spec"]["parentRefs"] == [
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "canarylab"}
    ]


def test_values_are_compared_exactly_by_default() -> None:
    match = {"headers": [{"name": "a", "value": "b"}], "queryParams": [{"name": "c", "value": "d"}]}
    [made] = complete(http_route(rule(matches=[match])))["spec"]["rules"][0]["matches"]
    assert (made["headers"][0]["type"], made["queryParams"][0]["type"]) == ("Exact", "Exact")
    assert made["path"] == ANY[0]["path"]


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            [{**rule(), **redirect(scheme="https")}],
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
            [with_timeouts(request="1s", backendRequest="1500ms")],
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
def test_invalid_rules_are_refused(rules: list[Object], problem: str) -> None:
    assert errors_of(http_route(*rules)) == [problem]


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        ([None, None], "sectionName must be unique"),
        (["http", "http"], "sectionName must be unique"),
        (["http", None], "sectionName must be specified"),
    ],
)
def test_references_to_one_parent_have_different_section_names(
    sections: list[str | None], problem: str
) -> None:
    parents = [
        {"name": "canarylab"} if section is None else {"name": "canarylab", "sectionName": section}
        for section in sections
    ]
    assert errors_of(http_route(parentRefs=parents)) == [
        f"spec.parentRefs: Invalid value: {problem} when parentRefs includes 2 or more references "
        "to the same parent"
    ]


def test_a_kind_that_is_no_service_needs_no_port() -> None:
    other = {"group": "example.com", "kind": "Bucket", "name": "a"}
    assert errors_of(http_route(rule(backendRefs=[other]))) == []


def test_the_status_of_each_parent_has_conditions_and_a_controller() -> None:
    status: Object = {"parents": [{"parentRef": {"name": "canarylab"}, "conditions": []}]}
    assert errors_of({**http_route(), "status": status})[:2] == [
        "status.parents[0].controllerName: Required value",
        "status.parents[0].conditions: Invalid value: 0: "
        "status.parents[0].conditions in body should have at least 1 items",
    ]


WHEN = "when type one of ['Exact', 'PathPrefix']"
CHARACTERS = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"


def path_errors(value: str, kind: str) -> list[str]:
    """The errors of the path of a match."""
    sentences = errors_of(http_route(rule(matches=[{"path": {"type": kind, "value": value}}])))
    return [one.removeprefix("spec.rules[0].matches[0].path: Invalid value: ") for one in sentences]


@pytest.mark.parametrize("kind", ["Exact", "PathPrefix"])
@pytest.mark.parametrize("value", ["/", "/canary", "/canary/", "/a%20b", "/a.b/..c", "/a;b=(c)"])
def test_a_valid_path_is_accepted(value: str, kind: str) -> None:
    assert path_errors(value, kind) == []


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
def test_an_invalid_path_is_refused(value: str, kind: str, problem: str) -> None:
    assert path_errors(value, kind) == [problem]


def test_a_path_has_no_fragment() -> None:
    assert path_errors("/a#b", "Exact")[0] == f"must not contain '#' {WHEN}"


def test_a_regular_expression_is_not_checked_as_a_path() -> None:
    assert path_errors("canary//[0-9]+#", "RegularExpression") == []


def test_header_matches_have_different_names() -> None:
    headers = [{"name": "X-Canary", "value": value} for value in ("always", "never")]
    assert errors_of(http_route(rule(matches=[{"headers": headers}]))) == [
        'spec.rules[0].matches[0].headers[1]: Duplicate value: {"name":"X-Canary"}'
    ]


def test_a_method_is_one_of_nine() -> None:
    assert errors_of(http_route(rule(matches=[{"method": "get"}])))[0] == (
        'spec.rules[0].matches[0].method: Unsupported value: "get": supported values: "GET", '
        '"HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"'
    )


HEADERS = {"set": [{"name": "X-Canary", "value": "always"}], "remove": ["Cookie"]}
OTHER = {"group": "example.com", "kind": "Step", "name": "a"}
GOOD: dict[str, tuple[str, Any]] = {
    "CORS": ("cors", {"allowOrigins": ["https://*.a.example"]}),
    "ExtensionRef": ("extensionRef", OTHER),
    "RequestHeaderModifier": ("requestHeaderModifier", HEADERS),
    "RequestMirror": ("requestMirror", mirror()["requestMirror"]),
    "RequestRedirect": ("requestRedirect", {"hostname": "a.example"}),
    "ResponseHeaderModifier": ("responseHeaderModifier", HEADERS),
    "URLRewrite": ("urlRewrite", rewrite()["urlRewrite"]),
}


def filter_errors(*filters: Object) -> list[str]:
    """The errors of these filters, without their paths."""
    sentences = errors_of(http_route({"filters": list(filters)}))
    return [one.partition("Invalid value: ")[2] for one in sentences]


def valid_filter(type_: str) -> Object:
    field, settings = GOOD[type_]
    return {"type": type_, field: settings}


def test_every_type_of_filter_is_tested_here() -> None:
    rules = STRUCTURAL_SCHEMAS["HTTPRoute"]["properties"]["spec"]["properties"]["rules"]
    filters = rules["items"]["properties"]["filters"]
    assert GOOD.keys() == set(filters["items"]["properties"]["type"]["enum"])


@pytest.mark.parametrize("type_", GOOD)
def test_a_valid_filter_is_accepted(type_: str) -> None:
    assert filter_errors(valid_filter(type_)) == []


@pytest.mark.parametrize("type_", GOOD)
def test_a_filter_needs_the_field_of_its_type(type_: str) -> None:
    field, _ = GOOD[type_]
    assert filter_errors({"type": type_}) == [
        f"filter.{field} must be specified for {type_} filter.type"
    ]


@pytest.mark.parametrize("type_", GOOD)
def test_a_filter_has_no_field_of_another_type(type_: str) -> None:
    field, settings = GOOD[type_]
    other = valid_filter("URLRewrite" if type_ == "ExtensionRef" else "ExtensionRef")
    assert filter_errors({**other, field: settings}) == [
        f"filter.{field} must be nil if the filter.type is not {type_}"
    ]


@pytest.mark.parametrize("type_", GOOD)
def test_most_filters_may_not_be_repeated(type_: str) -> None:
    repeated = [] if type_ in ("ExtensionRef", "RequestMirror") else [type_]
    assert filter_errors(valid_filter(type_), valid_filter(type_)) == [
        f"{name} filter cannot be repeated" for name in repeated
    ]


def test_a_redirect_and_a_rewrite_exclude_each_other() -> None:
    assert filter_errors(valid_filter("RequestRedirect"), valid_filter("URLRewrite")) == [
        "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, "
        "but not both"
    ]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            {"type": "ReplaceFullPath"},
            "replaceFullPath must be specified when type is set to 'ReplaceFullPath'",
        ),
        (
            {"type": "ReplacePrefixMatch"},
            "replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch'",
        ),
        (
            {"type": "ReplaceFullPath", "replaceFullPath": "/", "replacePrefixMatch": "/"},
            "type must be 'ReplacePrefixMatch' when replacePrefixMatch is set",
        ),
    ],
)
def test_a_path_modifier_has_the_field_of_its_type(path: Object, problem: str) -> None:
    assert filter_errors({"type": "URLRewrite", "urlRewrite": {"path": path}}) == [problem]


def test_a_mirror_has_a_percentage_or_a_fraction() -> None:
    both = mirror(percent=10, fraction={"numerator": 1})
    assert errors_of(http_route(rule(filters=[both]))) == [
        "spec.rules[0].filters[0].requestMirror: Invalid value: "
        "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter"
    ]


def test_a_fraction_is_at_most_one() -> None:
    assert filter_errors(mirror(fraction={"numerator": 101})) == [
        "numerator must be less than or equal to denominator"
    ]


@pytest.mark.parametrize(
    ("field", "others"),
    [("allowOrigins", "origins"), ("allowMethods", "methods"), ("allowHeaders", "methods")],
)
def test_a_wildcard_stands_alone(field: str, others: str) -> None:
    second = {"allowOrigins": "http://a.example", "allowMethods": "GET", "allowHeaders": "X-A"}
    name = field[0].upper() + field[1:]
    assert filter_errors({"type": "CORS", "cors": {field: ["*", second[field]]}}) == [
        f"{name} cannot contain '*' alongside other {others}"
    ]


def test_a_redirect_has_status_302_by_default() -> None:
    route = complete(http_route({"filters": [valid_filter("RequestRedirect")]}))
    [made] = route["spec"]["rules"][0]["filters"]
    assert made["requestRedirect"]["statusCode"] == 302


def test_a_redirect_needs_a_status_of_a_redirect() -> None:
    wrong = {"type": "RequestRedirect", "requestRedirect": {"statusCode": 200}}
    assert errors_of(http_route({"filters": [wrong]}))[0] == (
        "spec.rules[0].filters[0].requestRedirect.statusCode: Unsupported value: 200: "
        'supported values: "301", "302", "303", "307", "308"'
    )
