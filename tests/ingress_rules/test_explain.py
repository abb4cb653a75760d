"""The reasons of a route."""

from __future__ import annotations

from canarylab.ingress_rules.explain import explain
from canarylab.ingress_rules.routing import ingress_request, route_request
from canarylab.playground.kube.api import Object
from tests.ingress_rules.ingress_objects import HOST, built, canary, ingress

OLD = ingress("old", ("/", "prod"), ("/shop", "other"), age_s=9)


def said(target: str, *ingresses: Object, host: str = HOST, **headers: str) -> str:
    return " ".join(
        explain(route_request(built(*ingresses).table, ingress_request(host, target, headers)))
    )


def test_which_host_path_ingress_and_backend() -> None:
    assert said("/shop/x", OLD) == (
        "The host is served as foo.bar.com. The longest path that this one begins with is /shop/. "
        "It belongs to Ingress old and leads to other:80. The pod is asked for /shop/x, as it came."
    )


def test_an_exact_path() -> None:
    assert "The path is /shop, exactly." in said("/shop", OLD)


def test_a_host_that_nobody_names() -> None:
    assert said("/", OLD, host="other.com") == (
        "No Ingress names this host, so the rules without a host apply. "
        "No rule has this path, so the default backend answers: 404."
    )


def test_why_a_longer_word_matches_and_what_becomes_of_the_path() -> None:
    text = said("/canarybird", ingress("one", ("/canary", "canary"), rewrite_target="/"))
    assert "regular expression that ignores case" in text
    assert "rewrite-target / replaces the whole path, so the pod is asked for /." in text


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
