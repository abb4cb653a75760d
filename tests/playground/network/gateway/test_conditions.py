"""Do Gateways and routes say how they are doing, as a real controller does?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from canarylab.playground.kube.api import Object
from canarylab.playground.network.gateway_controller import (
    class_status,
    gateway_status,
    route_status,
)
from tests.playground.network.gateway_objects import (
    CLASS,
    LISTENER,
    built,
    gateway,
    route,
    rule,
    to,
)

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
def test_a_route_of_another_namespace_needs_leave(allowed: Object, reason: str) -> None:
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
