from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from canarylab.figures.diagram_content import DiagramPod, DiagramService
from canarylab.kube_objects import Object
from canarylab.release.endpoints import (
    Endpoint,
    expected_shares,
    pod_groups,
    services_with_pods,
    version_of,
)


def pods(version: str, *, ready: int, unready: int = 0) -> list[Endpoint]:
    states = [True] * ready + [False] * unready
    return [Endpoint("", f"{version}-{n}", version, state) for n, state in enumerate(states)]


@pytest.mark.parametrize(("stable", "canary"), list(itertools.product(range(6), range(1, 6))))
def test_the_share_of_a_version_is_the_share_of_its_ready_pods(stable: int, canary: int) -> None:
    shares = expected_shares(pods("1.0", ready=stable) + pods("2.0", ready=canary, unready=2))
    assert shares["2.0"] == canary / (stable + canary)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_canary_that_is_not_ready_gets_nothing() -> None:
    assert expected_shares(pods("1.0", ready=3) + pods("2.0", ready=0, unready=1)) == {"1.0": 1.0}


def test_nobody_ready_is_nobody_expected() -> None:
    assert expected_shares(pods("1.0", ready=0, unready=3)) == {}


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("node_app:1.0", "1.0"),
        ("docker.io/library/node_app:2.0", "2.0"),
        ("host:5000/node_app", "latest"),
        ("node_app:2.0@sha256:abc", "2.0"),
    ],
)
def test_the_version_is_the_tag(image: str, version: str) -> None:
    assert version_of(image) == version


def pod(name: str, owner: str, *, labels: Mapping[str, str]) -> Object:
    owners = [{"kind": "ReplicaSet", "name": owner, "controller": True}] if owner else []
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "metadata": {"name": name, "labels": dict(labels), "ownerReferences": owners},
        "spec": {"containers": [{"image": "node_app:2.0"}]},
        "status": {"phase": "Running", "conditions": ready},
    }


def deployment(name: str) -> Object:
    template = {"metadata": {"labels": {"app": name}}}
    return {"metadata": {"name": name}, "spec": {"template": template}}


def test_a_diagram_groups_pods_by_their_deployment_without_the_label_of_its_replica_sets() -> None:
    labels = {"app": "web", "pod-template-hash": "7d4f"}
    (group,) = pod_groups([deployment("web")], [pod("web-7d4f-x", "web-7d4f", labels=labels)])

    assert (group.deployment, group.labels) == ("web", {"app": "web"})
    assert group.pods == (DiagramPod("web-7d4f-x", "2.0", "ready"),)


def test_a_diagram_has_a_pod_of_its_own_and_a_deployment_without_pods() -> None:
    alone, empty = pod_groups([deployment("web")], [pod("alone", "", labels={"app": "test"})])

    assert (alone.deployment, [each.name for each in alone.pods]) == ("", ["alone"])
    assert (empty.deployment, empty.labels, empty.pods) == ("web", {"app": "web"}, ())


def test_a_diagram_has_the_ready_pods_of_each_service_but_not_the_service_of_the_api() -> None:
    meta = {"namespace": "default", "labels": {"kubernetes.io/service-name": "svc"}}
    endpoints = [
        {
            "addresses": ["127.64.0.2"],
            "conditions": {"ready": ready},
            "targetRef": {"name": f"pod-{ready}"},
        }
        for ready in (True, False)
    ]
    found = services_with_pods(
        [
            {"metadata": {"namespace": "default", "name": name}, "spec": {"ports": ports}}
            for name, ports in (("kubernetes", []), ("svc", [{"port": 80, "nodePort": 32089}]))
        ],
        [{"metadata": {"name": "svc-x", **meta}, "endpoints": endpoints}],
    )

    assert found == [DiagramService("svc", {}, frozenset({"pod-True"}), 32089)]
