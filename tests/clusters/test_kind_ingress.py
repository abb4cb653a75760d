"""What a kind cluster lacks before it serves Ingresses."""

from __future__ import annotations

import pytest

from canarylab.clusters.base import Object, Serving
from canarylab.clusters.ingress_classes import RETIRED
from canarylab.clusters.kind import Kind, ingress
from tests.clusters.kind_machine import images_in_the_node
from tests.standins.world import World, normalized

PINNED = ingress.image()
TAG = PINNED.partition("@")[0]
OURS = next(each for each in ingress.objects(PINNED) if each["kind"] == "IngressClass")
FROM_INGRESS_NGINX: Object = {
    "metadata": {"name": "nginx", "labels": {"app.kubernetes.io/name": "ingress-nginx"}}
}
SOMEBODYS: Object = {"metadata": {"name": "nginx"}}


@pytest.fixture
def made(kind: Kind) -> Kind:
    """A cluster that is there."""
    kind.start(lambda _words: None)
    return kind


def served(kind: Kind, *classes: Object) -> Serving:
    return kind.serve_ingresses(classes, lambda _words: None)


def image_of(serving: Serving) -> str:
    (deployment,) = (each for each in serving.objects if each["kind"] == "Deployment")
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def test_traefik_where_nobody_serves_them(made: Kind) -> None:
    serving = served(made)

    assert serving == Serving(ingress.objects(PINNED))
    assert image_of(serving) == PINNED


def test_a_controller_for_another_class_does_not_help(made: Kind) -> None:
    assert served(made, {"metadata": {"name": "haproxy"}}).objects != ()


def test_traefik_again_where_it_was_begun_and_perhaps_interrupted(made: Kind) -> None:
    assert served(made, OURS) == served(made)


def test_ingress_nginx_is_used_as_it_is_and_said_to_be_retired(made: Kind, world: World) -> None:
    world.add_image(normalized(TAG))

    assert served(made, FROM_INGRESS_NGINX) == Serving(notes=(RETIRED,))
    assert world.calls("kind", "load") == []


def test_so_is_anybody_else_without_a_word(made: Kind) -> None:
    assert served(made, SOMEBODYS) == Serving()


def test_an_image_that_is_here_is_loaded_and_not_pulled_by_its_digest(
    made: Kind, world: World, told: list[str]
) -> None:
    image = world.add_image(normalized(TAG))

    serving = made.serve_ingresses([], told.append)

    assert image_of(serving) == TAG
    assert images_in_the_node(world) == {normalized(TAG): image}
    assert told == [f"saving {TAG} for kind", f"loading {TAG} into kind"]


def test_it_is_loaded_once(made: Kind, world: World) -> None:
    world.add_image(normalized(TAG))

    assert image_of(served(made)) == image_of(served(made, OURS)) == TAG
    assert len(world.calls("kind", "load")) == 1
