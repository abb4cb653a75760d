"""Somebody comes to serve the Ingresses of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from canarylab.clusters.base import IngressSetup, Object, Report
from canarylab.clusters.kind_images import traefik_image, traefik_objects
from canarylab.errors import ClusterError
from canarylab.release.connection import Connection
from canarylab.release.serving import Doorkeeper, bring_up, read_classes
from tests.needs import needs
from tests.standins.api import ApiStandIn, api_stand_in

TRAEFIK = traefik_objects(traefik_image())
INGRESS: Object = {"kind": "Ingress"}


def traefik(classes: Sequence[Object] | None, report: Report) -> IngressSetup:
    """What kind says is missing, where there is nothing."""
    return IngressSetup(TRAEFIK, notes=("Traefik it is.",))


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiStandIn]:
    with api_stand_in(tmp_path) as api:
        yield api


@pytest.fixture
def there(api: ApiStandIn) -> Iterator[Connection]:
    with closing(Connection(api.kubeconfig)) as connection:
        yield connection


@pytest.fixture
def keeper(there: Connection) -> Doorkeeper:
    return Doorkeeper(traefik, there)


def test_all_of_the_manifest_is_applied_and_waited_for(api: ApiStandIn, there: Connection) -> None:
    told: list[str] = []

    bring_up(there, IngressSetup(TRAEFIK), told.append)

    assert api.kinds() == [each["kind"] for each in TRAEFIK]
    assert "/apis/apps/v1/namespaces/traefik/deployments/traefik" in api.objects
    assert told == [
        "bringing traefik, which serves Ingresses here",
        "traefik: 1 of 1 pods are ready",
    ]


def test_what_is_there_already_is_only_brought_up_to_date(
    api: ApiStandIn, there: Connection
) -> None:
    bring_up(there, IngressSetup(TRAEFIK), lambda _words: None)
    held = dict(api.objects)

    bring_up(there, IngressSetup(TRAEFIK), lambda _words: None)

    assert api.objects == held
    assert {each.partition(" ")[0] for each in api.writes[len(TRAEFIK) :]} == {"PATCH"}


def test_the_namespace_of_the_lessons_stays_as_it_was(there: Connection) -> None:
    bring_up(there, IngressSetup(TRAEFIK), lambda _words: None)

    assert there.namespace == "default"


def test_an_image_that_cannot_be_pulled_is_named_with_ways_to_get_it(
    api: ApiStandIn, there: Connection
) -> None:
    api.missing_image = "toomanyrequests"

    with pytest.raises(ClusterError) as raised:
        bring_up(there, IngressSetup(TRAEFIK), lambda _words: None)

    assert str(raised.value) == (
        "A pod of traefik cannot start: ErrImagePull, toomanyrequests. Look at the network, or "
        "bring the images along with `canarylab bundle load FILE`; then apply the Ingress again."
    )


def test_then_the_next_try_goes_on(api: ApiStandIn, keeper: Doorkeeper) -> None:
    api.missing_image = "no such host"
    with pytest.raises(ClusterError):
        keeper.open_for([INGRESS])
    api.missing_image = None

    assert keeper.open_for([INGRESS]) == ("Traefik it is.",)


@pytest.mark.parametrize("kind", ["Ingress", "Gateway", "HTTPRoute"])
def test_it_comes_with_the_first_route(api: ApiStandIn, keeper: Doorkeeper, kind: str) -> None:
    assert keeper.open_for([{"kind": "Service"}, {"kind": kind}]) == ("Traefik it is.",)
    assert "Deployment" in api.kinds()


def test_it_does_not_come_before(api: ApiStandIn, keeper: Doorkeeper) -> None:
    assert keeper.open_for([{"kind": "Service"}, {"kind": "Deployment"}, {}]) == ()
    assert api.objects == {}


def test_the_cluster_is_asked_once(there: Connection) -> None:
    asked: list[Sequence[Object] | None] = []

    def nothing(classes: Sequence[Object] | None, report: Report) -> IngressSetup:
        asked.append(classes)
        return IngressSetup()

    keeper = Doorkeeper(nothing, there)

    for _ in range(2):
        keeper.open()
        keeper.open_for([INGRESS])

    assert asked == [[]]


def test_what_there_is_to_say_waits_for_a_route_and_is_said_once(keeper: Doorkeeper) -> None:
    keeper.open()

    assert keeper.open_for([{"kind": "Service"}]) == ()
    assert keeper.open_for([INGRESS]) == ("Traefik it is.",)
    assert keeper.open_for([INGRESS]) == ()


def test_where_nothing_is_missing_nothing_is_written(api: ApiStandIn, there: Connection) -> None:
    bring_up(there, IngressSetup(), lambda _words: None)

    assert api.writes == []


def test_the_classes_are_those_of_the_cluster(there: Connection) -> None:
    assert read_classes(there) == []
    bring_up(there, IngressSetup(TRAEFIK), lambda _words: None)

    assert [each["metadata"]["name"] for each in read_classes(there) or []] == ["nginx"]


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
    (found,) = read_classes(connection) or []

    assert found["spec"]["controller"] == "k8s.io/ingress-nginx"
