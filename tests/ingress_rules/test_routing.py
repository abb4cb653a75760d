"""The canary's share is what its weight says.

Each count lies inside its 99.9 % interval, plus or minus 3.29 standard errors; the luck is seeded.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from canarylab.ingress_rules.ingress_spec import parse_ingresses
from canarylab.ingress_rules.routing import explain, ingress_request, route_request
from canarylab.ingress_rules.server_table import build_server_table
from canarylab.kube_objects import EndpointIndex, Object
from tests.ingress_rules.ingress_objects import HOST, Rule, built, canary, ingress, service

REQUESTS = 5_000


@pytest.mark.parametrize("weight", [0, 1, 10, 50, 100])
def test_the_canary_gets_its_share_of_five_thousand(weight: int) -> None:
    random = Random(2026)
    table = built(
        ingress("old", ("/", "prod"), age_s=9),
        canary("new", ("/", "canary"), canary_weight=str(weight)),
    ).table
    found = route_request(table, ingress_request(HOST, "/"))
    drawn = Counter(found.upstream(lambda total: random.randint(1, total)) for _ in range(REQUESTS))
    share = weight / 100
    reach = 3.29 * (share * (1 - share) * REQUESTS) ** 0.5
    assert abs(drawn[found.canary] - share * REQUESTS) <= reach


def test_a_total_of_a_thousand_makes_a_thousandth_possible() -> None:
    table = built(
        ingress("old", ("/", "prod"), age_s=9),
        canary("new", ("/", "canary"), canary_weight="1", canary_weight_total="1000"),
    ).table
    found = route_request(table, ingress_request(HOST, "/"))
    taken = [total_drawn <= 1 for total_drawn in range(1, 1001)]
    assert found.canary_weight is not None
    assert found.canary_weight.share == sum(taken) / 1000
    assert {found.upstream(lambda _: 1), found.upstream(lambda _: 2)} == {
        found.canary,
        found.primary,
    }


OLD = ingress("old", ("/", "prod"), ("/shop", "other"), age_s=9)


def said(target: str, *ingresses: Object, host: str = HOST, **headers: str) -> str:
    return " ".join(
        explain(route_request(built(*ingresses).table, ingress_request(host, target, headers)))
    )


def test_which_host_path_ingress_and_backend() -> None:
    assert said("/shop/x", OLD) == (
        "The rules for host foo.bar.com apply. The longest path that matches is /shop/. "
        "Its rule is in Ingress old and leads to other:80. "
        "The pod receives the path /shop/x, unchanged."
    )


def test_an_exact_path() -> None:
    assert "The longest path that matches is /shop." in said("/shop", OLD)


def test_a_host_that_nobody_names() -> None:
    assert said("/", OLD, host="other.com") == (
        "No Ingress names this host, so the rules without a host apply. "
        "No rule matches this path and there is no defaultBackend for it, so the ingress "
        "controller responds with 404."
    )


def with_default(*rules: Rule, **annotations: Any) -> Object:
    one = ingress("one", *rules, **annotations)
    one["spec"]["defaultBackend"] = {"service": {"name": "other", "port": {"number": 80}}}
    return one


@pytest.mark.parametrize("host", [HOST, "other.com"])
@pytest.mark.parametrize("rewrite_target", ["", "/"])
def test_a_default_backend_is_called_by_its_name(host: str, rewrite_target: str) -> None:
    one = with_default(("/shop", "prod"), rewrite_target=rewrite_target)

    text = said("/x", one, host=host)

    assert (
        "No rule matches this path, so the request goes to the defaultBackend of Ingress one: "
        "other:80. "
    ) in text
    assert "regular expression" not in text


def test_a_rule_goes_before_the_default_backend() -> None:
    assert "defaultBackend" not in said("/x", with_default(("/", "prod")))


def test_why_a_longer_word_matches_and_what_becomes_of_the_path() -> None:
    text = said("/canarybird", ingress("one", ("/canary", "canary"), rewrite_target="/"))
    assert "a regular expression, here ^/canary. It ignores upper and lower case" in text
    assert "rewrite-target / replaces the whole path, so the pod receives the path /." in text


def test_a_rewrite_that_equals_its_path_is_said_to_change_nothing() -> None:
    both = ingress("one", ("/", "prod"), ("/canary", "canary"), rewrite_target="/")

    assert said("/x", both).endswith(
        "The rewrite-target equals the path of this rule, so the controller does not rewrite "
        "anything. The pod receives the path /x, unchanged."
    )


def test_what_share_the_canary_takes_and_why() -> None:
    new = canary("new", ("/", "canary"), canary_weight="10", canary_by_header="X-Canary")
    assert "gets 10 % of such requests: its weight is 10 of 100." in said("/", OLD, new)
    always = said("/", OLD, new, **{"X-Canary": "always"})
    assert "gets the request: header X-Canary is always." in always
    never = said("/", OLD, new, **{"X-Canary": "never"})
    assert "gets nothing: header X-Canary is never." in never


def test_a_canary_without_endpoints_is_said_to_be_ignored() -> None:
    new = canary("new", ("/", "empty"), canary_weight="10")
    assert "Its canary empty:80 has no ready endpoints and is ignored." in said("/", OLD, new)


def test_a_service_that_does_not_exist_is_named() -> None:
    assert "Service lab/missing does not exist, so requests get 503." in said(
        "/", ingress("a", ("/", "missing"))
    )


def test_a_backend_without_endpoints() -> None:
    ingresses = parse_ingresses([ingress("a", ("/", "prod"))])
    table = build_server_table(ingresses, EndpointIndex([service("prod")], [])).table
    reasons = explain(route_request(table, ingress_request(HOST, "/")))

    assert "Service lab/prod has no ready endpoints, so requests get 503." in reasons


def test_a_path_that_cannot_be_read() -> None:
    assert "400" in said("/%zz", OLD)
