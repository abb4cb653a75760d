"""An image that was built here gets into the node, once."""

from __future__ import annotations

import os
import signal

import pytest

from canarylab.clusters.kind import Kind
from canarylab.errors import SetupError, ToolFailedError
from tests.clusters.kind_machine import APP, CLUSTER, archives, images_in_the_node, notebook
from tests.standins.world import World
from tests.waiting import until


@pytest.fixture
def made(kind: Kind) -> Kind:
    """A cluster that is there."""
    kind.start(lambda _words: None)
    return kind


def test_is_saved_for_one_platform_and_loaded(made: Kind, world: World, told: list[str]) -> None:
    world.add_image(APP)

    made.load_image("node_app:1.0", told.append)

    archive = str(archives(made) / "image.tar")
    save = ["docker", "image", "save", "--platform", "linux/amd64", "-o", archive, "node_app:1.0"]
    assert world.calls("docker", "image", "save") == [save]
    assert world.calls("kind", "load") == [
        ["kind", "load", "image-archive", archive, "--name", CLUSTER]
    ]
    assert told == ["saving node_app:1.0 for kind", "loading node_app:1.0 into kind"]


def test_is_in_the_node_under_the_name_of_the_manifests(made: Kind, world: World) -> None:
    image = world.add_image(APP)

    made.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(world) == {APP: image}


def test_is_saved_for_the_platform_of_the_engine(made: Kind, world: World) -> None:
    world.set(architecture="aarch64")
    world.add_image(APP)

    made.load_image("node_app:1.0", lambda _words: None)

    (call,) = world.calls("docker", "image", "save")
    assert call[3:5] == ["--platform", "linux/arm64"]


@pytest.mark.parametrize("old", [{"docker_version": "20.10.24"}, {"api_version": "1.41"}])
def test_an_old_docker_saves_the_one_platform_it_has(
    made: Kind, world: World, told: list[str], old: dict[str, str]
) -> None:
    world.set(**old)
    image = world.add_image(APP)

    made.load_image("node_app:1.0", told.append)

    assert images_in_the_node(world) == {APP: image}
    assert told == ["saving node_app:1.0 for kind", "loading node_app:1.0 into kind"]


def test_another_refusal_is_not_taken_for_an_old_docker(made: Kind, world: World) -> None:
    world.add_image(APP)
    world.fail("save", "Error response from daemon: something else")

    with pytest.raises(ToolFailedError, match="something else"):
        made.load_image("node_app:1.0", lambda _words: None)

    assert len(world.calls("docker", "image", "save")) == 1


def test_is_not_loaded_twice(made: Kind, world: World, told: list[str]) -> None:
    world.add_image(APP)
    made.load_image("node_app:1.0", lambda _words: None)

    made.load_image("node_app:1.0", told.append)

    assert len(world.calls("kind", "load")) == 1
    assert told == []


def test_is_loaded_again_when_it_was_built_anew(made: Kind, world: World) -> None:
    world.add_image(APP)
    made.load_image("node_app:1.0", lambda _words: None)
    rebuilt = world.add_image(APP)

    made.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(world) == {APP: rebuilt}


def test_both_versions_are_remembered(made: Kind, world: World) -> None:
    for version in ("1.0", "2.0") * 2:
        name = f"docker.io/library/node_app:{version}"
        if world.image(name) is None:
            world.add_image(name)
        made.load_image(f"node_app:{version}", lambda _words: None)

    assert len(world.calls("kind", "load")) == 2


def test_is_loaded_into_a_new_cluster_again(made: Kind, world: World) -> None:
    image = world.add_image(APP)
    made.load_image("node_app:1.0", lambda _words: None)
    made.stop()
    made.start(lambda _words: None)

    made.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(world) == {APP: image}


def test_no_archive_is_left(made: Kind, world: World) -> None:
    world.add_image(APP)

    made.load_image("node_app:1.0", lambda _words: None)

    assert not archives(made).exists()


def test_no_archive_is_left_where_loading_failed(made: Kind, world: World) -> None:
    world.add_image(APP)
    world.fail("kind load", "ERROR: failed to load image: exit status 1")

    with pytest.raises(ToolFailedError, match="failed to load image"):
        made.load_image("node_app:1.0", lambda _words: None)

    assert not archives(made).exists()


def test_a_load_that_failed_is_tried_again(made: Kind, world: World) -> None:
    image = world.add_image(APP)
    world.fail("kind load", "ERROR: failed to load image: exit status 1")
    with pytest.raises(ToolFailedError):
        made.load_image("node_app:1.0", lambda _words: None)

    made.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(world) == {APP: image}


def test_an_image_that_was_not_built_is_named(made: Kind, world: World) -> None:
    with pytest.raises(SetupError, match=r"no image node_app:1\.0 in Docker") as raised:
        made.load_image("node_app:1.0", lambda _words: None)

    assert "canarylab build --builder docker" in str(raised.value)
    assert world.calls("kind", "load") == []


def test_where_there_is_no_cluster_yet_that_is_said(kind: Kind, world: World) -> None:
    world.add_image(APP)

    said = kind.load_image("node_app:1.0", lambda _words: None)

    assert said is not None
    assert "there is no kind cluster yet" in said
    assert "canarylab up --cluster kind" in said
    assert world.calls("kind", "load") == []


def test_a_full_disk_is_named(made: Kind, world: World) -> None:
    world.add_image(APP)
    world.fail("save", "write .docker_temp_123: no space left on device")

    with pytest.raises(SetupError, match=r"The disk is full, and an archive of node_app:1\.0"):
        made.load_image("node_app:1.0", lambda _words: None)

    assert not archives(made).exists()


def test_a_full_disk_of_the_node_is_named(made: Kind, world: World) -> None:
    world.add_image(APP)
    world.fail("kind load", "ctr: failed to ingest: no space left on device")

    with pytest.raises(SetupError, match="The disk is full"):
        made.load_image("node_app:1.0", lambda _words: None)


@pytest.mark.parametrize("place", ["save", "kind load"])
async def test_an_interrupted_load_leaves_no_archive(made: Kind, world: World, place: str) -> None:
    world.add_image(APP)
    world.hang(place)

    with notebook("load") as other:
        await until(world.hanging.exists)
        other.send_signal(signal.SIGINT)
        other.wait()

    assert other.returncode == 130
    assert not archives(made).exists()


@pytest.mark.parametrize("place", ["save", "kind load"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_an_interrupted_load_can_be_repeated(
    made: Kind, world: World, place: str, how: signal.Signals
) -> None:
    image = world.add_image(APP)
    world.hang(place)
    with notebook("load") as other:
        await until(world.hanging.exists)
        at_work = int(world.hanging.read_text())
        other.send_signal(how)
        other.wait()
    if how == signal.SIGKILL:
        os.kill(at_work, signal.SIGKILL)

    made.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(world) == {APP: image}
    assert not archives(made).exists()


async def test_two_notebooks_load_it_once(made: Kind, world: World) -> None:
    world.add_image(APP)
    world.hang("kind load")
    with notebook("load") as first:
        await until(world.hanging.exists)
        with notebook("load") as second:
            assert second.stdout is not None
            second.stdout.readline()  # it waits
            world.go_on()
            second.communicate()
        first.communicate()

    assert (first.returncode, second.returncode) == (0, 0)
    assert len(world.calls("kind", "load")) == 1
