"""How manifests are changed for a cluster that somebody else runs."""

from __future__ import annotations

import copy

import pytest

from canarylab import resources
from canarylab.clusters.adapt_manifest import (
    RETIRED,
    ClusterLimits,
    adapt_manifest,
    choose_ingress_class,
)
from canarylab.kube_objects import Object
from canarylab.manifests import load

FROM_INGRESS_NGINX = {"app.kubernetes.io/name": "ingress-nginx"}
WITH_REGISTRY = ClusterLimits(registry="registry.example:5000/team/")


def manifest(name: str) -> Object:
    return load(resources.folder("manifests") / name)[0]


def an_ingress(named: str | None) -> Object:
    return {"kind": "Ingress", "spec": {"ingressClassName": named} if named else {}}


def test_a_deployment_stays_as_it_is() -> None:
    production = manifest("02-production/production.yaml")

    assert adapt_manifest(production, ClusterLimits(allows_node_ports=False)) == (production, ())


def test_the_api_chooses_the_node_port() -> None:
    adapted = adapt_manifest(manifest("02-production/service.yaml"), ClusterLimits()).object

    assert adapted["spec"]["type"] == "NodePort"
    assert adapted["spec"]["ports"] == [{"port": 80, "targetPort": 3333}]


def test_where_there_are_no_node_ports_the_service_does_without() -> None:
    adapted = adapt_manifest(
        manifest("02-production/service.yaml"), ClusterLimits(allows_node_ports=False)
    )

    assert adapted.object["spec"]["type"] == "ClusterIP"
    assert adapted.object["spec"]["ports"] == [{"port": 80, "targetPort": 3333}]
    assert "instead of NodePort" in adapted.notes[0]


def test_an_image_of_ours_carries_the_registry() -> None:
    adapted = adapt_manifest(manifest("03-canary/canary.yaml"), WITH_REGISTRY)
    (container,) = adapted.object["spec"]["template"]["spec"]["containers"]

    assert container["image"] == "registry.example:5000/team/node_app:2.0"
    assert adapted.notes == (
        "image registry.example:5000/team/node_app:2.0 instead of node_app:2.0",
    )


def test_an_image_of_somebody_else_does_not() -> None:
    other = manifest("03-canary/canary.yaml")
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.29"

    assert adapt_manifest(other, WITH_REGISTRY) == (other, ())


def test_an_ingress_takes_the_class_that_is_there() -> None:
    adapted = adapt_manifest(an_ingress("nginx"), ClusterLimits(ingress_class="haproxy"))

    assert adapted.object == an_ingress("haproxy")
    assert adapted.notes == ("class haproxy instead of nginx, which this cluster does not have",)


@pytest.mark.parametrize(
    ("named", "there"), [("nginx", "nginx"), ("kong", "haproxy"), (None, "haproxy")]
)
def test_it_keeps_its_class_where_that_is_there_or_was_chosen(
    named: str | None, there: str
) -> None:
    assert adapt_manifest(an_ingress(named), ClusterLimits(ingress_class=there)) == (
        an_ingress(named),
        (),
    )


def test_what_was_given_is_left_alone() -> None:
    service = manifest("02-production/service.yaml")
    before = copy.deepcopy(service)

    adapt_manifest(service, ClusterLimits(allows_node_ports=False))

    assert service == before


def test_a_manifest_that_is_wrong_goes_to_the_server_as_it_is() -> None:
    for wrong in (
        {"kind": "Service"},
        {"kind": "Deployment", "spec": {"template": 3}},
        {"kind": "Ingress", "spec": 3},
    ):
        assert adapt_manifest(wrong, WITH_REGISTRY) == (wrong, ())


def a_class(name: str, *, default: bool = False, labels: dict[str, str] | None = None) -> Object:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"} if default else {}
    metadata = {"name": name, "labels": labels or {}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"controller": f"example.com/{name}"}}


def test_nginx_is_taken_wherever_it_is() -> None:
    assert choose_ingress_class([a_class("haproxy", default=True), a_class("nginx")]) == (
        "nginx",
        (),
    )


def test_of_ingress_nginx_it_is_said_that_it_is_retired() -> None:
    assert choose_ingress_class([a_class("nginx", labels=FROM_INGRESS_NGINX)]) == (
        "nginx",
        (RETIRED,),
    )


def test_who_may_not_look_tries_nginx() -> None:
    assert choose_ingress_class(None) == ("nginx", ())


@pytest.mark.parametrize(
    "classes",
    [
        [a_class("haproxy")],
        [a_class("haproxy", default=True), a_class("kong")],
        [a_class("kong"), a_class("haproxy", default=True)],
    ],
)
def test_without_nginx_the_only_or_default_class_is_used_with_a_note(
    classes: list[Object],
) -> None:
    name, (note,) = choose_ingress_class(classes)

    assert name == "haproxy"
    assert note == (
        "This cluster has no IngressClass nginx, so Ingresses get the class haproxy. "
        "Its controller, example.com/haproxy, may not support the annotations of ingress-nginx."
    )


@pytest.mark.parametrize("default", [False, True])
def test_among_several_nobody_guesses(*, default: bool) -> None:
    both = [a_class("kong", default=default), a_class("haproxy", default=default)]

    name, (note,) = choose_ingress_class(both)

    assert name == "nginx"
    assert "not exactly one default among haproxy, kong" in note


def test_a_cluster_without_classes_is_said_to_have_none() -> None:
    name, (note,) = choose_ingress_class([])

    assert name == "nginx"
    assert note.startswith("This cluster has no IngressClass, so it may have no controller")
