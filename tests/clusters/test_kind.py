"""A kind cluster is found again, deleted, and used as any other cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.clusters.kind import Kind
from canarylab.errors import ClusterError, EngineError, SetupError, ToolFailedError
from tests.clusters.kind_machine import CLUSTER, files
from tests.standins.world import World


class TestFindingItAgain:
    def test_starts_a_node_that_was_stopped(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        kind.start(told.append)
        ours = world.cluster(CLUSTER) or {}
        world.write_cluster(CLUSTER, ours | {"running": False})
        del told[:]

        kind.start(told.append)

        assert world.cluster(CLUSTER) == ours
        assert told == [
            "starting the kind cluster again",
            "waiting for the API of the kind cluster",
        ]

    def test_says_why_a_node_does_not_start(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        kind.start(told.append)
        world.write_cluster(CLUSTER, (world.cluster(CLUSTER) or {}) | {"running": False})
        world.fail("restart", "Bind for 127.0.0.1:8080 failed: port is already allocated")

        with pytest.raises(SetupError, match="cannot be started again: Bind for"):
            kind.start(told.append)

        assert kind.is_made()

    def test_writes_a_lost_kubeconfig_anew(self, kind: Kind, world: World, told: list[str]) -> None:
        kind.start(told.append)
        ours = world.cluster(CLUSTER)
        Path(kind.kubeconfig).unlink()

        kind.start(told.append)

        assert Path(kind.kubeconfig).exists()
        assert world.cluster(CLUSTER) == ours

    def test_makes_a_new_one_where_it_was_deleted_by_hand(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        kind.start(told.append)
        world.remove_cluster(CLUSTER)
        Path(kind.kubeconfig).write_text("of the cluster that is gone")

        kind.start(told.append)

        assert len(world.calls("kind", "create")) == 2
        assert "of the cluster that is gone" not in Path(kind.kubeconfig).read_text()

    def test_says_that_the_engine_is_gone(
        self, kind: Kind, told: list[str], world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kind.start(told.append)
        world.write_cluster(CLUSTER, (world.cluster(CLUSTER) or {}) | {"running": False})
        monkeypatch.setenv("DOCKER_HOST", f"unix://{world.root}/no-engine")

        with pytest.raises(EngineError, match="its engine does not answer"):
            kind.start(told.append)

        assert kind.is_made()


class TestStopping:
    def test_deletes_the_cluster_and_forgets_it(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        kind.start(told.append)

        assert kind.stop()

        assert world.clusters() == []
        assert files(kind) == {"lock"}
        assert not kind.is_made()

    def test_where_nothing_is_there_says_so_and_asks_nobody(self, kind: Kind, world: World) -> None:
        assert not kind.stop()
        assert world.calls() == []

    def test_twice_is_no_error(self, kind: Kind, told: list[str]) -> None:
        kind.start(told.append)

        assert kind.stop()
        assert not kind.stop()

    def test_can_be_repeated_where_it_failed(
        self, kind: Kind, world: World, told: list[str]
    ) -> None:
        kind.start(told.append)
        world.fail("kind delete", "ERROR: failed to delete cluster: the engine went away")
        with pytest.raises(ToolFailedError):
            kind.stop()

        assert kind.is_made()
        assert kind.stop()
        assert world.clusters() == []


class TestStatus:
    def test_where_there_is_none_there_is_nothing_to_say(self, kind: Kind, world: World) -> None:
        assert kind.status() is None
        assert world.calls() == []

    def test_a_stopped_node_does_not_run(self, kind: Kind, world: World, told: list[str]) -> None:
        kind.start(told.append)
        world.write_cluster(CLUSTER, (world.cluster(CLUSTER) or {}) | {"running": False})

        assert kind.status() is None
        assert kind.is_made()


class TestAsACluster:
    def test_is_reached_at_the_node_port_that_is_mapped(self, kind: Kind) -> None:
        (address,) = kind.addresses(service(32089), ["canarylab-control-plane"])

        assert (address.url, address.way) == ("http://127.0.0.1:32089", "node port 32089")
        assert not address.is_guess

    def test_is_not_reached_at_another(self, kind: Kind) -> None:
        assert kind.addresses(service(31000), ["canarylab-control-plane"]) == []

    def test_a_service_without_a_node_port_has_to_get_one(self, kind: Kind) -> None:
        with pytest.raises(ClusterError, match="no node port"):
            kind.addresses(service(None), [])

    def test_takes_names_and_manifests_as_they_are(self, kind: Kind) -> None:
        wanted = {"kind": "Service"}

        assert kind.image("node_app:1.0") == "node_app:1.0"
        assert kind.fit(wanted) == (wanted, ())

    def test_says_how_it_ends(self, kind: Kind) -> None:
        assert kind.ending == "The cluster runs on; `canarylab down --cluster kind` deletes it."


def service(node_port: int | None) -> dict[str, object]:
    port = {"port": 80} | ({"nodePort": node_port} if node_port else {})
    kind = "NodePort" if node_port else "ClusterIP"
    return {"metadata": {"name": "nodeapp-svc"}, "spec": {"type": kind, "ports": [port]}}
