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
from tests.fakes.state import FakeState
from tests.waiting import until


@pytest.fixture
def kind(state: FakeState, programs: None, monkeypatch: pytest.MonkeyPatch) -> KindCluster:
    """On a machine where kind and docker are programs."""
    arrange(state, monkeypatch.setattr)
    return KindCluster(Home.of_user())


def assert_one_whole_cluster(kind: KindCluster, state: FakeState) -> None:
    assert state.clusters() == [CLUSTER]
    assert kind.was_created()
    assert files(kind) == {"kubeconfig", "lock", "made.json"}


@pytest.mark.parametrize("step", ["Ensuring", "Starting"])
async def test_ctrl_c_deletes_what_was_half_made_and_it_can_be_made_again(
    kind: KindCluster, state: FakeState, step: str
) -> None:
    state.hang(f"kind {step}")

    with notebook("start") as other:
        await until(state.hanging.exists)
        other.send_signal(signal.SIGINT)
        output = other.communicate()[0]

    assert other.returncode == 130
    assert "deleting the half-made kind cluster" in output
    assert state.clusters() == []
    assert not kind.was_created()
    kind.start(lambda _words: None)
    assert_one_whole_cluster(kind, state)


async def test_ctrl_c_ends_the_pull_that_kind_has_started(
    kind: KindCluster, state: FakeState
) -> None:
    state.hang("pull")

    with notebook("start") as other:
        await until(state.hanging.exists)
        other.send_signal(signal.SIGINT)
        output = other.communicate()[0]  # waits for the lock, which the pull has inherited

    assert other.returncode == 130
    assert WAITING not in output
    assert output.endswith("deleting the half-made kind cluster\n")


async def test_after_a_kill_a_kind_that_still_runs_is_waited_for_and_its_cluster_made_anew(
    kind: KindCluster, state: FakeState
) -> None:
    state.hang("kind Starting")
    with notebook("start") as killed:
        await until(state.hanging.exists)
        killed.kill()
        killed.wait()
    orphan = int(state.hanging.read_text())

    with notebook("start") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == f"{WAITING}\n"
        os.kill(orphan, 0)  # it still runs
        state.go_on()  # it dies with its next line, as nobody reads
        output = other.communicate()[0]

    assert "deleting a kind cluster that was left half-made" in output
    assert len(state.calls("kind", "create")) == 2
    assert_one_whole_cluster(kind, state)


async def test_stop_deletes_what_a_kill_left_half_made(kind: KindCluster, state: FakeState) -> None:
    state.hang("kind Waiting")
    with notebook("start") as other:
        await until(state.hanging.exists)
        kill(state)  # as where the whole machine goes down
        other.kill()

    assert kind.stop()
    assert state.clusters() == []


async def test_of_two_starts_the_second_takes_the_cluster_of_the_first(
    kind: KindCluster, state: FakeState
) -> None:
    state.hang("kind Starting")
    with notebook("start") as first:
        await until(state.hanging.exists)
        with notebook("start") as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"{WAITING}\n"
            state.go_on()
            second.communicate()
        first.communicate()

    assert (first.returncode, second.returncode) == (0, 0)
    assert len(state.calls("kind", "create")) == 1
    assert_one_whole_cluster(kind, state)


async def test_the_second_start_makes_it_where_the_first_was_interrupted(
    kind: KindCluster, state: FakeState
) -> None:
    state.hang("kind Starting")
    with notebook("start") as first:
        await until(state.hanging.exists)
        with notebook("start") as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"{WAITING}\n"
            first.send_signal(signal.SIGINT)
            second.communicate()
        first.communicate()

    assert (first.returncode, second.returncode) == (130, 0)
    assert_one_whole_cluster(kind, state)


async def test_a_start_that_waits_can_be_interrupted(kind: KindCluster, state: FakeState) -> None:
    state.hang("kind Starting")
    with notebook("start") as first:
        await until(state.hanging.exists)
        with notebook("start") as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"{WAITING}\n"
            second.send_signal(signal.SIGINT)
            second.communicate()
        state.go_on()
        first.communicate()

    assert (first.returncode, second.returncode) == (0, 130)
    assert_one_whole_cluster(kind, state)


@pytest.mark.parametrize(("place", "how"), [("save", signal.SIGINT), ("kind load", signal.SIGKILL)])
async def test_an_interrupted_load_can_be_repeated(
    kind: KindCluster, state: FakeState, place: str, how: signal.Signals
) -> None:
    kind.start(lambda _words: None)
    image = state.add_image(APP)
    state.hang(place)
    with notebook("load") as other:
        await until(state.hanging.exists)
        program = int(state.hanging.read_text())
        other.send_signal(how)
        other.wait()
    if how == signal.SIGKILL:
        os.kill(program, signal.SIGKILL)
    else:
        assert other.returncode == 130
        assert not archives(kind).exists()

    kind.load_image("node_app:1.0", lambda _words: None)

    assert images_in_the_node(state) == {APP: image}
    assert not archives(kind).exists()
