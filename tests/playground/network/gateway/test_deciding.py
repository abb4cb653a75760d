"""What becomes of a request, and how is it changed?"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from canarylab.playground.kube.api import Object
from canarylab.playground.network.gateway.deciding import GatewayDecider
from canarylab.playground.network.http.head import Head, Parsed, read_head
from canarylab.playground.network.http.verdicts import Answer, Forward
from tests.ingress_rules.ingress_objects import HOST
from tests.playground.network.gateway.objects import built, named, path, route, rule, to


def head(target: str = "/", host: str = HOST, **fields: str) -> Head:
    raw = [(b"Host", host.encode())]
    raw += [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    read = read_head(Parsed("GET", target.encode(), "1.1", raw, True, False))
    assert isinstance(read, Head)
    return read


def decided(asked: Head, *routes: Object) -> Answer | Forward | None:
    decider = GatewayDecider(Random(1))
    decider.built = built(*routes)
    return decider.decide(asked)


def sent(asked: Head, *filters: Object, match: Object | None = None) -> Head:
    """As the pod gets it."""
    said = rule(to("prod"), filters=list(filters), path=match or path("/"))
    found = decided(asked, route("one", said))
    assert isinstance(found, Forward)
    assert found.head is not None
    return found.head


def rewrite(**change: Any) -> Object:
    return {"type": "URLRewrite", "urlRewrite": change}


def prefix(value: str) -> Object:
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": value}


# The table of https://gateway-api.sigs.k8s.io/reference/spec/#httppathmodifier
@pytest.mark.parametrize(
    ("asked", "match", "replacement", "arrives"),
    [
        ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
        ("/foo", "/foo", "/xyz", "/xyz"),
        ("/foo/", "/foo", "/xyz", "/xyz/"),
        ("/foo/bar", "/foo", "", "/bar"),
        ("/foo/", "/foo", "", "/"),
        ("/foo", "/foo", "", "/"),
        ("/foo/", "/foo", "/", "/"),
        ("/foo", "/foo", "/", "/"),
        ("/canary/x?y=1", "/canary", "/", "/x?y=1"),
    ],
)
def test_a_prefix_is_replaced_and_the_rest_is_kept(
    asked: str, match: str, replacement: str, arrives: str
) -> None:
    assert sent(head(asked), rewrite(path=prefix(replacement)), match=path(match)).target == arrives


def test_a_whole_path_is_replaced_and_the_query_is_kept() -> None:
    change = {"type": "ReplaceFullPath", "replaceFullPath": "/new"}
    assert sent(head("/old/x?y=1"), rewrite(path=change)).target == "/new?y=1"


def test_a_host_is_replaced() -> None:
    assert sent(head(), rewrite(hostname="inside.test")).host == "inside.test"


def test_headers_are_set_added_and_removed() -> None:
    change = {
        "set": [named("X-Set", "new")],
        "add": [named("X-Add", "more")],
        "remove": ["X-Gone"],
    }
    asked = head(X_Set="old", X_Add="some", X_Gone="here")
    got = sent(asked, {"type": "RequestHeaderModifier", "requestHeaderModifier": change})
    assert (got.named["x-set"], got.named["x-add"]) == ("new", "some, more")
    assert "x-gone" not in got.named
    names = [name.lower() for name, _ in got.fields]
    assert (names.count(b"x-set"), names.count(b"x-add"), names.count(b"x-gone")) == (1, 2, 0)


@pytest.mark.parametrize(
    ("redirect", "location"),
    [
        ({"scheme": "https"}, "https://foo.bar.com/a?b"),
        ({"hostname": "new.test"}, "http://new.test:8080/a?b"),
        ({"port": 8443, "scheme": "https"}, "https://foo.bar.com:8443/a?b"),
        ({"port": 80}, "http://foo.bar.com/a?b"),
        (
            {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/z"}},
            "http://foo.bar.com:8080/z?b",
        ),
    ],
)
def test_a_redirect_says_where_to(redirect: Object, location: str) -> None:
    said = {"filters": [{"type": "RequestRedirect", "requestRedirect": redirect}]}
    found = decided(head("/a?b", host="foo.bar.com:8080"), route("one", said))
    assert isinstance(found, Answer)
    assert (found.status, dict(found.fields)["Location"]) == (302, location)


def test_a_copy_goes_to_the_mirror() -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("canary")}}
    found = decided(head(), route("one", rule(to("prod"), filters=[mirror])))
    assert isinstance(found, Forward)
    assert [address.host for each in found.mirrors for address in each.endpoints] == ["127.64.0.3"]


@pytest.mark.parametrize("weight", [0, 1, 10, 50, 100])
def test_five_thousand_requests_are_split_by_weight(weight: int) -> None:
    """Inside the 99.9 % interval; the luck is seeded."""
    decider = GatewayDecider(Random(2026))
    decider.built = built(route("one", rule(to("prod", 100 - weight), to("canary", weight))))
    asked = head()
    hosts = Counter(
        found.endpoints[0].host
        for found in (decider.decide(asked) for _ in range(5_000))
        if isinstance(found, Forward)
    )
    share = weight / 100
    reach = 3.29 * (share * (1 - share) * 5_000) ** 0.5
    assert hosts.total() == 5_000
    assert abs(hosts["127.64.0.3"] - share * 5_000) <= reach


@pytest.mark.parametrize(
    ("backends", "status"),
    [
        ([], 500),
        ([to("prod", 0)], 500),
        ([to("missing")], 500),
        ([to("prod", port=81)], 500),
        ([{**to("prod"), "namespace": "guest"}], 500),
        ([to("empty")], 503),
    ],
)
def test_where_nobody_can_answer_the_status_says_why(backends: list[Object], status: int) -> None:
    found = decided(head(), route("one", rule(*backends)))
    assert isinstance(found, Answer)
    assert found.status == status


def test_a_missing_backend_costs_its_share_only() -> None:
    decider = GatewayDecider(Random(5))
    decider.built = built(route("one", rule(to("prod"), to("missing"))))
    asked = head()
    kinds = Counter(type(decider.decide(asked)) for _ in range(1_000))
    assert 400 < kinds[Forward] < 600


def test_what_no_rule_means_is_left_to_others() -> None:
    assert decided(head(host="other.com"), route("one", rule(to("prod")))) is None
    assert decided(head()) is None
