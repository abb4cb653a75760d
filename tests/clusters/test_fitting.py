"""How a guest's manifests look."""

from __future__ import annotations

import copy

import pytest

from canarylab import content
from canarylab.clusters.fitting import Guest, fit
from canarylab.manifests import Object, load

WITH_REGISTRY = Guest(registry="registry.example:5000/team/")


def manifest(name: str) -> Object:
    return load(content.folder("manifests") / name)[0]


def an_ingress(named: str | None) -> Object:
    return {"kind": "Ingress", "spec": {"ingressClassName": named} if named else {}}


def test_a_deployment_stays_as_it_is() -> None:
    production = manifest("2-production/production.yaml")

    assert fit(production, Guest(has_node_ports=False)) == (production, ())


def test_the_api_chooses_the_node_port() -> None:
    fitted = fit(manifest("2-production/service.yaml"), Guest()).object

    assert fitted["spec"]["type"] == "NodePort"
    assert fitted["spec"]["ports"] == [{"port": 80, "targetPort": 3333}]


def test_where_there_are_no_node_ports_the_service_does_without() -> None:
    fitted = fit(manifest("2-production/service.yaml"), Guest(has_node_ports=False))

    assert fitted.object["spec"]["type"] == "ClusterIP"
    assert fitted.object["spec"]["ports"] == [{"port": 80, "targetPort": 3333}]
    assert "in place of NodePort" in fitted.notes[0]


def test_an_image_of_ours_carries_the_registry() -> None:
    fitted = fit(manifest("3-canary/canary.yaml"), WITH_REGISTRY)
    (container,) = fitted.object["spec"]["template"]["spec"]["containers"]

    assert container["image"] == "registry.example:5000/team/node_app:2.0"
    assert fitted.notes == (
        "image registry.example:5000/team/node_app:2.0 in place of node_app:2.0",
    )


def test_an_image_of_somebody_else_does_not() -> None:
    other = manifest("3-canary/canary.yaml")
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.29"

    assert fit(other, WITH_REGISTRY) == (other, ())


def test_an_ingress_takes_the_class_that_is_there() -> None:
    fitted = fit(an_ingress("nginx"), Guest(ingress_class="haproxy"))

    assert fitted.object == an_ingress("haproxy")
    assert fitted.notes == ("class haproxy in place of nginx, which is not here",)


@pytest.mark.parametrize(
    ("named", "there"), [("nginx", "nginx"), ("kong", "haproxy"), (None, "haproxy")]
)
def test_it_keeps_its_class_where_that_is_there_or_was_chosen(
    named: str | None, there: str
) -> None:
    assert fit(an_ingress(named), Guest(ingress_class=there)) == (an_ingress(named), ())


def test_what_was_given_is_left_alone() -> None:
    service = manifest("2-production/service.yaml")
    before = copy.deepcopy(service)

    fit(service, Guest(has_node_ports=False))

    assert service == before


def test_a_manifest_that_is_wrong_goes_to_the_server_as_it_is() -> None:
    for wrong in (
        {"kind": "Service"},
        {"kind": "Deployment", "spec": {"template": 3}},
        {"kind": "Ingress", "spec": 3},
    ):
        assert fit(wrong, WITH_REGISTRY) == (wrong, ())
