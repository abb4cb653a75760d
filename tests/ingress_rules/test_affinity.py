"""Session affinity by cookie: which backend, which endpoint, which cookie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

import pytest

from canarylab.ingress_rules.affinity import Session, backend_hash, is_held, session_of
from canarylab.ingress_rules.annotations import PREFIX, CookieAffinity, parse_annotations
from canarylab.ingress_rules.ingress_spec import Backend
from canarylab.ingress_rules.routing import IngressRoute, explain, ingress_request, route_request
from canarylab.kube_objects import Address, Key, Object
from tests.ingress_rules.ingress_objects import HOST, SPACE, built, canary, ingress

WEB = Backend(Key(SPACE, "web"), "80")
PODS = tuple(Address(f"127.64.0.{number}", 3333) for number in range(2, 6))
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
BALANCED, PERSISTENT = CookieAffinity(), CookieAffinity(is_persistent=True)
STICKY = ingress("old", ("/", "prod"), age_s=9, affinity="cookie")
PROD, CANARY = (Backend(Key(SPACE, name), "80") for name in ("prod", "canary"))


def keys(affinity: CookieAffinity, count: int, pods: tuple[Address, ...] = PODS) -> list[str]:
    """The cookies of new clients."""
    random = Random(1)
    return [Session(affinity, WEB).choose(pods, (), random)[1] for _ in range(count)]


def endpoint(affinity: CookieAffinity, key: str, pods: tuple[Address, ...] = PODS) -> Address:
    return Session(affinity, WEB, key).choose(pods, (), Random(2))[0]


@pytest.mark.parametrize("affinity", [BALANCED, PERSISTENT])
def test_a_client_with_its_cookie_stays_at_its_endpoint(affinity: CookieAffinity) -> None:
    random = Random(1)
    for _ in range(50):
        first, key = Session(affinity, WEB).choose(PODS, (), random)
        assert Session(affinity, WEB, key).choose(PODS, (), random) == (first, "")


@pytest.mark.parametrize("affinity", [BALANCED, PERSISTENT])
def test_new_clients_go_to_every_endpoint(affinity: CookieAffinity) -> None:
    """4,000 clients of four pods, plus or minus 3.29 standard errors; the luck is seeded."""
    counts = Counter(endpoint(affinity, key) for key in keys(affinity, 4_000))
    assert all(abs(counts[pod] - 1_000) <= 91 for pod in PODS)


def test_a_new_endpoint_takes_over_some_clients_and_moves_no_others() -> None:
    more = (*PODS, Address("127.64.0.9", 3333))
    moved = {
        endpoint(BALANCED, key, more)
        for key in keys(BALANCED, 500)
        if endpoint(BALANCED, key, more) != endpoint(BALANCED, key)
    }
    assert moved == {more[-1]}


def test_a_persistent_client_moves_to_no_new_endpoint() -> None:
    more = (*PODS, Address("127.64.0.9", 3333))
    for key in keys(PERSISTENT, 500):
        assert endpoint(PERSISTENT, key, more) == endpoint(PERSISTENT, key)


def test_a_client_whose_endpoint_is_gone_gets_another_and_a_new_cookie_if_persistent() -> None:
    first, key = Session(PERSISTENT, WEB).choose(PODS, (), Random(1))
    rest = tuple(pod for pod in PODS if pod != first)
    found, new = Session(PERSISTENT, WEB, key).choose(rest, (), Random(1))
    assert found in rest
    assert new


@pytest.mark.parametrize("changes", [False, True])
def test_a_retry_changes_the_endpoint_only_where_that_is_asked_for(changes: bool) -> None:
    affinity = CookieAffinity(change_on_failure=changes)
    first, key = Session(affinity, WEB).choose(PODS, (), Random(1))
    found, new = Session(affinity, WEB, key).choose(PODS, {first}, Random(1))
    assert (found != first, bool(new)) == (changes, changes)


def test_a_new_client_whose_endpoint_fails_is_sent_to_another() -> None:
    session = Session(BALANCED, WEB)
    assert session.choose(PODS, set(PODS[1:]), Random(1))[0] == PODS[0]
    assert session.choose(PODS, set(PODS), Random(1))[0] in PODS


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, "INGRESSCOOKIE=k|HASH; Path=/shop; HttpOnly"),
        (
            {"session-cookie-name": "route", "session-cookie-path": "/"},
            "route=k|HASH; Path=/; HttpOnly",
        ),
        (
            {"session-cookie-expires": "60", "session-cookie-max-age": "60"},
            "INGRESSCOOKIE=k|HASH; Expires=Sat, 28 Nov 2026 12:01:00 GMT; Max-Age=60; Path=/shop; "
            "HttpOnly",
        ),
        (
            {
                "session-cookie-domain": "bar.com",
                "session-cookie-secure": "true",
                "session-cookie-samesite": "Lax",
            },
            "INGRESSCOOKIE=k|HASH; Domain=bar.com; Path=/shop; Secure; HttpOnly; SameSite=Lax",
        ),
    ],
)
def test_the_cookie_is_as_the_annotations_say(
    annotations: Mapping[str, str], expected: str
) -> None:
    said = {PREFIX + name: value for name, value in annotations.items()}
    parsed = parse_annotations({f"{PREFIX}affinity": "cookie", **said}).affinity
    assert parsed is not None
    cookie = session_of(parsed, WEB, {}, "/shop").set_cookie("k", NOON)
    assert cookie == expected.replace("HASH", backend_hash(WEB))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("affinity", "ip"),
        ("affinity-mode", "loose"),
        ("session-cookie-name", "a\r\nSet-Cookie: b"),
        ("session-cookie-path", "/; Domain=evil"),
        ("session-cookie-max-age", "1h"),
        ("session-cookie-samesite", "some"),
        ("session-cookie-secure", "on"),
    ],
)
def test_a_value_of_affinity_that_cannot_be_read_is_named(name: str, value: str) -> None:
    parsed = parse_annotations({f"{PREFIX}affinity": "cookie", PREFIX + name: value})
    assert (name, value) in parsed.unparsable


def routed(cookie: str, *ingresses: Object, **headers: str) -> IngressRoute:
    request = ingress_request(HOST, "/", headers, {"INGRESSCOOKIE": cookie} if cookie else {})
    return route_request(built(*ingresses).table, request)


@pytest.mark.parametrize(("held", "share"), [(PROD, 0.0), (CANARY, 1.0)])
def test_a_client_stays_with_its_version_whatever_header_and_weight_say(
    held: Backend, share: float
) -> None:
    cookie = f"k|{backend_hash(held)}"
    new = canary("new", ("/", "canary"), canary_weight="50", canary_by_header="X-Canary")
    for header in ("always", "never", "other"):
        weight = routed(cookie, STICKY, new, **{"X-Canary": header}).canary_weight
        assert weight is not None
        assert weight.share == share


def test_a_client_without_the_cookie_is_sent_by_weight() -> None:
    weight = routed("", STICKY, canary("new", ("/", "canary"), canary_weight="50")).canary_weight
    assert weight is not None
    assert weight.share == 0.5


def test_a_legacy_canary_has_no_affinity_and_its_primary_has() -> None:
    legacy = canary("new", ("/", "canary"), canary_weight="50", affinity_canary_behavior="legacy")
    upstreams = built(STICKY, legacy).table.upstreams
    assert (upstreams[PROD].affinity, upstreams[CANARY].affinity) == (CookieAffinity(), None)
    weight = routed(f"k|{backend_hash(PROD)}", STICKY, legacy).canary_weight
    assert weight is not None
    assert weight.share == 0


def test_the_cookie_is_set_only_where_its_ingress_has_the_rule() -> None:
    other = ingress("other", ("/other", "prod"))
    locations = built(STICKY, other).table.servers[HOST].locations
    assert {location.path: location.cookie_path for location in locations} == {
        "/": "/",
        "/other": None,
        "/other/": None,
    }
    assert session_of(CookieAffinity(), WEB, {}, None).set_cookie("k", NOON) is None


def test_the_path_of_the_cookie_is_that_of_the_rule() -> None:
    table = built(ingress("one", ("/shop", "prod"), affinity="cookie")).table
    found = {location.path: location.cookie_path for location in table.servers[HOST].locations}
    assert (found["/shop"], found["/shop/"]) == ("/shop", "/shop")


@pytest.mark.parametrize("cookie", ["", "k", "k|", f"k|{backend_hash(CANARY)}"])
def test_a_cookie_of_another_backend_keeps_nobody(cookie: str) -> None:
    assert not is_held(BALANCED, PROD, {"INGRESSCOOKIE": cookie})


def test_the_explanation_names_the_cookie() -> None:
    new = canary("new", ("/", "canary"), canary_weight="50")
    held = routed(f"k|{backend_hash(CANARY)}", STICKY, new)
    assert (
        "Its canary canary:80 gets the request: cookie INGRESSCOOKIE keeps the client at canary:80."
    ) in explain(held)
    assert any("A client without the cookie INGRESSCOOKIE" in said for said in explain(held))


@pytest.mark.parametrize(
    ("stored", "reason", "words"),
    [
        (ingress("one", ("/", "prod"), affinity="ip"), "BadValue", "'ip' of affinity"),
        (
            ingress("one", ("/", "prod"), session_cookie_name="a"),
            "Incomplete",
            "session-cookie-name, because there is no affinity: cookie",
        ),
        (
            ingress("one", ("/", "prod"), affinity_canary_behavior="legacy"),
            "Incomplete",
            'affinity-canary-behavior, because there is no canary: "true"',
        ),
        (
            ingress("one", ("/", "prod"), affinity="cookie", use_regex="true"),
            "CookiePath",
            "session-cookie-path",
        ),
    ],
)
def test_affinity_without_effect_is_told(stored: Object, reason: str, words: str) -> None:
    (warning,) = built(stored).warnings
    assert (warning.reason, words in warning.message) == (reason, True)


def test_affinity_on_a_canary_is_told_to_come_from_its_primary() -> None:
    own = canary("new", ("/", "canary"), affinity="cookie")
    (warning,) = built(ingress("old", ("/", "prod"), age_s=9), own).warnings
    assert (warning.reason, "affinity" in warning.message) == ("OnCanary", True)
