"""A kind cluster is made, or nothing is left of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from canarylab.clusters.kind import Kind
from canarylab.clusters.kind.program import config, node_image
from canarylab.errors import SetupError, TimedOutError, ToolFailedError
from tests.clusters.kind_machine import CLUSTER, files
from tests.standins.world import World

PINNED = node_image()
BY_TAG = "docker.io/" + PINNED.partition("@")[0]


class TestMaking:
    def test_shows_the_steps_of_kind(self, kind: Kind, told: list[str]) -> None:
        kind.start(told.append)

        assert told == [
            "kind: ensuring node image (kindest/node:v1.37.0)",
            "kind: preparing nodes",
            "kind: writing configuration",
            "kind: starting control-plane",
            "kind: installing CNI",
            "kind: installing StorageClass",
            "kind: waiting ≤ 2m0s for control-plane = Ready",
            "waiting for the API of the kind cluster",
        ]

    def test_asks_kind_for_our_configuration(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        kind.start(told.append)

        named = ["--name", CLUSTER, "--config", str(config()), "--kubeconfig", kind.kubeconfig]
        waiting = ["--wait", "120s", "--image", PINNED]
        assert world.calls("kind", "create") == [
            ["kind", "create", "cluster", *named, *waiting],
        ]

    def test_leaves_the_users_kubeconfig_alone(
        self, kind: Kind, told: list[str], tmp_path: Path
    ) -> None:
        own = tmp_path / "user" / ".kube" / "config"
        own.parent.mkdir()
        own.write_text("the user's own")

        kind.start(told.append)
        kind.stop()

        assert own.read_text() == "the user's own"
        assert [path.name for path in own.parent.iterdir()] == ["config"]

    def test_the_kubeconfig_is_for_its_owner_alone(self, kind: Kind, told: list[str]) -> None:
        kind.start(told.append)

        assert stat.S_IMODE(Path(kind.kubeconfig).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(kind.kubeconfig).parent.stat().st_mode) == 0o700

    def test_once_is_enough(self, kind: Kind, world: World, told: list[str]) -> None:
        kind.start(told.append)
        del told[:]
        calls = world.calls()

        kind.start(told.append)

        assert world.calls() == calls
        assert told == []

    def test_is_remembered_by_the_next_notebook(self, kind: Kind, told: list[str]) -> None:
        assert not kind.is_made()

        kind.start(told.append)

        assert Kind(kind.home).is_made()

    def test_takes_the_node_image_of_a_bundle(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        world.add_image(BY_TAG)  # an image that was loaded has lost its digest

        kind.start(told.append)

        (call,) = world.calls("kind", "create")
        assert call[-2:] == ["--image", PINNED.partition("@")[0]]

    def test_prefers_the_pinned_node_image(self, kind: Kind, world: World, told: list[str]) -> None:
        world.add_image(BY_TAG)
        world.add_image("docker.io/" + PINNED)

        kind.start(told.append)

        (call,) = world.calls("kind", "create")
        assert call[-2:] == ["--image", PINNED]


class TestFailing:
    def test_shows_the_last_words_of_kind(self, kind: Kind, world: World, told: list[str]) -> None:
        world.fail("kind Starting", "failed to init node with kubeadm: exit status 1")

        with pytest.raises(ToolFailedError, match="failed to init node with kubeadm") as raised:
            kind.start(told.append)

        assert "ended with exit status 1" in str(raised.value)
        assert "kind: starting control-plane failed" in told

    def test_leaves_nothing_behind(self, kind: Kind, world: World, told: list[str]) -> None:
        world.fail("kind Starting", "failed to init node with kubeadm")

        with pytest.raises(ToolFailedError):
            kind.start(told.append)

        assert world.clusters() == []
        assert files(kind) == {"lock"}
        assert not kind.is_made()

    def test_can_be_tried_again(self, kind: Kind, world: World, told: list[str]) -> None:
        world.fail("kind Installing", "failed to apply overlay network")
        with pytest.raises(ToolFailedError):
            kind.start(told.append)

        kind.start(told.append)

        assert kind.is_made()

    def test_a_node_that_is_never_ready_is_deleted(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        world.fail("late")

        with pytest.raises(TimedOutError, match="not ready within 120 s"):
            kind.start(told.append)

        assert world.clusters() == []

    def test_what_cannot_be_deleted_now_is_deleted_by_the_next_start(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        world.fail("late")
        world.fail("kind delete", "ERROR: failed to delete cluster: the engine went away")
        with pytest.raises(TimedOutError):
            kind.start(told.append)
        assert "the half-made kind cluster could not be deleted; the next start does it" in told
        left = world.cluster(CLUSTER)

        kind.start(told.append)

        assert "deleting a kind cluster that was left half-made" in told
        assert world.cluster(CLUSTER) != left

    def test_the_lock_of_a_killed_kind_is_in_nobodys_way(self, kind: Kind, told: list[str]) -> None:
        lock = Path(kind.kubeconfig + ".lock")
        lock.parent.mkdir(parents=True)
        lock.touch()

        kind.start(told.append)

        assert kind.is_made()

    @pytest.mark.parametrize(
        ("words", "advice"),
        [
            ("toomanyrequests: You have reached your pull rate limit", "canarylab bundle load"),
            ('failed to pull image "kindest/node": no such host', "canarylab bundle load"),
            ("Failed to create inotify object: Too many open files", "max_user_instances=512"),
            ("write /var/lib: no space left on device", "docker system prune"),
            ("Bind for 127.0.0.1:8080 failed: port is already allocated", "docker ps"),
        ],
    )
    def test_says_what_helps_where_that_is_known(
        self, kind: Kind, world: World, told: list[str], words: str, advice: str
    ) -> None:
        world.fail("kind Preparing", words)

        with pytest.raises(SetupError) as raised:
            kind.start(told.append)

        assert words in str(raised.value)
        assert advice in str(raised.value).splitlines()[-1]


class TestSomebodyElsesCluster:
    def test_is_refused(self, kind: Kind, world: World, told: list[str]) -> None:
        theirs = world.add_cluster(CLUSTER)

        with pytest.raises(SetupError, match="not one that canarylab made") as raised:
            kind.start(told.append)

        assert "kind delete cluster --name canarylab" in str(raised.value)
        assert "CANARYLAB_CLUSTER=kubeconfig" in str(raised.value)
        assert world.cluster(CLUSTER) == theirs

    def test_is_not_deleted(self, kind: Kind, world: World) -> None:
        theirs = world.add_cluster(CLUSTER)

        assert not kind.stop()
        assert world.cluster(CLUSTER) == theirs

    def test_is_told_from_ours_even_where_ours_was_before(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        kind.start(told.append)
        world.remove_cluster(CLUSTER)
        theirs = world.add_cluster(CLUSTER) | {"running": False}
        world.write_cluster(CLUSTER, theirs)

        with pytest.raises(SetupError, match="not one that canarylab made"):
            kind.start(told.append)

        assert not kind.stop()
        assert world.cluster(CLUSTER) == theirs

    def test_that_was_made_a_moment_before_is_left_alone(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        words = 'node(s) already exist for a cluster with the name "canarylab"'
        world.fail("kind Ensuring", words)  # stands for: made between our look and kind's

        with pytest.raises(SetupError, match="not one that canarylab made"):
            kind.start(told.append)

        assert world.calls("kind", "delete") == []
        assert not kind.is_made()
