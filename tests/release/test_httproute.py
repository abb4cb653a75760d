"""HTTPRoutes: who serves them, what their weights give, and traffic to their hosts."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from canarylab import resources, stats
from canarylab.checks import Verdict, check
from canarylab.errors import ApiRefusedError, GatewayApiMissingError
from canarylab.lab import Lab
from canarylab.manifests import load
from canarylab.release import httproute
from canarylab.release.httproute import (
    accepting_controllers,
    addresses_in_status,
    diagram_routes,
    explain_refusal,
    read_httproute,
    read_httproutes,
    service_shares,
    wait_until_accepted,
    why_not_served,
)
from tests.needs import needs
from tests.running_playground import RunningPlayground

LESSON = "manifests/08-gateway-api"


def route_with_status(*, status: str = "True", generation: int = 2) -> Any:
    accepted = {"type": "Accepted", "status": status, "observedGeneration": generation}
    parent = {"controllerName": "example.com/gateways", "conditions": [accepted]}
    return {"metadata": {"generation": 2}, "status": {"parents": [parent]}}


def test_a_controller_that_accepts_it_serves_it() -> None:
    assert accepting_controllers(route_with_status()) == ["example.com/gateways"]


def test_acceptance_of_an_older_generation_does_not_count() -> None:
    assert accepting_controllers(route_with_status(generation=1)) == []


def test_a_controller_that_refuses_it_does_not_serve_it() -> None:
    assert accepting_controllers(route_with_status(status="False")) == []


def test_a_route_without_a_gateway_is_served_by_nobody() -> None:
    assert accepting_controllers({"metadata": {"generation": 2}}) == []


def without_gateway_api() -> Any:
    """A connection to a cluster that has no kind HTTPRoute."""

    def unknown(**_: object) -> None:
        raise ResourceNotFoundError("No matches found")

    resources = SimpleNamespace(get=unknown)
    return SimpleNamespace(namespace="default", dynamic=SimpleNamespace(resources=resources))


def test_a_cluster_without_the_gateway_api_says_who_installs_it() -> None:
    with pytest.raises(GatewayApiMissingError, match="whoever runs the cluster installs it"):
        read_httproute(without_gateway_api(), "nodeapp-split")


def test_a_cluster_without_the_gateway_api_serves_no_route() -> None:
    said = "nodeapp-split is not served: this cluster has no Gateway API."
    assert why_not_served(without_gateway_api(), "nodeapp-split") == said


GATEWAY, ROUTE = (
    {"kind": kind, "apiVersion": "gateway.networking.k8s.io/v1"}
    for kind in ("Gateway", "HTTPRoute")
)
NO_KIND = "no matches for kind in version"
FORBIDDEN = "Error from server (Forbidden): gateways is forbidden"


@pytest.mark.parametrize(
    ("obj", "reply", "words"),
    [
        (GATEWAY, NO_KIND, "this cluster has no Gateway API"),
        (ROUTE, NO_KIND, "this cluster has no Gateway API"),
        (GATEWAY, FORBIDDEN, "on this cluster you may not create one"),
    ],
)
def test_a_refusal_for_want_of_the_gateway_api_is_a_sentence(
    obj: Any, reply: str, words: str
) -> None:
    refusal = ApiRefusedError(f'{obj["kind"]} "canarylab"', reply, "Look.")
    assert words in explain_refusal([obj], refusal)


@pytest.mark.parametrize(
    ("obj", "reply"),
    [(ROUTE, FORBIDDEN), (GATEWAY, "Invalid"), ({"kind": "Pood", "apiVersion": "v1"}, NO_KIND)],
)
def test_another_refusal_stays_an_error(obj: Any, reply: str) -> None:
    assert explain_refusal([obj], ApiRefusedError(f'{obj["kind"]} "x"', reply, "Look.")) == ""


def route_with_rules(*rules: Any) -> Any:
    return {"spec": {"rules": list(rules)}}


def backend(name: str, **weight: int) -> Any:
    return {"name": name, "port": 80, **weight}


def test_the_route_of_the_lesson_gives_the_canary_a_tenth() -> None:
    (split,) = load(resources.folder("manifests") / "08-gateway-api" / "httproute.yaml")
    assert service_shares(split) == {"nodeapp-svc-prod": 0.9, "nodeapp-svc-canary": 0.1}


def test_a_mirror_gives_the_canary_nothing() -> None:
    (mirror,) = load(resources.folder("manifests") / "08-gateway-api" / "mirror.yaml")
    assert service_shares(mirror) == {"nodeapp-svc-prod": 1.0}


def test_a_rule_that_matches_a_header_does_not_count() -> None:
    testers = {"matches": [{"headers": [{"name": "X-Canary", "value": "always"}]}]}
    everybody = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}
    found = service_shares(
        route_with_rules(
            {**testers, "backendRefs": [backend("canary")]},
            {**everybody, "backendRefs": [backend("stable")]},
        )
    )
    assert found == {"stable": 1.0}


@pytest.mark.parametrize("order", [1, -1])
def test_the_rule_that_requires_a_header_gets_its_requests_at_any_place(order: int) -> None:
    testers = {"matches": [{"headers": [{"name": "X-Canary", "value": "always"}]}]}
    rules = [{**testers, "backendRefs": [backend("canary")]}, {"backendRefs": [backend("stable")]}]
    route = route_with_rules(*rules[::order])
    assert service_shares(route, {"x-canary": "always"}) == {"canary": 1.0}
    assert service_shares(route, {"X-Canary": "never"}) == {"stable": 1.0}


def test_a_rule_for_one_path_or_one_method_does_not_count() -> None:
    path, method = {"path": {"type": "Exact", "value": "/x"}}, {"method": "POST"}
    rules = [{"matches": [each], "backendRefs": [backend("canary")]} for each in (path, method)]
    assert service_shares(route_with_rules(*rules)) == {}


@pytest.mark.parametrize(
    ("port", "value", "address"),
    [(80, "192.0.2.7", "192.0.2.7"), (8000, "a.test", "a.test:8000"), (80, "fd00::1", "[fd00::1]")],
)
def test_the_address_of_a_gateway_has_the_port_of_its_listener(
    port: int, value: str, address: str
) -> None:
    listeners = [{"protocol": "HTTPS", "port": 443}, {"protocol": "HTTP", "port": port}]
    gateway = {"spec": {"listeners": listeners}, "status": {"addresses": [{"value": value}]}}
    assert addresses_in_status(gateway) == [address]
    assert addresses_in_status({"spec": {"listeners": listeners}}) == []


def test_backends_without_weights_share_evenly() -> None:
    assert service_shares(route_with_rules({"backendRefs": [backend("a"), backend("b")]})) == {
        "a": 0.5,
        "b": 0.5,
    }


def test_a_weight_of_0_gets_nothing() -> None:
    assert service_shares(
        route_with_rules({"backendRefs": [backend("a", weight=1), backend("b", weight=0)]})
    ) == {"a": 1.0}


def test_a_route_without_rules_gives_nothing() -> None:
    assert service_shares({"spec": {}}) == {}


@pytest.fixture(scope="module")
def lab(playground: RunningPlayground) -> Iterator[Lab]:
    """A canary beside production, a Service for each, and a Gateway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARYLAB_HOME", str(playground.home.root))
        patch.setenv("CANARYLAB_CLUSTER", "playground")
        lab = Lab()
        lab.reset("03-canary")
        lab.apply("manifests/06-ingress/services.yaml")
        lab.apply(f"{LESSON}/gateway.yaml")
        yield lab
        playground.delete_pods_at_once()
        lab.close()


@needs("linux")
def test_the_controller_that_serves_a_route_is_named(lab: Lab) -> None:
    lab.apply(f"{LESSON}/httproute.yaml")
    said = lab.wait_accepted("nodeapp-split").sentence
    assert said == "nodeapp-split is served by canarylab.dev/gateway-controller."


@needs("linux")
def test_a_route_that_names_no_gateway_there_is_served_by_nobody(lab: Lab) -> None:
    route = lab.read(f"{LESSON}/httproute.yaml")
    route["metadata"]["name"] = "lonely"
    route["spec"]["parentRefs"] = [{"name": "somewhere-else"}]
    lab.apply(route)
    assert wait_until_accepted(lab._connection, "lonely", timeout_s=0.5) == []


@needs("linux")
def test_requests_are_split_by_the_weights(lab: Lab) -> None:
    lab.apply(f"{LESSON}/httproute.yaml")
    lab.wait_accepted("nodeapp-split")
    sample = lab.sample_httproute("nodeapp-split", requests=600)
    assert sample.expected == pytest.approx({"1.0": 0.9, "2.0": 0.1})
    assert sample.failed == 0
    found = stats.finding(sample).agreement
    assert found is not None and found.holds


@needs("linux")
def test_the_header_of_the_route_leads_to_the_canary(lab: Lab) -> None:
    lab.apply(f"{LESSON}/httproute.yaml")
    lab.wait_accepted("nodeapp-split")
    sample = lab.sample_httproute("nodeapp-split", requests=20, headers={"X-Canary": "always"})
    assert sample.by_version == {"2.0": 20}
    assert sample.expected == {"2.0": 1.0}


@needs("linux")
def test_what_is_expected_has_the_names_that_the_answers_use(lab: Lab) -> None:
    """The image's tag is 2.0, and its pods say 2.5."""
    lab.apply(f"{LESSON}/httproute.yaml")
    environment: dict[str, Any] = {"name": "nodeapp"}
    environment["env"] = [{"name": "APP_VERSION", "value": "2.5"}]
    patch = {"spec": {"template": {"spec": {"containers": [environment]}}}}
    lab.apps.patch_namespaced_deployment("nodeapp-canary", lab.namespace, patch)
    try:
        lab.wait_ready("nodeapp-canary")
        lab.wait_accepted("nodeapp-split")
        sample = lab.sample_httproute("nodeapp-split", requests=20, headers={"X-Canary": "always"})
    finally:
        environment["env"] = None
        lab.apps.patch_namespaced_deployment("nodeapp-canary", lab.namespace, patch)
        lab.wait_ready("nodeapp-canary")
    assert (sample.by_version, sample.expected) == ({"2.5": 20}, {"2.5": 1.0})


@needs("linux")
def test_a_mirror_returns_responses_of_production_only(lab: Lab) -> None:
    lab.apply(f"{LESSON}/mirror.yaml")
    lab.wait_accepted("nodeapp-split")
    sample = lab.sample_httproute("nodeapp-split", requests=200)
    assert sample.by_version == {"1.0": 200}


@needs("linux")
def test_the_canary_logs_a_copy_of_each_mirrored_request(lab: Lab) -> None:
    container = {"name": "nodeapp", "env": [{"name": "LOG_REQUESTS", "value": "1"}]}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    lab.apps.patch_namespaced_deployment("nodeapp-canary", lab.namespace, change)
    lab.wait_ready("nodeapp-canary")
    lab.apply(f"{LESSON}/mirror.yaml")
    lab.wait_accepted("nodeapp-split")
    assert check(lab, "the canary gets a copy of each request") == Verdict(
        holds=True, reason="production answered 50 requests, and the canary's log has 50 of them"
    )


@needs("linux")
def test_a_service_that_does_not_exist_fails_with_its_share(lab: Lab) -> None:
    route = lab.read(f"{LESSON}/httproute.yaml")
    production, canary = route["spec"]["rules"][1]["backendRefs"]
    production["weight"], canary["weight"], canary["name"] = 50, 50, "nowhere"
    lab.apply(route)
    said = lab.wait_accepted("nodeapp-split")
    sample = lab.sample_httproute("nodeapp-split", requests=200)
    assert said.notes[0].startswith("ResolvedRefs is False, BackendNotFound: ")
    assert set(sample.failures) == {"status 500"}
    assert sample.expected == {"1.0": 1.0}  # of those that were answered


@needs("linux")
def test_to_a_route_that_nothing_serves_no_request_is_sent(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httproute, "SERVED_TIMEOUT_S", 0.1)
    route = lab.read(f"{LESSON}/httproute.yaml")
    route["spec"]["parentRefs"] = [{"name": "somewhere-else"}]
    lab.apply(route)
    sample = lab.sample_httproute("nodeapp-split", requests=100)
    said = "nodeapp-split is not served: no controller of a Gateway has accepted it. "
    assert (sample.total, repr(sample)) == (0, f"{said}No request was sent.")
    assert sample.plot().title == f"{said}No request was sent"


@needs("linux")
def test_a_route_that_is_not_there_is_refused(lab: Lab) -> None:
    with pytest.raises(ApiRefusedError, match="nowhere"):
        lab.sample_httproute("nowhere")


def drawn(**spec: Any) -> Any:
    (route,) = diagram_routes([{"metadata": {"name": "split"}, "spec": spec}])
    return route


def test_a_diagram_has_the_host_the_gateway_and_the_shares_of_a_route() -> None:
    header = {"headers": [{"name": "X-Canary", "value": "always"}]}
    weighted = [{"name": "prod", "weight": 9}, {"name": "canary", "weight": 1}]
    route = drawn(
        hostnames=["foo.bar.com"],
        parentRefs=[{"name": "canarylab"}],
        rules=[
            {"matches": [header], "backendRefs": [{"name": "canary"}]},
            {"backendRefs": weighted},
        ],
    )

    assert route.notes == ("host foo.bar.com", "Gateway canarylab")
    assert [tuple(rule) for rule in route.rules] == [
        ("X-Canary: always", "canary", False),
        ("/ 90 %", "prod", False),
        ("/ 10 %", "canary", False),
    ]


def test_a_diagram_has_the_service_that_gets_copies() -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "canary"}}}
    route = drawn(rules=[{"filters": [mirror], "backendRefs": [{"name": "prod"}]}])

    assert route.notes == ("host (any)",)
    assert [tuple(rule) for rule in route.rules] == [("/", "prod", False), ("/", "canary", True)]


def test_a_diagram_says_when_a_path_has_to_be_exact() -> None:
    exact = {"path": {"type": "Exact", "value": "/x"}}
    route = drawn(rules=[{"matches": [exact], "backendRefs": [{"name": "prod"}]}])

    assert route.rules[0].text == "/x exactly"


def test_a_cluster_without_httproutes_has_none() -> None:
    def refuse(*_: object) -> None:
        raise ApiException(status=404)

    stand_in: Any = SimpleNamespace(
        namespace="default", custom=SimpleNamespace(list_namespaced_custom_object=refuse)
    )

    assert read_httproutes(stand_in) == []
