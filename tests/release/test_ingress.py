"""Ingresses: the addresses in their status, their rules, and traffic through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kubernetes.client.exceptions import ApiException

from canarylab import stats, traffic
from canarylab.clusters.base import IngressSetup
from canarylab.clusters.kind_images import traefik_image, traefik_objects
from canarylab.display import Report
from canarylab.errors import ApiRefusedError, ClusterError
from canarylab.kube_objects import Object
from canarylab.lab import Lab
from canarylab.release import ingress as release_ingress
from canarylab.release.connection import Connection
from canarylab.release.ingress import (
    CANARY_WEIGHT,
    FindIngressSetup,
    IngressClient,
    diagram_routes,
    ensure_ingress_controller,
    read_ingress_classes,
    read_ingresses,
    service_addresses,
)
from canarylab.runtime import wait_until
from canarylab.traffic import Request, Sample
from canarylab.traffic.http import get
from tests.fakes.api import ApiStandIn, api_stand_in
from tests.needs import needs
from tests.running_playground import RunningPlayground

LABELS = {"app": "nodeapp"}
CANARY = {
    "nginx.ingress.kubernetes.io/canary": "true",
    "nginx.ingress.kubernetes.io/canary-weight": "0",
    "nginx.ingress.kubernetes.io/canary-by-header": "X-Canary",
    "nginx.ingress.kubernetes.io/canary-by-cookie": "tester",
}


def ingress_status(
    path: str = "/", host: str | None = None, address: Object | None = None
) -> Object:
    paths = [{"path": path, "backend": {"service": {"name": "web"}}}]
    rule: Object = {"http": {"paths": paths}, **({"host": host} if host else {})}
    status = {"loadBalancer": {"ingress": [address or {"ip": "192.0.2.7"}]}}
    return {"spec": {"rules": [rule]}, "status": status}


def test_a_rule_for_every_host_gives_an_address_that_chooses_for_each_request() -> None:
    (found,) = service_addresses([ingress_status()], "web")

    assert (found.url, found.needs_check, found.balanced_per) == (
        "http://192.0.2.7",
        True,
        "request",
    )


@pytest.mark.parametrize(
    "other", [ingress_status(host="foo.bar.com"), ingress_status(path="/canary"), {"spec": {}}]
)
def test_a_rule_for_one_host_or_another_path_gives_none(other: Object) -> None:
    assert service_addresses([other], "web") == []


def test_a_rule_for_another_service_gives_none() -> None:
    assert service_addresses([ingress_status()], "shop") == []


def test_a_default_backend_gives_an_address() -> None:
    backend = {"defaultBackend": {"service": {"name": "web"}}}

    assert len(service_addresses([{**ingress_status(), "spec": backend}], "web")) == 1


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ({"hostname": "lb.example"}, "http://lb.example"),
        ({"ip": "fd00::7"}, "http://[fd00::7]"),
        (
            {"ip": "127.0.0.1", "ports": [{"port": 8080, "protocol": "TCP"}]},
            "http://127.0.0.1:8080",
        ),
        ({"ip": "192.0.2.7", "ports": [{"port": 443}, {"port": 80}]}, "http://192.0.2.7"),
        ({"ip": "192.0.2.7", "ports": [{"port": 81, "error": "Taken"}]}, "http://192.0.2.7"),
    ],
)
def test_the_status_may_hold_a_name_or_an_address_with_a_port(address: Object, url: str) -> None:
    assert [each.url for each in service_addresses([ingress_status(address=address)], "web")] == [
        url
    ]


def connection(refusal: int) -> Connection:
    """To a cluster that answers the question for Ingresses with this status."""

    def refuse(namespace: str) -> None:
        raise ApiException(status=refusal, reason="no")

    networking = SimpleNamespace(list_namespaced_ingress=refuse)
    return cast(Connection, SimpleNamespace(namespace="lab", networking=networking))


@pytest.mark.parametrize("refusal", [403, 404])
def test_a_cluster_that_shows_or_knows_no_ingresses_has_none(refusal: int) -> None:
    assert read_ingresses(connection(refusal)) == []


def test_any_other_refusal_is_raised() -> None:
    with pytest.raises(ApiRefusedError, match="the Ingresses"):
        read_ingresses(connection(500))


def service(name: str, env: str) -> Object:
    spec = {"selector": {**LABELS, "env": env}, "ports": [{"port": 80, "targetPort": 3333}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": LABELS},
        "spec": spec,
    }


def ingress(name: str, backend: str, **annotations: str) -> Object:
    path = {
        "path": "/",
        "pathType": "Prefix",
        "backend": {"service": {"name": backend, "port": {"number": 80}}},
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "labels": LABELS, "annotations": annotations},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": "foo.bar.com", "http": {"paths": [path]}}],
        },
    }


@pytest.fixture(scope="module")
def lab(playground: RunningPlayground) -> Iterator[Lab]:
    """Production and a canary behind one Ingress, the canary with a weight of its own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CANARYLAB_HOME", str(playground.home.root))
        environment.delenv("CANARYLAB_CLUSTER", raising=False)
        lab = Lab()
        lab.reset("03-canary")
        lab.apply(service("prod", "prod"))
        lab.apply(service("canary", "canary"))
        lab.apply(ingress("main", "prod"))
        lab.apply(ingress("ingress-canary", "canary", **CANARY))
        yield lab
        playground.delete_pods_at_once()
        lab.close()


@needs("linux")
def test_a_path_alone_goes_to_the_ingress_under_the_host_of_the_lessons(lab: Lab) -> None:
    assert lab.get("/").body == '"Version 1.0"'
    assert lab.get("/", host="another.example").status == 404


@needs("linux")
def test_the_url_of_an_ingress_is_where_its_controller_answers(lab: Lab) -> None:
    assert get(lab.url("main"), Request(host="foo.bar.com")).body == '"Version 1.0"'


@needs("linux")
def test_a_header_and_a_cookie_lead_to_the_canary(lab: Lab) -> None:
    assert lab.get("/", headers={"X-Canary": "always"}).body == '"Version 2.0"'
    assert lab.get("/", cookies={"tester": "always"}).body == '"Version 2.0"'


@needs("linux")
def test_a_whole_url_is_not_sent_to_the_ingress(lab: Lab) -> None:
    assert lab.get(lab.url()).status == 200
    assert lab.get(f"{lab.url()}/nowhere", headers={"X-Canary": "always"}).status == 404


@needs("linux")
def test_a_route_is_explained_with_its_reasons(lab: Lab) -> None:
    route = lab.explain_route("/", headers={"X-Canary": "always"})

    assert (route.shares, route.path, route.status) == ({"canary:80": 1.0}, "/", 0)
    assert "Its canary canary:80 gets the request: header X-Canary is always." in route.reasons
    assert repr(route).splitlines() == list(route.reasons)


@needs("linux")
def test_a_request_without_a_rule_is_explained_and_not_sampled(lab: Lab) -> None:
    route = lab.explain_route("/", host="another.example")

    assert (route.shares, route.status) == ({}, 404)
    with pytest.raises(ClusterError, match="no pod, and the ingress controller responds with 404"):
        lab.sample_ingress("/", host="another.example")


@needs("linux")
@pytest.mark.parametrize("path", ["", "CANARY", "http://127.0.0.1:8080/"])
def test_a_path_without_a_slash_is_refused_with_the_right_one(lab: Lab, path: str) -> None:
    for read in (lab.explain_route, lab.sample_ingress):
        with pytest.raises(ValueError, match=f'does not begin with a slash. Try "/{path}"'):
            read(path)


@needs("linux")
def test_a_page_that_the_app_does_not_have_is_sampled_after_one_look(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples: list[Sample] = []

    def measure(*arguments: Any, **named: Any) -> Sample:
        samples.append(traffic.measure(*arguments, **named))
        return samples[-1]

    monkeypatch.setattr(release_ingress, "traffic", SimpleNamespace(measure=measure))

    assert lab.sample_ingress("/nowhere", requests=10).failures == {"status 404": 10}
    assert len(samples) == 2


@needs("linux")
def test_a_sample_waits_for_a_rule_that_the_client_has_just_changed(lab: Lab) -> None:
    ingress = lab.networking.read_namespaced_ingress("main", lab.namespace)
    service = ingress.spec.rules[0].http.paths[0].backend.service
    for name in ("missing", "prod"):
        service.name, ingress.metadata.resource_version = name, None
        lab.networking.replace_namespaced_ingress("main", lab.namespace, ingress)
        if name == "missing":
            assert wait_until(lambda: lab.get("/").status == 503, timeout_s=10.0)

    assert lab.sample_ingress(requests=20).failed == 0


@needs("linux")
@pytest.mark.parametrize("percent", [0, 10, 50, 100])
def test_the_share_is_the_weight_whatever_the_pods(lab: Lab, percent: int) -> None:
    lab.set_weight(percent)

    sample = lab.sample_ingress(requests=400)

    assert sample.failed == 0
    assert sample.expected is not None
    assert sample.expected.get("2.0", 0.0) == percent / 100
    interval = stats.interval(sample, sample.by_version.get("2.0", 0), confidence=0.9999)
    assert percent / 100 in interval


@needs("linux")
def test_the_sample_names_its_cluster_and_the_ingress(lab: Lab) -> None:
    sample = lab.sample_ingress(requests=10)

    assert (sample.cluster, sample.balanced_per) == ("playground, through its Ingress", "request")


@needs("linux")
def test_what_is_expected_has_the_names_that_the_answers_use(lab: Lab) -> None:
    """The image's tag is 2.0, and its pods say 2.5."""
    lab.set_weight(0)
    environment: dict[str, Any] = {"name": "nodeapp"}
    environment["env"] = [{"name": "APP_VERSION", "value": "2.5"}]
    patch = {"spec": {"template": {"spec": {"containers": [environment]}}}}
    lab.apps.patch_namespaced_deployment("nodeapp-canary", lab.namespace, patch)
    try:
        lab.wait_ready("nodeapp-canary")
        sample = lab.sample_ingress(requests=20, headers={"X-Canary": "always"})
    finally:
        environment["env"] = None
        lab.apps.patch_namespaced_deployment("nodeapp-canary", lab.namespace, patch)
        lab.wait_ready("nodeapp-canary")
    assert (sample.by_version, sample.expected) == ({"2.5": 20}, {"2.5": 1.0})
    assert "the image tag 2.0 answer as version 2.5" in sample.notes[-1]


@needs("linux")
def test_testers_get_the_canary_at_weight_0(lab: Lab) -> None:
    lab.set_weight(0)

    sample = lab.sample_ingress(requests=20, headers={"X-Canary": "always"})

    assert sample.by_version == {"2.0": 20}


@needs("linux")
@pytest.mark.parametrize("percent", [-1, 101, 0.25, "25"])
def test_a_weight_that_is_no_whole_number_from_0_to_100_is_refused(lab: Lab, percent: Any) -> None:
    with pytest.raises(ValueError, match="Give a whole number from 0 to 100"):
        lab.set_weight(percent)


@needs("linux")
def test_a_weight_that_was_written_by_hand_and_is_no_number_can_be_set_again(lab: Lab) -> None:
    words = {"metadata": {"annotations": {CANARY_WEIGHT: "a quarter"}}}
    lab.networking.patch_namespaced_ingress("ingress-canary", lab.namespace, words)

    lab.set_weight(25)

    assert lab.explain_route("/").shares["canary:80"] == 0.25


@needs("linux")
def test_a_weight_for_an_ingress_that_is_no_canary_is_refused(lab: Lab) -> None:
    with pytest.raises(ValueError, match="main is not a canary Ingress"):
        lab.set_weight(25, "main")


@needs("linux")
def test_the_weight_of_an_ingress_that_is_not_there(lab: Lab) -> None:
    with pytest.raises(ApiRefusedError, match='"nowhere" not found'):
        lab.set_weight(10, "nowhere")


TRAEFIK = traefik_objects(traefik_image())
INGRESS: Object = {"kind": "Ingress"}


def traefik(classes: Sequence[Object] | None, report: Report) -> IngressSetup:
    """What kind says is missing, where there is nothing."""
    return IngressSetup(TRAEFIK, notes=("Traefik it is.",))


def nothing_missing(classes: Sequence[Object] | None, report: Report) -> IngressSetup:
    return IngressSetup()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiStandIn]:
    with api_stand_in(tmp_path) as api:
        yield api


@pytest.fixture
def there(api: ApiStandIn) -> Iterator[Connection]:
    with closing(Connection(api.kubeconfig)) as connection:
        yield connection


@pytest.fixture
def client(there: Connection) -> IngressClient:
    return client_of(there, traefik)


def client_of(there: Connection, ingress_setup: FindIngressSetup) -> IngressClient:
    cluster: Any = SimpleNamespace(ingress_setup=ingress_setup)
    return IngressClient(cluster, there)


def test_all_of_the_manifest_is_applied_and_waited_for(api: ApiStandIn, there: Connection) -> None:
    reported: list[str] = []

    ensure_ingress_controller(there, traefik, reported.append)

    assert api.kinds() == [each["kind"] for each in TRAEFIK]
    assert "/apis/apps/v1/namespaces/traefik/deployments/traefik" in api.objects
    assert reported == [
        "installing traefik, which serves Ingresses here",
        "traefik: 1 of 1 pods are ready",
    ]


def test_what_is_there_already_is_only_updated(api: ApiStandIn, there: Connection) -> None:
    ensure_ingress_controller(there, traefik, lambda _text: None)
    held = dict(api.objects)

    ensure_ingress_controller(there, traefik, lambda _text: None)

    assert api.objects == held
    assert {each.partition(" ")[0] for each in api.writes[len(TRAEFIK) :]} == {"PATCH"}


def test_the_namespace_of_the_lessons_stays_as_it_was(there: Connection) -> None:
    ensure_ingress_controller(there, traefik, lambda _text: None)

    assert there.namespace == "default"


def test_an_image_that_cannot_be_pulled_is_named_with_ways_to_get_it(
    api: ApiStandIn, there: Connection
) -> None:
    api.missing_image = "toomanyrequests"

    with pytest.raises(ClusterError) as raised:
        ensure_ingress_controller(there, traefik, lambda _text: None)

    assert str(raised.value) == (
        "A pod of traefik cannot start: ErrImagePull, toomanyrequests. Look at the network, or "
        "load the images with `canarylab bundle load FILE`; then apply the Ingress again."
    )


def test_after_a_failure_the_next_try_goes_on(api: ApiStandIn, client: IngressClient) -> None:
    api.missing_image = "no such host"
    with pytest.raises(ClusterError):
        client.ensure_controller_for([INGRESS])
    api.missing_image = None

    assert client.ensure_controller_for([INGRESS]) == ("Traefik it is.",)


@pytest.mark.parametrize("kind", ["Ingress", "Gateway", "HTTPRoute"])
def test_it_is_installed_with_the_first_route(
    api: ApiStandIn, client: IngressClient, kind: str
) -> None:
    assert client.ensure_controller_for([{"kind": "Service"}, {"kind": kind}]) == (
        "Traefik it is.",
    )
    assert "Deployment" in api.kinds()


def test_it_is_not_installed_before(api: ApiStandIn, client: IngressClient) -> None:
    assert client.ensure_controller_for([{"kind": "Service"}, {"kind": "Deployment"}, {}]) == ()
    assert api.objects == {}


def test_the_cluster_is_asked_once(there: Connection) -> None:
    asked: list[Sequence[Object] | None] = []

    def nothing(classes: Sequence[Object] | None, report: Report) -> IngressSetup:
        asked.append(classes)
        return IngressSetup()

    client = client_of(there, nothing)

    for _ in range(2):
        client.ensure_controller()
        client.ensure_controller_for([INGRESS])

    assert asked == [[]]


def test_the_notes_wait_for_a_route_and_are_shown_once(client: IngressClient) -> None:
    client.ensure_controller()

    assert client.ensure_controller_for([{"kind": "Service"}]) == ()
    assert client.ensure_controller_for([INGRESS]) == ("Traefik it is.",)
    assert client.ensure_controller_for([INGRESS]) == ()


def test_where_nothing_is_missing_nothing_is_written(api: ApiStandIn, there: Connection) -> None:
    ensure_ingress_controller(there, nothing_missing, lambda _text: None)

    assert api.writes == []


def test_the_classes_are_those_of_the_cluster(there: Connection) -> None:
    assert read_ingress_classes(there) == []
    ensure_ingress_controller(there, traefik, lambda _text: None)

    assert [each["metadata"]["name"] for each in read_ingress_classes(there) or []] == ["nginx"]


@needs("linux")
def test_a_strict_api_takes_the_kinds_of_the_manifest_that_it_knows(connection: Connection) -> None:
    """As a dry run, on the playground: it has no accounts and no roles."""
    known = [each for each in TRAEFIK if each["kind"] in {"Namespace", "Deployment"}]

    taken = [_dry_run(connection, each) for each in known]

    assert [each["kind"] for each in taken] == ["Namespace", "Deployment"]
    assert taken[1]["spec"]["template"]["spec"]["securityContext"]["sysctls"][0]["value"] == "0"


def _dry_run(connection: Connection, wanted: Object) -> Object:
    resource = connection.dynamic.resources.get(
        api_version=wanted["apiVersion"], kind=wanted["kind"]
    )
    metadata = {**wanted["metadata"], "namespace": connection.namespace}
    if not resource.namespaced:
        del metadata["namespace"]
    asked = [("dryRun", "All"), ("fieldValidation", "Strict")]
    body = {**wanted, "metadata": metadata}
    taken: Object = resource.create(
        body=body, namespace=connection.namespace, query_params=asked
    ).to_dict()
    return taken


@needs("linux")
def test_the_playground_has_its_class(connection: Connection) -> None:
    (found,) = read_ingress_classes(connection) or []

    assert found["spec"]["controller"] == "k8s.io/ingress-nginx"


def ingress_object(name: str, **spec: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec}


def path(path: str, service: str, path_type: str = "Prefix") -> Object:
    backend = {"service": {"name": service, "port": {"number": 80}}}
    return {"path": path, "pathType": path_type, "backend": backend}


def test_a_diagram_has_the_paths_and_the_default_backend_of_an_ingress() -> None:
    paths = [path("/", "prod"), path("/canary", "canary", "Exact")]
    rules = [{"host": "foo.bar.com", "http": {"paths": paths}}]
    (route,) = diagram_routes(
        [ingress_object("web", rules=rules, defaultBackend=path("", "prod")["backend"])]
    )

    assert (route.kind, route.name, route.notes) == ("Ingress", "web", ("host foo.bar.com",))
    assert [tuple(rule[:2]) for rule in route.rules] == [
        ("/", "prod"),
        ("/canary exactly", "canary"),
        ("default backend", "prod"),
    ]


def test_a_diagram_has_the_annotations_of_a_canary_ingress() -> None:
    ingress = ingress_object("new", rules=[{"http": {"paths": [path("/", "canary")]}}])
    prefix = "nginx.ingress.kubernetes.io/"
    ingress["metadata"]["annotations"] = {
        **CANARY,
        f"{prefix}canary-by-cookie": "tester",
        f"{prefix}rewrite-target": "/",
    }
    (route,) = diagram_routes([ingress])

    assert route.kind == "canary Ingress"
    assert route.notes == (
        "any host",
        "rewrite to /",
        "0 of 100 requests",
        "header X-Canary: always",
        "cookie tester: always",
    )


def test_a_diagram_names_the_host_of_each_path_if_there_are_several() -> None:
    rules = [{"host": host, "http": {"paths": [path("/", "web")]}} for host in ("a.b", "c.d")]
    (route,) = diagram_routes([ingress_object("web", rules=rules)])

    assert [rule.text for rule in route.rules] == ["a.b/", "c.d/"]
    assert route.notes == ()
