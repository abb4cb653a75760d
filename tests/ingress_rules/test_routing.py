"""The canary's share is what its weight says.

Each count lies inside its 99.9 % interval, plus or minus 3.29 standard errors; the luck is seeded.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from canarylab.ingress_rules.routing import explain, ingress_request, route_request
from canarylab.kube_objects import Object
from tests.ingress_rules.ingress_objects import HOST, built, canary, ingress

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
        "The host is served as foo.bar.com. The longest path that this one begins with is /shop/. "
        "It belongs to Ingress old and leads to other:80. "
        "The pod receives the path /shop/x, unchanged."
    )


def test_an_exact_path() -> None:
    assert "The path is /shop, exactly." in said("/shop", OLD)


def test_a_host_that_nobody_names() -> None:
    assert said("/", OLD, host="other.com") == (
        "No Ingress names this host, so the rules without a host apply. "
        "No rule has this path, so the default backend responds: 404."
    )


def test_why_a_longer_word_matches_and_what_becomes_of_the_path() -> None:
    text = said("/canarybird", ingress("one", ("/canary", "canary"), rewrite_target="/"))
    assert "regular expression that ignores case" in text
    assert "rewrite-target / replaces the whole path, so the pod receives the path /." in text


def test_what_share_the_canary_takes_and_why() -> None:
    new = canary("new", ("/", "canary"), canary_weight="10", canary_by_header="X-Canary")
    assert "takes 10 % of such requests: its weight is 10 of 100." in said("/", OLD, new)
    always = said("/", OLD, new, **{"X-Canary": "always"})
    assert "takes the request: header X-Canary is always." in always
    never = said("/", OLD, new, **{"X-Canary": "never"})
    assert "takes nothing: header X-Canary is never." in never


def test_a_canary_without_endpoints_is_said_to_be_ignored() -> None:
    new = canary("new", ("/", "empty"), canary_weight="10")
    assert "Its canary empty:80 has no ready endpoints and is ignored." in said("/", OLD, new)


def test_a_backend_without_endpoints() -> None:
    assert "missing:80 has no ready endpoints: 503." in said("/", ingress("a", ("/", "missing")))


def test_a_path_that_cannot_be_read() -> None:
    assert "400" in said("/%zz", OLD)
