"""Whatever interrupts a program at work on a kind cluster, running it again ends well.

Here kind and docker are processes, and so is the notebook that starts them.
"""

from __future__ import annotations

import os
import signal

import pytest

from canarylab.clusters.kind import WAITING, KindCluster
from canarylab.playground.home import Home
from tests.clusters.kind_machine import (
    APP,
    CLUSTER,
    archives,
    arrange,
    files,
    images_in_the_node,
    kill,
    notebook,
)
from tests.standins.world import World
from tests.waiting import until


@pytest.fixture
def kind(world: World, programs: None, monkeypatch: pytest.MonkeyPatch) -> KindCluster:
    """On a machine where kind and docker are programs."""
    arrange(world, monkeypatch.setattr)
    return KindCluster(Home.of_user())


def assert_one_whole_cluster(kind: KindCluster, world: World) -> None:
    assert world.clusters() == [CLUSTER]
    assert kind.has_record()
    assert files(kind) == {"kubeconfig", "lock", "made.json"}


@pytest.mark.parametrize("step", ["Ensuring", "Starting"])
async def test_ctrl_c_deletes_what_was_half_made_and_it_can_be_made_again(
    kind: KindCluster, world: World, step: str
) -> None:
    world.hang(f"kind {step}")

    with notebook("start") as other:
        await until(world.hanging.exists)
        other.send_signal(signal.SIGINT)
        output = other.communicate()[0]

    assert other.returncode == 130
    assert "deleting the half-made kind cluster" in output
    assert world.clusters() == []
    assert not kind.has_record()
    kind.start(lambda _words: None)
    assert_one_whole_cluster(kind, world)


async def test_after_a_kill_a_kind_that_still_runs_is_waited_for_and_its_cluster_made_anew(
    kind: KindCluster, world: World
) -> None:
    world.hang("kind Starting")
    with notebook("start") as killed:
        await until(world.hanging.exists)
        killed.kill()
        killed.wait()
    orphan = int(world.hanging.read_text())

    with notebook("start") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == f"{WAITING}\n"
        os.kill(orphan, 0)  # it still runs
        world.go_on()  # it dies with its next line, as nobody reads
        output = other.communicate()[0]

    assert "deleting a kind cluster that was left half-made" in output
    assert len(world.calls("kind", "create")) == 2
    assert_one_whole_cluster(kind, world)


async def test_stop_deletes_what_a_kill_left_half_made(kind: KindCluster, world: World) -> None:
    world.hang("kind Waiting")
    with notebook("start") as other:
        await until(world.hanging.exists)
        kill(world)  # as where the whole machine goes down
        other.kill()

    assert kind.stop()
    assert world.clusters() == []


async def test_of_two_starts_the_second_takes_the_cluster_of_the_first(
    kind: KindCluster, world: World
) -> None:
    world.hang("kind Starting")
    with notebook("start") as first:
        await until(world.hanging.exists)
        with notebook("start") as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"{WAITING}\n"
            world.go_on()
            second.communicate()
        first.communicate()

    assert (first.returncode, second.returncode) == (0, 0)
    assert len(world.calls("kind", "create")) == 1
    assert_one_whole_cluster(kind, world)


async def test_the_second_start_makes_it_where_the_first_was_interrupted(
    kind: KindCluster, world: World
) -> None:
    world.hang("kind Starting")
    with notebook("start") as first:
        await until(world.hanging.exists)
        with notebook("start") as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"{WAITING}\n"
            first.send_signal(signal.SIGINT)
            second.communicate()
        first.communicate()

    assert (first.returncode, second.returncode) == (130, 0)
    assert_one_whole_cluster(kind, world)


async def test_a_start_that_waits_can_be_interrupted(kind: KindCluster, world: World) -> None:
    world.hang("kind Starting")
    with notebook("start") as first:
        await until(world.hanging.exists)
        with notebook("start") as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"{WAITING}\n"
            second.send_signal(signal.SIGINT)
            second.communicate()
        world.go_on()
        first.communicate()

    assert (first.returncode, second.returncode) == (0, 130)
    assert_one_whole_cluster(kind, world)


@pytest.mark.parametrize(("place", "how"), [("save", signal.SIGINT), ("kind load", signal.SIGKILL)])
async def test_an_interrupted_load_can_be_repeated(
    kind: KindCluster, world: World, place: str, how: signal.Signals
) -> None:
    kind.start(lambda _words: None)
    image = world.add_image(APP)
    world.hang(place)
    with notebook("load") as other:
        await until(world.hanging.exists)
        program = int(world.hanging.read_text())
        other.send_signal(how)
        other.wait()
    if how == signal.SIGKILL:
        os.kill(program, signal.SIGKILL)
    else:
        assert other.returncode == 130
        assert not archives(kind).exists()

    kind.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(world) == {APP: image}
    assert not archives(kind).exists()
