"""The Ingresses of a guest, on a cluster with other classes than ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from canarylab.clusters.base import Object
from canarylab.clusters.ingress_classes import RETIRED
from canarylab.lab import Lab
from canarylab.release.connection import Connection
from tests.needs import needs
from tests.stranger import NAMESPACE, Stranger

pytestmark = needs("linux")
LOOK = "list ingressclasses"
INGRESS: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web", "labels": {"app": "nodeapp"}},
    "spec": {
        "ingressClassName": "nginx",
        "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
    },
}


@pytest.fixture
def lab(stranger: Stranger) -> Iterator[Lab]:
    """There, and gone again."""
    lab = Lab()
    lab.reset("empty")
    yield lab
    lab.close()


@pytest.fixture
def without_nginx(connection: Connection) -> Iterator[Connection]:
    """The owner of a cluster whose class nginx is away for the length of a test."""
    networking = connection.networking
    (nginx,) = connection.plain(networking.list_ingress_class())["items"]
    networking.delete_ingress_class("nginx")
    yield connection
    for found in networking.list_ingress_class().items:
        networking.delete_ingress_class(found.metadata.name)
    metadata = {"name": "nginx", "labels": nginx["metadata"]["labels"]}
    networking.create_ingress_class({"metadata": metadata, "spec": nginx["spec"]})


def class_of_the_ingress(connection: Connection) -> str:
    found = connection.networking.read_namespaced_ingress("web", NAMESPACE)
    return str(found.spec.ingress_class_name)


def test_who_may_not_list_the_classes_goes_on_with_nginx(
    lab: Lab, stranger: Stranger, connection: Connection
) -> None:
    shown = lab.apply(INGRESS)

    assert class_of_the_ingress(connection) == "nginx"
    assert shown.notes == []
    assert stranger.rules.refused == [LOOK]


def test_of_ingress_nginx_it_is_said_that_it_is_retired(lab: Lab, stranger: Stranger) -> None:
    stranger.rules.everywhere.add(LOOK)

    assert lab.apply(INGRESS).notes == [RETIRED]


def test_the_class_that_is_there_is_taken_with_a_note_on_annotations(
    without_nginx: Connection, lab: Lab, stranger: Stranger
) -> None:
    stranger.rules.everywhere.add(LOOK)
    without_nginx.networking.create_ingress_class(
        {"metadata": {"name": "haproxy"}, "spec": {"controller": "example.com/haproxy"}}
    )

    shown = lab.apply(INGRESS)

    assert class_of_the_ingress(without_nginx) == "haproxy"
    assert shown.notes == [
        "There is no IngressClass nginx here, so Ingresses take the class haproxy. Its controller, "
        "example.com/haproxy, may not understand the annotations of ingress-nginx.",
        "ingress.networking.k8s.io/web: class haproxy in place of nginx, which is not here",
    ]


def test_asking_what_is_allowed_anew_does_not_forget_the_class(
    without_nginx: Connection, lab: Lab, stranger: Stranger
) -> None:
    stranger.rules.everywhere.add(LOOK)
    without_nginx.networking.create_ingress_class(
        {"metadata": {"name": "haproxy"}, "spec": {"controller": "example.com/haproxy"}}
    )
    lab.apply(INGRESS)

    lab.cluster.start(lambda _words: None)

    assert lab.cluster.fit(INGRESS).object["spec"]["ingressClassName"] == "haproxy"


def test_a_cluster_without_any_class_says_so(
    without_nginx: Connection, lab: Lab, stranger: Stranger
) -> None:
    stranger.rules.everywhere.add(LOOK)

    (note,) = lab.apply(INGRESS).notes

    assert note.startswith("There is no IngressClass here, so nobody may be serving Ingresses.")
