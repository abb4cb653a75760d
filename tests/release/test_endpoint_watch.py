"""The ready pods of a Service over time."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from urllib3.exceptions import ProtocolError

from canarylab import resources
from canarylab.errors import ClusterError
from canarylab.manifests import PRODUCTION, SERVICE
from canarylab.release.connection import Connection
from canarylab.release.endpoint_watch import EndpointWatch, watch_endpoints
from canarylab.release.rollout import scale, wait_until_rolled_out
from canarylab.release.stages import reset_to
from canarylab.runtime import wait_until


class Cluster:
    """Says of each pod whether it is ready, and counts how often it is asked for pods."""

    namespace = "default"

    def __init__(self, **ready: bool) -> None:
        self.ready, self.listed, self.is_away = ready, 0, False
        self.core = SimpleNamespace(
            read_namespaced_service=lambda *_: {}, list_namespaced_pod=self._pods
        )
        self.discovery = SimpleNamespace(list_namespaced_endpoint_slice=self._slices)

    def plain(self, answer: Any) -> Any:
        return answer

    def _pods(self, namespace: str) -> Any:
        self.listed += 1
        return {
            "items": [
                {"metadata": {"name": name}, "spec": {"containers": [{"image": f"app:{name[0]}"}]}}
                for name in self.ready
            ]
        }

    def _slices(
        self, namespace: str, label_selector: str, *, _preload_content: bool = True, **_: Any
    ) -> Any:
        if self.is_away:
            raise ProtocolError
        endpoints = [
            {
                "addresses": ["127.0.0.1"],
                "targetRef": {"name": name},
                "conditions": {"ready": is_ready},
            }
            for name, is_ready in self.ready.items()
        ]
        found = {"items": [{"endpoints": endpoints}, {"endpoints": None}]}
        return found if _preload_content else SimpleNamespace(data=json.dumps(found))


def watch(cluster: Cluster) -> EndpointWatch:
    times = iter(range(100))
    return EndpointWatch(cluster, "web", clock=lambda: float(next(times)))  # type: ignore[arg-type]


def test_only_ready_pods_are_seen_with_the_tag_of_their_image() -> None:
    found = watch(Cluster(x1=True, y1=False)).observations()
    assert [(each.at, each.ready) for each in found] == [(0.0, {"x1": "x"})]


def test_only_a_change_is_noted() -> None:
    cluster = Cluster(x1=True, y1=False)
    seen = watch(cluster)
    seen.look()
    seen.look()
    cluster.ready["y1"] = True
    assert [(each.at, set(each.ready)) for each in seen.observations()] == [
        (0.0, {"x1"}),
        (2.0, {"x1", "y1"}),
    ]


def test_pods_are_read_only_when_one_is_new() -> None:
    cluster = Cluster(x1=True)
    seen = watch(cluster)
    for _ in range(3):
        seen.look()
    assert cluster.listed == 1


def test_a_cluster_that_does_not_answer_is_asked_again() -> None:
    cluster = Cluster(x1=True)
    seen = watch(cluster)
    seen.look()
    cluster.is_away = True
    assert len(seen.observations()) == 1


def test_a_cluster_that_does_not_answer_at_first_is_an_error() -> None:
    cluster = Cluster(x1=True)
    cluster.is_away = True
    with pytest.raises(ClusterError, match="did not answer"):
        watch(cluster).look()


def test_pods_that_come_are_seen_while_the_block_runs(connection: Connection) -> None:
    reset_to(connection, "02-production", resources.folder("manifests"))
    with watch_endpoints(connection, SERVICE) as seen:
        scale(connection, PRODUCTION, 4)
        wait_until_rolled_out(connection, PRODUCTION)
        assert wait_until(lambda: len(seen.observations()[-1].ready) == 4, timeout_s=10)
    assert len(seen.observations()[0].ready) == 3
