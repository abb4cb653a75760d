"""An ingress controller is installed where a cluster has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from canarylab.clusters.base import IngressSetup
from canarylab.clusters.kind_images import traefik_image, traefik_objects
from canarylab.display import Report
from canarylab.errors import ClusterError
from canarylab.kube_objects import Object
from canarylab.release.connection import Connection
from canarylab.release.ingress import IngressClient
from canarylab.release.ingress_controller import (
    FindIngressSetup,
    ensure_ingress_controller,
    read_ingress_classes,
)
from tests.needs import needs
from tests.standins.api import ApiStandIn, api_stand_in

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
