"""Whatever interrupts the making of a kind cluster, running it again ends well."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from canarylab.clusters.kind import Kind
from canarylab.clusters.kind.lock import WAITING
from tests.clusters.kind_machine import CLUSTER, files, kill, notebook
from tests.standins.world import World
from tests.waiting import until

STEPS = ("Ensuring", "Preparing", "Starting", "Waiting")


def assert_one_whole_cluster(kind: Kind, world: World) -> None:
    assert world.clusters() == [CLUSTER]
    assert kind.is_made()
    assert files(kind) == {"kubeconfig", "lock", "made.json"}


@pytest.mark.parametrize("step", STEPS)
async def test_ctrl_c_deletes_what_was_half_made(kind: Kind, world: World, step: str) -> None:
    world.hang(f"kind {step}")

    with notebook("start") as other:
        await until(world.hanging.exists)
        other.send_signal(signal.SIGINT)
        said = other.communicate()[0]

    assert other.returncode == 130
    assert "deleting the half-made kind cluster" in said
    assert world.clusters() == []
    assert not kind.is_made()


@pytest.mark.parametrize("step", STEPS)
async def test_after_ctrl_c_it_can_be_made(kind: Kind, world: World, step: str) -> None:
    world.hang(f"kind {step}")
    with notebook("start") as other:
        await until(world.hanging.exists)
        other.send_signal(signal.SIGINT)
        other.wait()

    kind.start(lambda _words: None)

    assert_one_whole_cluster(kind, world)


@pytest.mark.parametrize("step", STEPS)
async def test_after_a_kill_the_next_start_deletes_and_makes_anew(
    kind: Kind, world: World, told: list[str], step: str
) -> None:
    world.hang(f"kind {step}")
    with notebook("start") as other:
        await until(world.hanging.exists)
        left = world.cluster(CLUSTER)
        kill(world)  # as where the whole machine goes down
        os.kill(other.pid, signal.SIGKILL)

    kind.start(told.append)

    assert "deleting a kind cluster that was left half-made" in told
    assert world.cluster(CLUSTER) != left
    assert_one_whole_cluster(kind, world)


async def test_after_a_kill_a_kind_that_is_still_at_work_is_waited_for(
    kind: Kind, world: World
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
        os.kill(orphan, 0)  # it is at work
        world.go_on()  # it dies with its next word, as nobody listens
        said = other.communicate()[0]

    assert "deleting a kind cluster that was left half-made" in said
    assert len(world.calls("kind", "create")) == 2
    assert_one_whole_cluster(kind, world)


async def test_a_killed_start_that_was_nearly_done_is_made_anew(
    kind: Kind, world: World, told: list[str]
) -> None:
    """Its API answers, and yet nobody knows whether it is whole."""
    world.hang("kind Waiting")
    with notebook("start") as other:
        await until(world.hanging.exists)
        kill(world)
        other.kill()
    Path(kind.kubeconfig).write_text("apiVersion: v1\nkind: Config\n")

    kind.start(told.append)

    assert "deleting a kind cluster that was left half-made" in told
    assert_one_whole_cluster(kind, world)


async def test_two_starts_at_once_make_one_cluster(kind: Kind, world: World) -> None:
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
    kind: Kind, world: World
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
    assert len(world.calls("kind", "create")) == 2
    assert_one_whole_cluster(kind, world)


async def test_who_waits_can_be_interrupted_and_disturbs_nobody(kind: Kind, world: World) -> None:
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


async def test_an_interrupted_stop_can_be_repeated(kind: Kind, world: World) -> None:
    kind.start(lambda _words: None)
    world.hang("kind delete")
    with notebook("stop") as other:
        await until(world.hanging.exists)
        other.send_signal(signal.SIGINT)
        other.wait()

    assert kind.stop()
    assert world.clusters() == []
    assert not kind.is_made()


async def test_stop_deletes_a_half_made_cluster(kind: Kind, world: World) -> None:
    world.hang("kind Starting")
    with notebook("start") as other:
        await until(world.hanging.exists)
        kill(world)
        other.kill()

    assert kind.stop()
    assert world.clusters() == []
