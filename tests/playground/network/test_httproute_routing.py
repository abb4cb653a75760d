"""The rules of HTTPRoutes, and which of them matches a request.

What is expected is from https://gateway-api.sigs.k8s.io/reference/spec/#httproute and its fields.
"""

from __future__ import annotations

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.kube.kinds import GATEWAY_GROUP
from canarylab.playground.network.httproute_routing import match_request, select_rule
from tests.ingress_rules.ingress_objects import HOST, SPACE
from tests.playground.network.gateway_objects import (
    LISTENER,
    built,
    gateway,
    named,
    path,
    route,
    rule,
    to,
)


def reached(
    target: str, *routes: Object, host: str = HOST, method: str = "GET", **headers: str
) -> str:
    """The first backend of the rule that means the request."""
    request = match_request(
        host, method, target, {name.lower(): text for name, text in headers.items()}
    )
    found = None if request is None else select_rule(built(*routes).rules, request)
    return found.backends[0].service.name if found else ""


PREVIEW = route(
    "preview", rule(to("canary"), path=path("/canary")), rule(to("prod"), path=path("/"))
)


@pytest.mark.parametrize(
    ("target", "backend"),
    [
        ("/", "prod"),
        ("/canary", "canary"),
        ("/canary/", "canary"),
        ("/canary/x?y=1", "canary"),
        ("/canarybird", "prod"),
        ("/CANARY", "prod"),
        ("/x/../canary", "canary"),
        ("/%zz", ""),
    ],
)
def test_a_prefix_is_compared_word_by_word(target: str, backend: str) -> None:
    assert reached(target, PREVIEW) == backend


def test_another_host_is_not_meant() -> None:
    assert reached("/", PREVIEW, host="other.com") == ""


def test_a_host_may_have_a_port_and_any_case() -> None:
    assert reached("/", PREVIEW, host="FOO.bar.com:8080") == "prod"


def test_exact_goes_before_prefix_whatever_the_order() -> None:
    both = route(
        "both",
        rule(to("prod"), path=path("/a/b/c")),
        rule(to("canary"), path=path("/a", "Exact")),
        rule(to("other"), path=path("/a")),
    )
    assert [reached(target, both) for target in ("/a", "/a/", "/a/b/c/d", "/a/b")] == [
        "canary",
        "other",
        "prod",
        "other",
    ]


def test_a_regular_expression_means_the_whole_path() -> None:
    one = route("one", rule(to("prod"), path=path("/v[12]/.*", "RegularExpression")))
    assert (reached("/v1/x", one), reached("/v3/x", one), reached("/a/v1/x", one)) == (
        "prod",
        "",
        "",
    )


def test_a_regular_expression_goes_after_a_longer_prefix_and_before_the_catch_all() -> None:
    """Traefik's order: `buildPathRule` in pkg/provider/kubernetes/gateway/httproute.go."""
    mixed = route(
        "mixed",
        rule(to("prod"), path=path("/")),
        rule(to("other"), path=path("/v.*", "RegularExpression")),
        rule(to("canary"), path=path("/v2")),
    )
    assert [reached(target, mixed) for target in ("/v1", "/v2", "/v2/x", "/x")] == [
        "other",
        "canary",
        "canary",
        "prod",
    ]


def test_of_two_regular_expressions_the_longer_one_goes_first() -> None:
    two = route(
        "two",
        rule(to("prod"), path=path("/v.*", "RegularExpression")),
        rule(to("canary"), path=path("/v[0-9].*", "RegularExpression")),
    )
    assert (reached("/v1", two), reached("/vx", two)) == ("canary", "prod")


def grant(**target: str) -> Object:
    """Routes of the namespace guest may name Services of the lab's."""
    return {
        "metadata": {"name": "guests", "namespace": SPACE},
        "spec": {
            "from": [{"group": GATEWAY_GROUP, "kind": "HTTPRoute", "namespace": "guest"}],
            "to": [{"group": "", "kind": "Service", **target}],
        },
    }


@pytest.mark.parametrize(
    ("grants", "unresolved"),
    [
        ([], "RefNotPermitted"),
        ([grant()], ""),
        ([grant(name="prod")], ""),
        ([grant(name="canary")], "RefNotPermitted"),
        ([grant(kind="Secret")], "RefNotPermitted"),
    ],
)
def test_a_service_of_another_namespace_needs_a_reference_grant(
    grants: list[Object], unresolved: str
) -> None:
    guest = route("guest", rule({**to("prod"), "namespace": SPACE}), space="guest")
    over = gateway({**LISTENER, "allowedRoutes": {"namespaces": {"from": "All"}}})
    rules = built(guest, over=over, grants=grants)
    assert rules.routes[0].unresolved == unresolved
    assert (rules.rules[0].backends[0].endpoints is None) == bool(unresolved)


@pytest.mark.parametrize("kind", ["RequestMirror", "RequestRedirect"])
def test_a_filter_that_a_single_backend_cannot_have_is_named(kind: str) -> None:
    contents: dict[str, Object] = {
        "RequestMirror": {"requestMirror": {"backendRef": to("canary")}},
        "RequestRedirect": {"requestRedirect": {"statusCode": 301}},
    }
    one = route("one", rule({**to("prod"), "filters": [{"type": kind, **contents[kind]}]}))
    assert built(one).routes[0].unsupported == (
        f"filter {kind} of a single backend is not supported"
    )


def test_a_header_decides_and_its_name_has_no_case() -> None:
    testers = route(
        "testers", rule(to("prod")), rule(to("canary"), headers=[named("X-Canary", "always")])
    )
    assert reached("/", testers, **{"x-canary": "always"}) == "canary"
    assert reached("/", testers, **{"X-Canary": "Always"}) == "prod"


def test_a_header_may_be_a_regular_expression() -> None:
    match = named("X-Team", "birds|bees", type="RegularExpression")
    one = route("one", rule(to("canary"), headers=[match]))
    assert (reached("/", one, **{"X-Team": "bees"}), reached("/", one, **{"X-Team": "beesw"})) == (
        "canary",
        "",
    )


def test_a_parameter_decides_by_its_first_value() -> None:
    one = route("one", rule(to("canary"), queryParams=[named("v", "2")]), rule(to("prod")))
    assert (reached("/?v=2&v=1", one), reached("/?v=1&v=2", one)) == ("canary", "prod")


def test_a_method_decides() -> None:
    one = route("one", rule(to("prod")), rule(to("canary"), method="POST"))
    assert (reached("/", one, method="POST"), reached("/", one)) == ("canary", "prod")


def test_of_equal_paths_method_then_headers_then_parameters_decide() -> None:
    header, parameter = [named("X-A", "1")], [named("a", "1")]
    all_of_them = route(
        "all",
        rule(to("other"), queryParams=parameter),
        rule(to("canary"), headers=header),
        rule(to("prod"), method="GET"),
    )
    assert reached("/?a=1", all_of_them, **{"X-A": "1"}) == "prod"
    assert reached("/?a=1", all_of_them, method="PUT", **{"X-A": "1"}) == "canary"
    assert reached("/?a=1", all_of_them, method="PUT") == "other"


def test_the_narrowest_host_goes_before_the_longest_path() -> None:
    wide = route("a-wide", rule(to("other"), path=path("/very/long")), hostnames=["*.bar.com"])
    assert reached("/very/long", wide, PREVIEW) == "prod"
    assert reached("/very/long", wide, PREVIEW, host="x.y.bar.com") == "other"
    assert reached("/very/long", wide, PREVIEW, host="bar.com") == ""


def test_of_two_routes_alike_the_older_then_the_first_by_name_decides() -> None:
    one, two = route("one", rule(to("prod"))), route("two", rule(to("canary")))
    assert reached("/", two, one) == "prod"
    older = {**two, "metadata": {**two["metadata"], "creationTimestamp": "2026-01-01T00:00:00Z"}}
    younger = {**one, "metadata": {**one["metadata"], "creationTimestamp": "2026-01-02T00:00:00Z"}}
    assert reached("/", younger, older) == "canary"
