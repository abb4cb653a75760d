"""The same with Podman, where kind is told to use it."""

from __future__ import annotations

import pytest

from canarylab.clusters.kind import Kind
from canarylab.errors import SetupError
from tests.clusters.kind_machine import APP, CLUSTER, archives, images_in_the_node, kill, notebook
from tests.standins.installed import install
from tests.standins.world import NAMED_PROVIDER, World
from tests.waiting import until


@pytest.fixture
def podman(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """A cluster that Podman runs, on a machine without Docker."""
    install(kind.home.root.parent / "bin", "podman")
    (kind.home.root.parent / "bin" / "docker").unlink()
    monkeypatch.setenv(NAMED_PROVIDER, "podman")
    kind.start(lambda _words: None)
    return kind


def test_a_cluster_is_made_without_docker(podman: Kind, world: World) -> None:
    assert world.cluster(CLUSTER)
    assert podman.is_made()


def test_its_image_gets_the_name_of_the_manifests(podman: Kind, world: World) -> None:
    image = world.add_image("localhost/node_app:1.0")

    podman.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(world) == {APP: image}


def test_is_saved_as_an_archive_of_docker(podman: Kind, world: World) -> None:
    world.add_image("localhost/node_app:1.0")

    podman.load_image("node_app:1.0", lambda _words: None)

    archive = str(archives(podman) / "image.tar")
    assert world.calls("podman", "save") == [
        ["podman", "save", "--format", "docker-archive", "-o", archive, APP]
    ]
    assert world.calls("docker") == []


def test_a_rebuilt_image_is_loaded_again(podman: Kind, world: World) -> None:
    world.add_image("localhost/node_app:1.0")
    podman.load_image("node_app:1.0", lambda _words: None)
    rebuilt = world.add_image("localhost/node_app:1.0")

    podman.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(world) == {APP: rebuilt}


def test_an_image_that_was_not_built_is_named(podman: Kind) -> None:
    with pytest.raises(SetupError, match=r"no image node_app:1\.0 in Podman"):
        podman.load_image("node_app:1.0", lambda _words: None)


async def test_does_not_inherit_the_lock(podman: Kind, world: World) -> None:
    """Its containers would keep it for as long as they run."""
    podman.stop()
    world.hang("kind Starting")
    with notebook("start") as killed:
        await until(world.hanging.exists)
        killed.kill()

    podman.start(lambda _words: None)

    kill(world)
    assert podman.is_made()
