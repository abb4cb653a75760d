"""A kind cluster is made, found again, used and deleted; what is missing is said first."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from canarylab import machine, ports
from canarylab.clusters import kind as kind_module
from canarylab.clusters.adapt_manifest import RETIRED
from canarylab.clusters.base import IngressSetup
from canarylab.clusters.kind import KindCluster, creation_step
from canarylab.clusters.kind_images import (
    config,
    node_image,
    traefik_image,
    traefik_objects,
)
from canarylab.errors import ClusterError, EngineError, SetupError, TimedOutError, ToolFailedError
from canarylab.kube_objects import Object
from canarylab.playground import daemon_control
from canarylab.ports import PortHolder
from tests.clusters.kind_machine import APP, CLUSTER, archives, files, images_in_the_node
from tests.fakes.installed import FakeTools
from tests.fakes.state import FakeState, normalized

PINNED = node_image()
BY_TAG = "docker.io/" + PINNED.partition("@")[0]
TRAEFIK = traefik_image()
TRAEFIK_TAG = TRAEFIK.partition("@")[0]
OUR_CLASS = next(each for each in traefik_objects(TRAEFIK) if each["kind"] == "IngressClass")
FROM_INGRESS_NGINX: Object = {
    "metadata": {"name": "nginx", "labels": {"app.kubernetes.io/name": "ingress-nginx"}}
}
ANOTHER_NGINX: Object = {"metadata": {"name": "nginx"}}


class TestMaking:
    def test_shows_the_steps_of_kind(self, kind: KindCluster, told: list[str]) -> None:
        kind.start(told.append)

        assert told == [
            "starting kind",
            "kind: ensuring node image (kindest/node:v1.37.0), which Docker pulls: about 400 MB",
            "kind: preparing nodes",
            "kind: writing configuration",
            "kind: starting control-plane",
            "kind: installing CNI",
            "kind: installing StorageClass",
            "kind: waiting ≤ 2m0s for control-plane = Ready",
            "kind: ready after 17s",
            "waiting for the API of the kind cluster",
        ]

    def test_repeats_what_it_said_last_while_kind_is_silent(
        self, kind: KindCluster, state: FakeState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kind_module, "REPEAT_EVERY_S", 0.001)
        state.hang("pull")
        told: list[str] = []

        def report(words: str) -> None:
            told.append(words)
            if sum("which Docker pulls" in each for each in told) == 3:
                state.go_on()

        kind.start(report)

        assert kind.was_created()

    def test_a_node_image_that_is_here_is_not_pulled(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.add_image("docker.io/" + PINNED)

        kind.start(told.append)

        assert "kind: ensuring node image (kindest/node:v1.37.0)" in told

    def test_asks_kind_for_our_configuration(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)

        named = ["--name", CLUSTER, "--config", str(config()), "--kubeconfig", kind.kubeconfig]
        waiting = ["--wait", "120s", "--image", PINNED]
        assert state.calls("kind", "create") == [
            ["kind", "create", "cluster", *named, *waiting],
        ]

    def test_leaves_the_users_kubeconfig_alone(
        self, kind: KindCluster, told: list[str], tmp_path: Path
    ) -> None:
        own = tmp_path / "user" / ".kube" / "config"
        own.parent.mkdir()
        own.write_text("the user's own")

        kind.start(told.append)
        kind.stop()

        assert own.read_text() == "the user's own"
        assert [path.name for path in own.parent.iterdir()] == ["config"]

    def test_the_kubeconfig_is_for_its_owner_alone(
        self, kind: KindCluster, told: list[str]
    ) -> None:
        kind.start(told.append)

        assert stat.S_IMODE(Path(kind.kubeconfig).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(kind.kubeconfig).parent.stat().st_mode) == 0o700

    def test_once_is_enough(self, kind: KindCluster, state: FakeState, told: list[str]) -> None:
        kind.start(told.append)
        del told[:]
        calls = state.calls()

        kind.start(told.append)

        assert state.calls() == calls
        assert told == []

    def test_is_remembered_by_the_next_notebook(self, kind: KindCluster, told: list[str]) -> None:
        assert not kind.was_created()

        kind.start(told.append)

        assert KindCluster(kind.home).was_created()

    def test_takes_the_node_image_of_a_bundle(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.add_image(BY_TAG)  # an image that was loaded has lost its digest

        kind.start(told.append)

        (call,) = state.calls("kind", "create")
        assert call[-2:] == ["--image", PINNED.partition("@")[0]]

    def test_prefers_the_pinned_node_image(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.add_image(BY_TAG)
        state.add_image("docker.io/" + PINNED)

        kind.start(told.append)

        (call,) = state.calls("kind", "create")
        assert call[-2:] == ["--image", PINNED]


class TestFailing:
    def test_shows_the_last_words_of_kind(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.fail("kind Starting", "failed to init node with kubeadm: exit status 1")

        with pytest.raises(ToolFailedError, match="failed to init node with kubeadm") as raised:
            kind.start(told.append)

        assert "ended with exit status 1" in str(raised.value)
        assert "kind: starting control-plane failed" in told

    def test_shows_the_error_of_kind_however_much_kubeadm_says(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kubeadm = [f"[wait-control-plane] line {number}" for number in range(60)]
        kubeadm[20] = "\t[ERROR Port-6443]: Port 6443 is in use"
        state.fail("kind Starting", "failed to init node with kubeadm: exit status 1", *kubeadm)

        with pytest.raises(ToolFailedError) as raised:
            kind.start(told.append)

        first, second, *others = str(raised.value).splitlines()
        assert first.startswith("ERROR: failed to create cluster: failed to init node")
        assert second == kubeadm[20]
        assert others[:-1] == kubeadm[-13:]

    def test_a_node_image_that_cannot_be_pulled_names_the_bundle(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.fail("pull", 'Error response from daemon: Get "https://registry": no such host')

        with pytest.raises(SetupError, match="The node image could not be pulled") as raised:
            kind.start(told.append)

        assert "no such host" in str(raised.value)
        assert "canarylab bundle load" in str(raised.value)

    def test_leaves_nothing_behind(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.fail("kind Starting", "failed to init node with kubeadm")

        with pytest.raises(ToolFailedError):
            kind.start(told.append)

        assert state.clusters() == []
        assert files(kind) == {"lock"}
        assert not kind.was_created()

    def test_can_be_tried_again(self, kind: KindCluster, state: FakeState, told: list[str]) -> None:
        state.fail("kind Installing", "failed to apply overlay network")
        with pytest.raises(ToolFailedError):
            kind.start(told.append)

        kind.start(told.append)

        assert kind.was_created()

    def test_a_node_that_is_never_ready_is_deleted(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.fail("late")

        with pytest.raises(TimedOutError, match="not ready within 120 s"):
            kind.start(told.append)

        assert state.clusters() == []

    def test_what_cannot_be_deleted_now_is_deleted_by_the_next_start(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.fail("late")
        state.fail("kind delete", "ERROR: failed to delete cluster: the engine went away")
        with pytest.raises(TimedOutError):
            kind.start(told.append)
        assert "the half-made kind cluster could not be deleted; the next start does it" in told
        left = state.cluster(CLUSTER)

        kind.start(told.append)

        assert "deleting a kind cluster that was left half-made" in told
        assert state.cluster(CLUSTER) != left

    @pytest.mark.parametrize("step", ["ensuring", "preparing", "installing", "waiting"])
    def test_an_interrupt_at_any_step_leaves_nothing_behind(
        self, kind: KindCluster, state: FakeState, told: list[str], step: str
    ) -> None:
        def interrupt(words: str) -> None:
            told.append(words)
            if words.startswith(f"kind: {step}"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            kind.start(interrupt)

        assert told[-1] == "deleting the half-made kind cluster"
        assert state.clusters() == []
        assert not kind.was_created()

    def test_the_lock_of_a_killed_kind_is_in_nobodys_way(
        self, kind: KindCluster, told: list[str]
    ) -> None:
        lock = Path(kind.kubeconfig + ".lock")
        lock.parent.mkdir(parents=True)
        lock.touch()

        kind.start(told.append)

        assert kind.was_created()

    @pytest.mark.parametrize(
        ("words", "advice"),
        [
            ("toomanyrequests: You have reached your pull rate limit", "canarylab bundle load"),
            ('failed to pull image "kindest/node": no such host', "canarylab bundle load"),
            ("Failed to create inotify object: Too many open files", "max_user_instances=512"),
            (
                'could not find a log line that matches "Reached target .*Multi-User System.*|'
                'detected cgroup v1"',
                "max_user_instances=512",
            ),
            ("write /var/lib: no space left on device", "docker system prune"),
            ("Bind for 127.0.0.1:8080 failed: port is already allocated", "docker ps"),
        ],
    )
    def test_says_what_helps_where_that_is_known(
        self, kind: KindCluster, state: FakeState, told: list[str], words: str, advice: str
    ) -> None:
        state.fail("kind Preparing", words)

        with pytest.raises(SetupError) as raised:
            kind.start(told.append)

        assert words in str(raised.value)
        assert advice in str(raised.value).splitlines()[-1]


class TestSomebodyElsesCluster:
    def test_is_refused(self, kind: KindCluster, state: FakeState, told: list[str]) -> None:
        theirs = state.add_cluster(CLUSTER)

        with pytest.raises(SetupError, match="not one that canarylab made") as raised:
            kind.start(told.append)

        assert "kind delete cluster --name canarylab" in str(raised.value)
        assert "CANARYLAB_CLUSTER=kubeconfig" in str(raised.value)
        assert state.cluster(CLUSTER) == theirs

    def test_is_not_deleted(self, kind: KindCluster, state: FakeState) -> None:
        theirs = state.add_cluster(CLUSTER)

        assert not kind.stop()
        assert state.cluster(CLUSTER) == theirs

    def test_is_told_from_ours_even_where_ours_was_before(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)
        state.remove_cluster(CLUSTER)
        theirs = state.add_cluster(CLUSTER) | {"running": False}
        state.write_cluster(CLUSTER, theirs)

        with pytest.raises(SetupError, match="not one that canarylab made"):
            kind.start(told.append)

        assert not kind.stop()
        assert state.cluster(CLUSTER) == theirs

    def test_that_was_made_a_moment_before_is_left_alone(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        words = 'node(s) already exist for a cluster with the name "canarylab"'
        state.fail("kind Ensuring", words)  # stands for: made between our look and kind's

        with pytest.raises(SetupError, match="not one that canarylab made"):
            kind.start(told.append)

        assert state.calls("kind", "delete") == []
        assert not kind.was_created()


class TestFindingItAgain:
    def test_starts_a_node_that_was_stopped(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)
        ours = state.cluster(CLUSTER) or {}
        state.write_cluster(CLUSTER, ours | {"running": False})
        del told[:]

        kind.start(told.append)

        assert state.cluster(CLUSTER) == ours
        assert told == [
            "starting the kind cluster again",
            "waiting for the API of the kind cluster",
        ]

    def test_says_why_a_node_does_not_start(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)
        state.write_cluster(CLUSTER, (state.cluster(CLUSTER) or {}) | {"running": False})
        state.fail("restart", "Bind for 127.0.0.1:8080 failed: port is already allocated")

        with pytest.raises(SetupError, match="cannot be started again: Bind for"):
            kind.start(told.append)

        assert kind.was_created()

    def test_writes_a_lost_kubeconfig_anew(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)
        ours = state.cluster(CLUSTER)
        Path(kind.kubeconfig).unlink()

        kind.start(told.append)

        assert Path(kind.kubeconfig).exists()
        assert state.cluster(CLUSTER) == ours

    def test_makes_a_new_one_where_it_was_deleted_by_hand(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)
        state.remove_cluster(CLUSTER)
        Path(kind.kubeconfig).write_text("of the cluster that is gone")

        kind.start(told.append)

        assert len(state.calls("kind", "create")) == 2
        assert "of the cluster that is gone" not in Path(kind.kubeconfig).read_text()

    def test_says_that_the_engine_is_gone(
        self, kind: KindCluster, told: list[str], state: FakeState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kind.start(told.append)
        state.write_cluster(CLUSTER, (state.cluster(CLUSTER) or {}) | {"running": False})
        monkeypatch.setenv("DOCKER_HOST", f"unix://{state.root}/no-engine")

        with pytest.raises(EngineError, match="its engine does not answer"):
            kind.start(told.append)

        assert kind.was_created()


class TestStopping:
    def test_deletes_the_cluster_and_forgets_it(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)

        assert kind.stop()

        assert state.clusters() == []
        assert files(kind) == {"lock"}
        assert not kind.was_created()

    def test_where_nothing_is_there_says_so_and_asks_nobody(
        self, kind: KindCluster, state: FakeState
    ) -> None:
        assert not kind.stop()
        assert state.calls() == []

    def test_twice_is_no_error(self, kind: KindCluster, told: list[str]) -> None:
        kind.start(told.append)

        assert kind.stop()
        assert not kind.stop()

    def test_can_be_repeated_where_it_failed(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)
        state.fail("kind delete", "ERROR: failed to delete cluster: the engine went away")
        with pytest.raises(ToolFailedError):
            kind.stop()

        assert kind.was_created()
        assert kind.stop()
        assert state.clusters() == []


class TestStatus:
    def test_where_there_is_none_there_is_nothing_to_say(
        self, kind: KindCluster, state: FakeState
    ) -> None:
        assert kind.status() is None
        assert state.calls() == []

    def test_a_stopped_node_does_not_run(
        self, kind: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        kind.start(told.append)
        state.write_cluster(CLUSTER, (state.cluster(CLUSTER) or {}) | {"running": False})

        assert kind.status() is None
        assert kind.was_created()


class TestAsACluster:
    def test_is_reached_at_the_node_port_that_is_mapped(self, kind: KindCluster) -> None:
        (address,) = kind.addresses(service(32089), ["canarylab-control-plane"])

        assert (address.url, address.description) == ("http://127.0.0.1:32089", "node port 32089")
        assert not address.needs_check

    def test_is_not_reached_at_another(self, kind: KindCluster) -> None:
        assert kind.addresses(service(31000), ["canarylab-control-plane"]) == []

    def test_a_service_without_a_node_port_has_to_get_one(self, kind: KindCluster) -> None:
        with pytest.raises(ClusterError, match="no node port"):
            kind.addresses(service(None), [])

    def test_takes_names_and_manifests_as_they_are(self, kind: KindCluster) -> None:
        wanted = {"kind": "Service"}

        assert kind.image("node_app:1.0") == "node_app:1.0"
        assert kind.adapt_manifest(wanted) == (wanted, ())

    def test_says_how_it_ends(self, kind: KindCluster) -> None:
        assert (
            kind.stop_instructions
            == "The cluster runs on; `canarylab down --cluster kind` deletes it."
        )


class TestImages:
    def test_it_is_saved_for_one_platform_and_loaded(
        self, made: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.add_image(APP)

        made.load_image("node_app:1.0", told.append)

        archive = str(archives(made) / "image.tar")
        save = [
            "docker",
            "image",
            "save",
            "--platform",
            "linux/amd64",
            "-o",
            archive,
            "node_app:1.0",
        ]
        assert state.calls("docker", "image", "save") == [save]
        assert state.calls("kind", "load") == [
            ["kind", "load", "image-archive", archive, "--name", CLUSTER]
        ]
        assert told == ["saving node_app:1.0 for kind", "loading node_app:1.0 into kind"]

    def test_it_is_in_the_node_under_the_name_of_the_manifests(
        self, made: KindCluster, state: FakeState
    ) -> None:
        image = state.add_image(APP)

        made.load_image("node_app:1.0", lambda _words: None)

        assert images_in_the_node(state) == {APP: image}

    def test_it_is_saved_for_the_platform_of_the_engine(
        self, made: KindCluster, state: FakeState
    ) -> None:
        state.set(architecture="aarch64")
        state.add_image(APP)

        made.load_image("node_app:1.0", lambda _words: None)

        (call,) = state.calls("docker", "image", "save")
        assert call[3:5] == ["--platform", "linux/arm64"]

    @pytest.mark.parametrize("old", [{"docker_version": "20.10.24"}, {"api_version": "1.41"}])
    def test_an_old_docker_saves_the_one_platform_it_has(
        self, made: KindCluster, state: FakeState, told: list[str], old: dict[str, str]
    ) -> None:
        state.set(**old)
        image = state.add_image(APP)

        made.load_image("node_app:1.0", told.append)

        assert images_in_the_node(state) == {APP: image}
        assert told == ["saving node_app:1.0 for kind", "loading node_app:1.0 into kind"]

    def test_another_refusal_is_not_taken_for_an_old_docker(
        self, made: KindCluster, state: FakeState
    ) -> None:
        state.add_image(APP)
        state.fail("save", "Error response from daemon: something else")

        with pytest.raises(ToolFailedError, match="something else"):
            made.load_image("node_app:1.0", lambda _words: None)

        assert len(state.calls("docker", "image", "save")) == 1

    def test_it_is_not_loaded_twice(
        self, made: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        state.add_image(APP)
        made.load_image("node_app:1.0", lambda _words: None)

        made.load_image("node_app:1.0", told.append)

        assert len(state.calls("kind", "load")) == 1
        assert told == []

    def test_it_is_loaded_again_when_it_was_built_anew(
        self, made: KindCluster, state: FakeState
    ) -> None:
        state.add_image(APP)
        made.load_image("node_app:1.0", lambda _words: None)
        rebuilt = state.add_image(APP)

        made.load_image("node_app:1.0", lambda _words: None)

        assert images_in_the_node(state) == {APP: rebuilt}

    def test_both_versions_are_remembered(self, made: KindCluster, state: FakeState) -> None:
        for version in ("1.0", "2.0") * 2:
            name = f"docker.io/library/node_app:{version}"
            if state.image(name) is None:
                state.add_image(name)
            made.load_image(f"node_app:{version}", lambda _words: None)

        assert len(state.calls("kind", "load")) == 2

    def test_it_is_loaded_into_a_new_cluster_again(
        self, made: KindCluster, state: FakeState
    ) -> None:
        image = state.add_image(APP)
        made.load_image("node_app:1.0", lambda _words: None)
        made.stop()
        made.start(lambda _words: None)

        made.load_image("node_app:1.0", lambda _words: None)

        assert images_in_the_node(state) == {APP: image}

    def test_no_archive_is_left(self, made: KindCluster, state: FakeState) -> None:
        state.add_image(APP)

        made.load_image("node_app:1.0", lambda _words: None)

        assert not archives(made).exists()

    def test_no_archive_is_left_where_loading_failed(
        self, made: KindCluster, state: FakeState
    ) -> None:
        state.add_image(APP)
        state.fail("kind load", "ERROR: failed to load image: exit status 1")

        with pytest.raises(ToolFailedError, match="failed to load image"):
            made.load_image("node_app:1.0", lambda _words: None)

        assert not archives(made).exists()

    def test_a_load_that_failed_is_tried_again(self, made: KindCluster, state: FakeState) -> None:
        image = state.add_image(APP)
        state.fail("kind load", "ERROR: failed to load image: exit status 1")
        with pytest.raises(ToolFailedError):
            made.load_image("node_app:1.0", lambda _words: None)

        made.load_image("node_app:1.0", lambda _words: None)

        assert images_in_the_node(state) == {APP: image}

    def test_an_image_that_was_not_built_is_named(
        self, made: KindCluster, state: FakeState
    ) -> None:
        with pytest.raises(SetupError, match=r"no image node_app:1\.0 in Docker") as raised:
            made.load_image("node_app:1.0", lambda _words: None)

        assert "canarylab build --builder docker" in str(raised.value)
        assert state.calls("kind", "load") == []

    def test_where_there_is_no_cluster_yet_that_is_said(
        self, kind: KindCluster, state: FakeState
    ) -> None:
        state.add_image(APP)

        said = kind.load_image("node_app:1.0", lambda _words: None)

        assert said == (
            "node_app:1.0 is not on a cluster, because there is no kind cluster. "
            "Make it with `canarylab up --cluster kind`, then build once more."
        )
        assert state.calls("kind", "load") == []

    def test_where_the_cluster_was_deleted_by_hand_that_is_said(
        self, made: KindCluster, state: FakeState
    ) -> None:
        state.add_image(APP)
        state.remove_cluster(CLUSTER)

        said = made.load_image("node_app:1.0", lambda _words: None)

        assert said is not None
        assert "because there is no kind cluster. Make it with `canarylab up" in said

    def test_where_the_cluster_is_stopped_that_is_said(
        self, made: KindCluster, state: FakeState
    ) -> None:
        state.add_image(APP)
        state.write_cluster(CLUSTER, (state.cluster(CLUSTER) or {}) | {"running": False})

        said = made.load_image("node_app:1.0", lambda _words: None)

        assert said == (
            "node_app:1.0 is not on a cluster, because the kind cluster is stopped. "
            "Start it with `canarylab up --cluster kind`, then build once more."
        )

    def test_a_full_disk_is_named(self, made: KindCluster, state: FakeState) -> None:
        state.add_image(APP)
        state.fail("save", "write .docker_temp_123: no space left on device")

        with pytest.raises(SetupError, match=r"The disk is full, and an archive of node_app:1\.0"):
            made.load_image("node_app:1.0", lambda _words: None)

        assert not archives(made).exists()

    def test_a_full_disk_of_the_node_is_named(self, made: KindCluster, state: FakeState) -> None:
        state.add_image(APP)
        state.fail("kind load", "ctr: failed to ingest: no space left on device")

        with pytest.raises(SetupError, match="The disk is full"):
            made.load_image("node_app:1.0", lambda _words: None)


class TestIngresses:
    def test_traefik_where_nobody_serves_them(self, made: KindCluster) -> None:
        serving = served(made)

        assert serving == IngressSetup(traefik_objects(TRAEFIK))
        assert image_of(serving) == TRAEFIK

    def test_a_controller_for_another_class_does_not_help(self, made: KindCluster) -> None:
        assert served(made, {"metadata": {"name": "haproxy"}}).objects != ()

    def test_traefik_again_where_it_was_begun_and_perhaps_interrupted(
        self, made: KindCluster
    ) -> None:
        assert served(made, OUR_CLASS) == served(made)

    def test_ingress_nginx_is_used_as_it_is_and_said_to_be_retired(
        self, made: KindCluster, state: FakeState
    ) -> None:
        state.add_image(normalized(TRAEFIK_TAG))

        assert served(made, FROM_INGRESS_NGINX) == IngressSetup(notes=(RETIRED,))
        assert state.calls("kind", "load") == []

    def test_another_nginx_controller_is_used_without_a_note(self, made: KindCluster) -> None:
        assert served(made, ANOTHER_NGINX) == IngressSetup()

    def test_an_image_that_is_here_is_loaded_and_not_pulled_by_its_digest(
        self, made: KindCluster, state: FakeState, told: list[str]
    ) -> None:
        image = state.add_image(normalized(TRAEFIK_TAG))

        serving = made.ingress_setup([], told.append)

        assert image_of(serving) == TRAEFIK_TAG
        assert images_in_the_node(state) == {normalized(TRAEFIK_TAG): image}
        assert told == [f"saving {TRAEFIK_TAG} for kind", f"loading {TRAEFIK_TAG} into kind"]

    def test_it_is_loaded_once(self, made: KindCluster, state: FakeState) -> None:
        state.add_image(normalized(TRAEFIK_TAG))

        assert image_of(served(made)) == image_of(served(made, OUR_CLASS)) == TRAEFIK_TAG
        assert len(state.calls("kind", "load")) == 1


class TestPreflight:
    def test_where_all_is_there_all_is_fine(self, kind: KindCluster) -> None:
        findings = kind.preflight()

        assert [finding.what for finding in findings] == [
            "Docker",
            "docker",
            "cgroups",
            "kind",
            "port 32089",
            "port 8080",
            "disk",
        ]
        assert all(finding.is_available for finding in findings)

    def test_docker_is_not_installed(
        self, kind: KindCluster, monkeypatch: pytest.MonkeyPatch, tools: FakeTools
    ) -> None:
        tools.installed.remove("docker")
        monkeypatch.setenv("DOCKER_HOST", f"unix://{kind.home.root}/no.sock")

        (line,) = refusal(kind)

        assert line.startswith("Docker is not installed. ")

    def test_the_engine_does_not_run(
        self, kind: KindCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{kind.home.root}/no.sock")

        (line,) = refusal(kind)

        assert line.startswith("Docker is installed, but its engine does not answer at ")

    def test_the_socket_may_not_be_used(
        self, kind: KindCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not by taking rights away: the system lets root use every socket all the same."""
        socket = Path(os.environ["DOCKER_HOST"].removeprefix("unix://"))
        socket.unlink()
        socket.touch()  # nobody can connect to it
        monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != socket)

        (line,) = refusal(kind)

        assert line.startswith(f"You may not use Docker's socket, {socket}. ")

    def test_the_engine_answers_and_the_program_is_missing(
        self, kind: KindCluster, tools: FakeTools
    ) -> None:
        tools.installed.remove("docker")

        (line,) = refusal(kind)

        assert line.startswith("Docker answers, but its program docker is not on PATH. ")

    def test_containers_run_under_cgroup_v1(self, kind: KindCluster, state: FakeState) -> None:
        state.set(cgroup_version="1")

        (line,) = refusal(kind)

        assert line.startswith("Containers run under cgroup v1. ")

    def test_kind_is_missing(self, kind: KindCluster, tools: FakeTools) -> None:
        tools.installed.remove("kind")

        (line,) = refusal(kind)

        assert line.startswith("kind is not installed. ")

    def test_kind_is_too_old(self, kind: KindCluster, state: FakeState) -> None:
        state.set(kind_version="0.30.0")

        (line,) = refusal(kind)

        assert line.startswith("kind 0.30.0 is older than 0.33.0. ")

    @pytest.mark.parametrize("number", [8080, 32089])
    def test_a_port_is_taken(
        self, kind: KindCluster, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        take(monkeypatch, number)

        (line,) = refusal(kind)

        assert line.startswith(f"Port {number} is in use by nginx (pid 4711). ")

    def test_a_container_has_the_port(
        self, kind: KindCluster, state: FakeState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take(monkeypatch, 8080, holder=PortHolder("docker-proxy", 4713))
        state.set(published={"db": 5432, "shop": 8080})

        assert refusal(kind) == [
            "Port 8080 is in use by the container shop. Stop it with `docker stop shop`."
        ]

    def test_the_playground_has_the_port(
        self, kind: KindCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take(monkeypatch, 32089, holder=PortHolder("python3", 4712))
        monkeypatch.setattr(daemon_control, "holder_of_lock", lambda _home: 4712)
        monkeypatch.setattr(ports, "is_held_by", lambda pid, _port: pid == 4712)

        (line,) = refusal(kind)

        assert line == "Port 32089 is in use by the playground. End it with `canarylab down`."

    def test_the_disk_is_full(self, kind: KindCluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine, "free_bytes", lambda _place: machine.GB)

        (line,) = refusal(kind)

        assert line.startswith("Only 1.0 GB free at ")

    def test_the_disk_is_the_one_of_the_engine(
        self, kind: KindCluster, state: FakeState, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "store").mkdir()
        state.set(docker_root=str(tmp_path / "store"))
        monkeypatch.setattr(
            machine, "free_bytes", lambda place: 0 if "store" in place.parts else 100 * machine.GB
        )

        (line,) = refusal(kind)

        assert f"free at {tmp_path / 'store'}" in line

    def test_everything_missing_is_named_at_once(
        self, kind: KindCluster, state: FakeState, monkeypatch: pytest.MonkeyPatch, tools: FakeTools
    ) -> None:
        tools.installed.remove("docker")
        tools.installed.remove("kind")
        take(monkeypatch, 8080)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{kind.home.root}/no.sock")

        lines = refusal(kind)

        assert [line.split(". ")[0] for line in lines] == [
            "Docker is not installed",
            "kind is not installed",
            "Port 8080 is in use by nginx (pid 4711)",
        ]

    def test_nothing_is_made_where_something_is_missing(
        self, kind: KindCluster, state: FakeState
    ) -> None:
        state.set(cgroup_version="1")

        refusal(kind)

        assert state.calls("kind", "create") == []
        assert not kind.was_created()
        assert not kind.stop()

    def test_the_ports_of_a_cluster_that_is_made_are_its_own(
        self, kind: KindCluster, state: FakeState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kind.start(lambda _words: None)
        take(monkeypatch, 8080, 32089, holder=PortHolder("docker-proxy", 4713))
        state.write_cluster(CLUSTER, (state.cluster(CLUSTER) or {}) | {"running": False})

        kind.start(lambda _words: None)

        assert (state.cluster(CLUSTER) or {})["running"] is True

    def test_looking_needs_no_folder(self, kind: KindCluster) -> None:
        kind.preflight()

        assert not kind.home.root.exists()

    @pytest.mark.parametrize("programs", [("kind",), ("docker",), ()])
    def test_preflight_never_raises(
        self, kind: KindCluster, programs: tuple[str, ...], tools: FakeTools
    ) -> None:
        tools.installed = set(programs)

        missing = {finding.what for finding in kind.preflight() if not finding.is_available}

        assert missing == {"kind", "docker"} - set(programs)


class TestProvider:
    """What KIND_EXPERIMENTAL_PROVIDER names; the node has to be in an engine with Docker's API."""

    @pytest.mark.parametrize("name", ["nerdctl", "finch", "nerdctl.lima"])
    def test_another_than_docker_and_podman_is_refused_before_anything(
        self, made: KindCluster, state: FakeState, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        calls = state.calls()
        monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", name)

        for attempt in (lambda: made.start(print), lambda: made.load_image(APP, print), made.stop):
            with pytest.raises(SetupError, match=f"PROVIDER is {name}, and .* Unset the variable"):
                attempt()

        assert state.calls() == calls

    def test_another_is_a_finding(self, kind: KindCluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "nerdctl")

        (missing,) = [each for each in kind.preflight() if not each.is_available]

        assert missing.what == "kind"

    @pytest.mark.parametrize("name", ["docker", "podman"])
    def test_docker_and_podman_may_be_named(
        self, kind: KindCluster, told: list[str], monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", name)

        kind.start(told.append)

        assert kind.was_created()


class TestSteps:
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            (
                " • Ensuring node image (kindest/node:v1.37.0) 🖼  ...",
                "ensuring node image (kindest/node:v1.37.0)",
            ),
            (" • Preparing nodes 📦   ...", "preparing nodes"),
            (" • Writing configuration 📜  ...", "writing configuration"),
            (" • Starting control-plane 🕹️  ...", "starting control-plane"),
            (" • Installing CNI 🔌  ...", "installing CNI"),
            (
                " • Waiting ≤ 2m0s for control-plane = Ready ⏳  ...",
                "waiting ≤ 2m0s for control-plane = Ready",
            ),
            (" • Ready after 17s 💚", "ready after 17s"),
            (" \x1b[31m✗\x1b[0m Starting control-plane 🕹️ ", "starting control-plane failed"),
        ],
    )
    def test_a_step_that_begins_or_fails(self, line: str, words: str) -> None:
        assert creation_step(line) == words

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "   ",
            " ✓ Preparing nodes 📦 ",
            " \x1b[32m✓\x1b[0m Preparing nodes 📦 ",
            'Creating cluster "canarylab" ...',
            'Set kubectl context to "kind-canarylab"',
            "Have a nice day! 👋",
            "ERROR: failed to create cluster: node(s) already exist",
            " • ",
        ],
    )
    def test_everything_else_is_not_a_step(self, line: str) -> None:
        assert creation_step(line) is None


def refusal(kind: KindCluster) -> list[str]:
    """The lines of what `start` says no with."""
    with pytest.raises(SetupError) as raised:
        kind.start(lambda _words: None)
    return str(raised.value).splitlines()


NGINX_PROGRAM = PortHolder("nginx", 4711)


def take(monkeypatch: pytest.MonkeyPatch, *taken: int, holder: PortHolder = NGINX_PROGRAM) -> None:
    def is_free(port: int, address: str = ports.LOOPBACK) -> bool:
        return port not in taken

    monkeypatch.setattr(ports, "is_free", is_free)
    monkeypatch.setattr(ports, "holder", lambda _port: holder)


def served(kind: KindCluster, *classes: Object) -> IngressSetup:
    return kind.ingress_setup(classes, lambda _words: None)


def image_of(serving: IngressSetup) -> str:
    (deployment,) = (each for each in serving.objects if each["kind"] == "Deployment")
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def service(node_port: int | None) -> dict[str, object]:
    port = {"port": 80} | ({"nodePort": node_port} if node_port else {})
    kind = "NodePort" if node_port else "ClusterIP"
    return {"metadata": {"name": "nodeapp-svc"}, "spec": {"type": kind, "ports": [port]}}
