"""Images get to somebody else's cluster through a registry."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest

from canarylab.clusters.kubeconfig import push_image
from canarylab.errors import SetupError
from tests.docker.conftest import DockerSetup
from tests.docker.registries import Registry, running_registry


def silent(words: str) -> None:
    """Nobody watches."""


@pytest.fixture
def registry() -> Iterator[Registry]:
    with running_registry() as registry:
        yield registry


@pytest.fixture
def small(docker: DockerSetup) -> str:
    """An image of ours that is quick to push."""
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    docker.client.api.import_image_from_data(files.getvalue(), repository="node_app", tag="0.1")
    return "node_app:0.1"


def test_an_image_is_pushed_under_the_name_of_the_registry(
    small: str, docker: DockerSetup, registry: Registry
) -> None:
    said: list[str] = []

    note = push_image(small, f"{registry.host}/team", said.append)

    assert note == f"node_app:0.1 is pushed as {registry.host}/team/node_app:0.1."
    assert registry.tags == {"team/node_app:0.1"}
    assert len(registry.blobs) == 2  # one layer, and how to start it
    assert said[0] == f"pushing {registry.host}/team/node_app:0.1"


def test_pushing_again_sends_nothing_again(small: str, registry: Registry) -> None:
    push_image(small, registry.host, silent)
    before = dict(registry.blobs)

    push_image(small, registry.host, silent)

    assert registry.blobs == before


def test_a_registry_that_refuses_the_push_is_explained(small: str, registry: Registry) -> None:
    registry.is_closed = True

    with pytest.raises(SetupError, match=r"could not be pushed. Log in with `docker login`"):
        push_image(small, registry.host, silent)


@pytest.mark.parametrize("name", ["https://registry.example", "UPPER CASE"])
def test_an_invalid_registry_name_is_refused(small: str, name: str) -> None:
    with pytest.raises(SetupError, match="could not be pushed"):
        push_image(small, name, silent)


def test_a_missing_image_cannot_be_pushed(docker: DockerSetup, registry: Registry) -> None:
    with pytest.raises(SetupError, match=r"No such image: node_app:7\.7"):
        push_image("node_app:7.7", registry.host, silent)
