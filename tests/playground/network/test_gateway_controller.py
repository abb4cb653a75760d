"""The Gateway controller: what it serves, and what it reports."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from canarylab.kube_objects import Key, Object, find_condition
from canarylab.playground.network.gateway_controller import (
    class_status,
    decide,
    gateway_status,
    route_status,
)
from canarylab.playground.network.ingress_server import IngressServer
from canarylab.playground.network.proxy_request import (
    DirectResponse,
    Forward,
    RequestHead,
    Timeouts,
)
from tests.ingress_rules.ingress_objects import HOST, SPACE, ingress, service, slice_of
from tests.playground.fake_api import FakeApi
from tests.playground.network.gateway_objects import (
    CLASS,
    LISTENER,
    built,
    gateway,
    named,
    path,
    route,
    rule,
    to,
)
from tests.playground.network.http_fixture import ask, listening, ok, pod, status_of
from tests.waiting import until

CLOSE = b"GET / HTTP/1.1\r\nHost: foo.bar.com\r\nConnection: close\r\n\r\n"


@dataclass
class World:
    """The playground's web, over a fake API."""

    api: FakeApi
    web: IngressServer

    async def answers(self, body: bytes, request: bytes = CLOSE) -> None:
        """Wait until it does."""

        async def is_so() -> bool:
            return (await ask(self.web.port, request)).endswith(body)

        await until(is_so)

    async def said(self, reason: str) -> list[tuple[str, str]]:
        """The names of what has such events, and their messages."""
        events = await self.api.list("Event", SPACE)
        return [
            (event["involvedObject"]["name"], event["message"])
            for event in events
            if event["reason"] == reason
        ]

    async def is_said(self, kind: str, name: str, type_: str) -> Object | None:
        """A condition, if it has been looked at."""
        return find_condition(await self.api.get(kind, Key(SPACE, name)), type_)


@asynccontextmanager
async def world(*objects: Object) -> AsyncIterator[World]:
    """With the Services prod and canary, a pod of each, a Gateway, and these."""
    api = FakeApi()
    web = IngressServer(
        api, [socket.create_server(("127.0.0.1", 0))], random=Random(7), sleep=hurried
    )
    async with AsyncExitStack() as stack:
        for name in ("prod", "canary"):
            own = await stack.enter_async_context(pod(ok(name.encode())))
            await api.put(service(name))
            await api.put(slice_of(name, own.address.host, port=own.address.port))
        for obj in (gateway(), *objects):
            await api.put(obj)
        task = asyncio.create_task(web.run())
        try:
            yield World(api, web)
        finally:
            task.cancel()
            await asyncio.wait([task])
    assert api.changed_in_place() == set()


async def hurried(pause_s: float) -> None:
    await asyncio.sleep(pause_s / 100)


async def test_a_route_is_served_and_followed() -> None:
    async with world(route("one", rule(to("prod")))) as here:
        await here.answers(b"prod")
        stored = await here.api.get("HTTPRoute", Key(SPACE, "one"))
        await here.api.update({**stored, "spec": route("one", rule(to("canary")))["spec"]})
        await here.answers(b"canary")
        await here.api.delete("HTTPRoute", Key(SPACE, "one"))
        await here.answers(b"default backend - 404")


async def test_a_gateway_of_a_class_that_nobody_serves_and_its_route_are_told() -> None:
    unserved = gateway()
    unserved["spec"]["gatewayClassName"] = "istio"
    unserved["metadata"]["name"] = "mesh"
    one = route("one", rule(to("prod")), parentRefs=[{"name": "mesh"}])
    async with world(unserved, one) as here:
        for reason, name in (("ClassNotServed", "mesh"), ("NoParent", "one")):
            await until(lambda reason=reason: here.said(reason))  # type: ignore[misc]
            ((about, message),) = await here.said(reason)
            assert about == name
            assert "gatewayClassName: canarylab" in message


async def test_a_slow_pod_gets_the_client_504_after_the_timeout_of_the_rule() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    timed = {**rule(to("slow")), "timeouts": {"request": "50ms"}}
    async with listening(silent) as address, world(route("one", timed)) as here:
        await here.api.put(service("slow"))
        await here.api.put(slice_of("slow", address.host, port=address.port))
        await until(lambda: is_status(here.web.port, 504))


async def is_status(port: int, status: int) -> bool:
    return status_of(await ask(port)) == status


async def test_testers_reach_the_canary_by_header() -> None:
    testers = rule(to("canary"), headers=[named("X-Canary", "always")])
    async with world(route("one", testers, rule(to("prod")))) as here:
        await here.answers(b"prod")
        await here.answers(b"canary", CLOSE.replace(b"Host", b"X-Canary: always\r\nHost"))


async def test_a_route_goes_before_an_ingress() -> None:
    nginx = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "nginx"},
        "spec": {"controller": "k8s.io/ingress-nginx"},
    }
    async with world(nginx, ingress("old", ("/", "prod"))) as here:
        await here.answers(b"prod")
        await here.api.put(route("new", rule(to("canary"))))
        await here.answers(b"canary")


async def test_class_gateway_and_route_say_that_they_are_served() -> None:
    async with world(route("one", rule(to("prod")))) as here:
        await until(lambda: here.is_said("Gateway", "web", "Programmed"))
        accepted = await here.api.get("GatewayClass", Key("", "canarylab"))
        assert accepted["status"]["conditions"][0]["status"] == "True"

        async def parents() -> object:
            stored = await here.api.get("HTTPRoute", Key(SPACE, "one"))
            return stored.get("status", {}).get("parents")

        await until(parents)


async def test_a_gateway_of_another_class_is_left_alone() -> None:
    spec = {**gateway()["spec"], "gatewayClassName": "traefik"}
    other = {**gateway(), "metadata": {"name": "other", "namespace": SPACE}, "spec": spec}
    async with world(other, route("one", rule(to("prod")))) as here:
        await here.answers(b"prod")
        await until(lambda: here.is_said("Gateway", "web", "Programmed"))
        assert await here.is_said("Gateway", "other", "Programmed") is None


async def test_what_does_not_change_is_not_written_again() -> None:
    async with world(route("one", rule(to("prod")))) as here:
        await here.answers(b"prod")
        await until(lambda: here.is_said("Gateway", "web", "Programmed"))
        before = len(here.api.writes)
        await here.api.put(service("another"))
        for _ in range(20):
            await asyncio.sleep(0)
        await here.answers(b"prod")
        later = {kind for _, kind, _ in here.api.writes[before:]}
    assert later == {"Service"}


NOW, LATER = datetime(2026, 11, 22, 21, 42, 9, tzinfo=UTC), datetime(2026, 11, 22, 22, tzinfo=UTC)


PLAIN = route("plain", rule(to("prod")))


def of_parents(one: Object, over: Object | None = None) -> dict[str, tuple[str, str]]:
    """Status and reason by type, of the route's only parent."""
    (state,) = built(one, over=over).routes
    (parent,) = route_status(state, NOW)["parents"]
    return brief(parent["conditions"])


def brief(conditions: list[Object]) -> dict[str, tuple[str, str]]:
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in conditions}


def test_a_class_of_ours_is_accepted() -> None:
    assert brief(class_status(CLASS, NOW)["conditions"]) == {"Accepted": ("True", "Accepted")}


def test_a_gateway_says_where_it_answers_and_how_its_listeners_are_doing() -> None:
    attached = [each for state in built(PLAIN).routes for each in state.attachments]
    status = gateway_status(gateway(), attached, "127.0.0.1", NOW)
    assert status["addresses"] == [{"type": "IPAddress", "value": "127.0.0.1"}]
    assert brief(status["conditions"]) == {
        "Accepted": ("True", "Accepted"),
        "Programmed": ("True", "Programmed"),
    }
    (listener,) = status["listeners"]
    assert (listener["name"], listener["attachedRoutes"]) == ("http", 1)
    assert listener["supportedKinds"][0]["kind"] == "HTTPRoute"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("addresses", [{"value": "192.0.2.1"}]),
        ("infrastructure", {"labels": {"team": "birds"}}),
        ("tls", {"frontend": {}}),
    ],
)
def test_a_field_of_a_gateway_without_effect_is_named_in_its_condition(
    field: str, value: object
) -> None:
    asked = gateway()
    asked["spec"][field] = value
    accepted = gateway_status(asked, [], "127.0.0.1", NOW)["conditions"][0]
    assert accepted["message"] == f"The Gateway is served. Without effect here: spec.{field}."


def test_a_listener_for_tls_is_refused_with_its_reason() -> None:
    status = gateway_status(gateway({**LISTENER, "protocol": "HTTPS"}), [], "127.0.0.1", NOW)
    assert brief(status["listeners"][0]["conditions"])["Accepted"] == (
        "False",
        "UnsupportedProtocol",
    )
    assert brief(status["conditions"])["Programmed"] == ("False", "Invalid")


def test_a_route_is_accepted_by_its_gateway() -> None:
    assert of_parents(PLAIN) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
    }


@pytest.mark.parametrize(
    ("listener", "reason"),
    [
        ({"hostname": "other.com"}, "NoMatchingListenerHostname"),
        ({"allowedRoutes": {"kinds": [{"kind": "GRPCRoute"}]}}, "NotAllowedByListeners"),
        ({"protocol": "HTTPS"}, "NoMatchingParent"),
        ({"hostname": "*.bar.com"}, "Accepted"),
        ({"hostname": "foo.bar.com"}, "Accepted"),
    ],
)
def test_a_route_that_fits_no_listener_says_why(listener: Object, reason: str) -> None:
    assert of_parents(PLAIN, gateway({**LISTENER, **listener}))["Accepted"][1] == reason


def test_a_route_that_names_another_listener_fits_none() -> None:
    parent = {"name": "web", "sectionName": "https"}
    elsewhere = route("elsewhere", rule(to("prod")), parentRefs=[parent])
    assert of_parents(elsewhere)["Accepted"] == ("False", "NoMatchingParent")


@pytest.mark.parametrize(
    ("allowed", "reason"),
    [
        ({"from": "Same"}, "NotAllowedByListeners"),
        ({"from": "All"}, "Accepted"),
        ({"from": "Selector", "selector": {"matchLabels": {"team": "birds"}}}, "Accepted"),
        ({"from": "Selector", "selector": {"matchLabels": {"team": "x"}}}, "NotAllowedByListeners"),
    ],
)
def test_a_route_of_another_namespace_needs_allowed_routes(allowed: Object, reason: str) -> None:
    over = gateway({**LISTENER, "allowedRoutes": {"namespaces": allowed}})
    assert of_parents(route("guest", space="guest"), over)["Accepted"][1] == reason


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (to("missing"), "BackendNotFound"),
        (to("prod", port=81), "BackendNotFound"),
        ({**to("prod"), "kind": "Bucket", "group": "x.test"}, "InvalidKind"),
        ({**to("prod"), "namespace": "guest"}, "RefNotPermitted"),
    ],
)
def test_a_backend_that_is_not_there_is_not_resolved(backend: Object, reason: str) -> None:
    conditions = of_parents(route("one", rule(backend)))
    assert (conditions["Accepted"][0], conditions["ResolvedRefs"]) == ("True", ("False", reason))


def test_what_is_not_supported_is_not_accepted_and_not_served() -> None:
    wrong = route("one", rule(to("prod"), filters=[{"type": "CORS", "cors": {}}]))
    assert of_parents(wrong)["Accepted"] == ("False", "UnsupportedValue")
    assert built(wrong).rules == ()


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x00b", "a\x7fb"])
@pytest.mark.parametrize("change", ["set", "add"])
def test_a_header_value_that_no_request_can_have_is_not_accepted(change: str, value: str) -> None:
    """The CRD of the standard channel takes any characters in it."""
    modifier = {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {change: [named("X-Team", value)]},
    }
    wrong = route("one", rule(to("prod"), filters=[modifier]))
    of_a_backend = route("two", rule({**to("prod"), "filters": [modifier]}))
    (state, _) = built(wrong, of_a_backend).routes
    (parent,) = route_status(state, NOW)["parents"]

    assert "the value of header X-Team has a line break" in parent["conditions"][0]["message"]
    assert of_parents(wrong)["Accepted"] == ("False", "UnsupportedValue")
    assert built(wrong, of_a_backend).rules == ()


def test_a_route_without_a_gateway_of_ours_is_left_alone() -> None:
    assert built(route("one", parentRefs=[{"name": "other"}])).routes == ()


def test_a_condition_keeps_its_date_while_it_stays_true() -> None:
    first = class_status(CLASS, NOW)
    second = class_status({**CLASS, "status": first}, LATER)
    assert second == first


def test_what_another_controller_said_stays() -> None:
    other = {"parentRef": {"name": "x"}, "controllerName": "other.test/x", "conditions": []}
    (state,) = built({**PLAIN, "status": {"parents": [other]}}).routes
    assert other in route_status(state, NOW)["parents"]


def head(target: str = "/", host: str = HOST, **fields: str) -> RequestHead:
    headers = [("Host", host)]
    headers += [(name.replace("_", "-"), value) for name, value in fields.items()]
    by_name = {name.lower(): value for name, value in headers}
    return RequestHead("GET", target, host, headers, by_name)


def decided(asked: RequestHead, *routes: Object) -> DirectResponse | Forward | None:
    return decide(built(*routes), asked, Random(1))


def sent(asked: RequestHead, *filters: Object, match: Object | None = None) -> RequestHead:
    """As the pod gets it."""
    said = rule(to("prod"), filters=list(filters), path=match or path("/"))
    found = decided(asked, route("one", said))
    assert isinstance(found, Forward)
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
        ("/canary/a%20b", "/canary", "/", "/a%20b"),
        ("/%63anary/x", "/canary", "/", "/x"),
        ("//canary/x", "/canary", "/", "/x"),
        ("/canary/../canary/y", "/canary", "/", "/y"),
        ("/user@127.0.0.1:9/../canary", "/canary", "/", "/"),
        ("/foo/bar", "/foo", "/a b%20c", "/a%20b%20c/bar"),
        ("/foo/bar", "/foo", "/a\r\nHost: x", "/a%0D%0AHost:%20x/bar"),
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
    assert (got.by_name["x-set"], got.by_name["x-add"]) == ("new", "some, more")
    assert "x-gone" not in got.by_name
    names = [name.lower() for name, _ in got.headers]
    assert (names.count("x-set"), names.count("x-add"), names.count("x-gone")) == (1, 2, 0)


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
    assert isinstance(found, DirectResponse)
    assert (found.status, dict(found.headers)["Location"]) == (302, location)


@pytest.mark.parametrize("host", ["foo.test:zz", "[::1]:8080", "foo.test:"])
def test_a_redirect_works_with_any_host_header(host: str) -> None:
    said = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "new.test"}}]}
    found = decided(head("/", host=host), route("one", said, hostnames=[]))
    assert isinstance(found, DirectResponse)
    assert dict(found.headers)["Location"].startswith("http://new.test")


def test_a_copy_goes_to_the_mirror() -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("canary")}}
    found = decided(head(), route("one", rule(to("prod"), filters=[mirror])))
    assert isinstance(found, Forward)
    assert [address.host for each in found.mirrors for address in each.endpoints] == ["127.64.0.3"]


@pytest.mark.parametrize(
    ("part", "share"),
    [({"percent": 20}, 0.2), ({"fraction": {"numerator": 1, "denominator": 1000}}, 0.001)],
)
def test_the_mirror_gets_copies_of_a_part_of_the_requests(part: Object, share: float) -> None:
    """Inside the 99.9 % interval of 5,000 requests; the luck is seeded."""
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("canary"), **part}}
    rules, random = built(route("one", rule(to("prod"), filters=[mirror]))), Random(2026)
    found = [decide(rules, head(), random) for _ in range(5_000)]
    copies = sum(len(each.mirrors) for each in found if isinstance(each, Forward))
    assert abs(copies - 5_000 * share) <= 3.29 * (share * (1 - share) * 5_000) ** 0.5


def test_the_timeouts_of_a_rule_are_those_of_its_requests() -> None:
    timed = {**rule(to("prod")), "timeouts": {"request": "1m30s", "backendRequest": "500ms"}}
    found = decided(head(), route("one", timed))
    assert isinstance(found, Forward)
    assert found.timeouts == Timeouts(request_s=90.0, backend_s=0.5)


@pytest.mark.parametrize("weight", [0, 1, 10, 50, 100])
def test_five_thousand_requests_are_split_by_weight(weight: int) -> None:
    """Inside the 99.9 % interval; the luck is seeded."""
    random = Random(2026)
    rules = built(route("one", rule(to("prod", 100 - weight), to("canary", weight))))
    asked = head()
    hosts = Counter(
        found.endpoints[0].host
        for found in (decide(rules, asked, random) for _ in range(5_000))
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
    assert isinstance(found, DirectResponse)
    assert found.status == status


def test_a_missing_backend_costs_its_share_only() -> None:
    random = Random(5)
    rules = built(route("one", rule(to("prod"), to("missing"))))
    asked = head()
    kinds = Counter(type(decide(rules, asked, random)) for _ in range(1_000))
    assert 400 < kinds[Forward] < 600


def test_a_request_without_a_matching_rule_is_not_decided() -> None:
    assert decided(head(host="other.com"), route("one", rule(to("prod")))) is None
    assert decided(head()) is None


async def test_catastrophic_patterns_keep_nobody_waiting() -> None:
    """With backtracking, the first request would take longer than the age of the universe."""
    slow = route(
        "a-slow",
        rule(to("canary"), path=path("/(a+)+", "RegularExpression")),
        rule(to("canary"), headers=[named("X-A", "(a+)+", type="RegularExpression")]),
    )
    header = b"X-A: %b!\r\nHost" % (b"a" * 200)
    request = CLOSE.replace(b"GET /", b"GET /" + b"a" * 200 + b"!").replace(b"Host", header)
    async with world(slow, route("b-plain", rule(to("prod")))) as here:
        await here.answers(b"prod", request)
        await here.answers(b"prod")
        await here.answers(b"canary", request.replace(b"!", b""))


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{1001}"])
def test_a_pattern_that_re2_does_not_have_is_not_accepted(pattern: str) -> None:
    wrong = route("one", rule(to("prod"), path=path(f"/{pattern}", "RegularExpression")))
    (state,) = built(wrong).routes
    (parent,) = route_status(state, NOW)["parents"]
    (accepted, _) = parent["conditions"]
    assert (accepted["status"], accepted["reason"]) == ("False", "UnsupportedValue")
    assert "is not a regular expression of RE2" in accepted["message"]
    assert built(wrong).rules == ()
