"""Which class Ingresses take on a cluster that others run."""

from __future__ import annotations

import pytest

from canarylab.clusters.base import Object
from canarylab.clusters.ingress_classes import RETIRED, choose

FROM_INGRESS_NGINX = {"app.kubernetes.io/name": "ingress-nginx"}


def a_class(name: str, *, default: bool = False, labels: dict[str, str] | None = None) -> Object:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"} if default else {}
    metadata = {"name": name, "labels": labels or {}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"controller": f"example.com/{name}"}}


def test_nginx_is_taken_wherever_it_is() -> None:
    assert choose([a_class("haproxy", default=True), a_class("nginx")]) == ("nginx", ())


def test_of_ingress_nginx_it_is_said_that_it_is_retired() -> None:
    assert choose([a_class("nginx", labels=FROM_INGRESS_NGINX)]) == ("nginx", (RETIRED,))


def test_who_may_not_look_tries_nginx() -> None:
    assert choose(None) == ("nginx", ())


@pytest.mark.parametrize(
    "classes",
    [
        [a_class("haproxy")],
        [a_class("haproxy", default=True), a_class("kong")],
        [a_class("kong"), a_class("haproxy", default=True)],
    ],
)
def test_else_the_only_one_is_taken_or_the_default_and_said_what_that_means(
    classes: list[Object],
) -> None:
    name, (note,) = choose(classes)

    assert name == "haproxy"
    assert note == (
        "There is no IngressClass nginx here, so Ingresses take the class haproxy. "
        "Its controller, example.com/haproxy, may not understand the annotations of ingress-nginx."
    )


@pytest.mark.parametrize("default", [False, True])
def test_among_several_nobody_guesses(*, default: bool) -> None:
    both = [a_class("kong", default=default), a_class("haproxy", default=default)]

    name, (note,) = choose(both)

    assert name == "nginx"
    assert "no one default among haproxy, kong" in note


def test_a_cluster_without_classes_is_said_to_have_none() -> None:
    name, (note,) = choose([])

    assert name == "nginx"
    assert note.startswith("There is no IngressClass here, so nobody may be serving Ingresses.")
