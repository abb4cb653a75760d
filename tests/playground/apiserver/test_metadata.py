"""Metadata that the server writes, and deletion."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.errors import ForbiddenError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.metadata import (
    Generators,
    is_deleted,
    new_metadata,
    next_version,
    plan_deletion,
    with_generation,
)
from canarylab.playground.kube.api import IMMEDIATELY, DeleteOptions
from canarylab.playground.kube.kinds import KINDS

MAKERS = Generators(lambda: datetime(2026, 11, 22, tzinfo=UTC), lambda: "uid-1", random.Random(7))


def born(kind: str = "Pod", **meta: object) -> Object:
    made = new_metadata({"metadata": {"namespace": "lab", **meta}}, KINDS[kind], MAKERS)
    return dict(made["metadata"])


def test_a_new_object_has_a_uid_and_a_creation_timestamp() -> None:
    meta = born(name="web")
    assert meta["uid"] == "uid-1"
    assert meta["creationTimestamp"] == "2026-11-22T00:00:00Z"


def test_uid_and_generation_of_the_client_are_ignored() -> None:
    meta = born(name="web", uid="mine", generation=7, deletionTimestamp="x", managedFields=[])
    assert meta["uid"] == "uid-1"
    assert meta["generation"] == 1
    assert {"deletionTimestamp", "managedFields"} & meta.keys() == set()


def test_a_generated_name_ends_in_five_letters_without_vowels() -> None:
    name = born(generateName="nodeapp-")["name"]
    assert re.fullmatch("nodeapp-[bcdfghjklmnpqrstvwxz2456789]{5}", name)


def test_a_generated_name_has_at_most_63_characters() -> None:
    assert len(born(generateName="n" * 100)["name"]) == 63


def test_a_given_name_is_kept() -> None:
    assert born(name="web", generateName="nodeapp-")["name"] == "web"


def test_kinds_with_a_generation() -> None:
    counted = [kind for kind in KINDS if "generation" in born(kind, name="web")]
    assert counted == [
        "Pod", "Deployment", "ReplicaSet", "EndpointSlice", "Ingress", "IngressClass",
        "GatewayClass", "Gateway", "HTTPRoute",
    ]  # fmt: skip


def test_a_namespace_is_dropped_from_cluster_scoped_objects() -> None:
    assert "namespace" not in born("Node", name="playground")


def test_the_next_version_keeps_the_fields_of_the_server() -> None:
    current = {"metadata": {"name": "web", "uid": "1", "deletionTimestamp": "x", "generation": 4}}
    asked = {"metadata": {"name": "web", "uid": "2", "generation": 9, "labels": {"a": "b"}}}
    meta = next_version(asked, current, KINDS["Pod"])["metadata"]
    expected = {"name": "web", "uid": "1", "deletionTimestamp": "x", "generation": 4}
    assert meta == {**expected, "labels": {"a": "b"}}


def test_fields_are_in_the_usual_order() -> None:
    shuffled = {"status": {}, "spec": {}, "metadata": {"name": "web"}, "kind": "Pod"}
    made = new_metadata(shuffled, KINDS["Pod"], MAKERS)
    assert list(made) == ["kind", "apiVersion", "metadata", "spec", "status"]


@pytest.mark.parametrize(
    ("annotations", "generation"),
    [({"note": "x"}, 2), ({"deployment.kubernetes.io/revision": "2"}, 1), ({}, 1)],
)
def test_annotations_of_a_deployment_increase_its_generation_except_the_revision(
    annotations: dict[str, str], generation: int
) -> None:
    current = {"kind": "Deployment", "metadata": {"name": "web", "generation": 1}, "spec": {}}
    changed = {**current, "metadata": {"name": "web", "generation": 1, "annotations": annotations}}
    assert with_generation(changed, current)["metadata"]["generation"] == generation


MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def pod(**meta: Any) -> Object:
    return {
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "lab", "uid": "1", "generation": 1, **meta},
        "spec": {"nodeName": "playground", "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running"},
    }


def namespace(name: str, **meta: Any) -> Object:
    return {
        "kind": "Namespace",
        "metadata": {"name": name, "uid": "1", **meta},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def test_a_running_pod_gets_a_deletion_timestamp() -> None:
    meta = plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object["metadata"]
    assert meta["deletionTimestamp"] == "2026-11-22T00:00:30Z"
    assert meta["deletionGracePeriodSeconds"] == 30


def test_a_deletion_timestamp_increases_the_generation() -> None:
    assert plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object["metadata"]["generation"] == 2


def test_a_shorter_grace_period_makes_the_deletion_earlier() -> None:
    leaving = plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object
    meta = plan_deletion(leaving, DeleteOptions(grace_period_s=5), MIDNIGHT).object["metadata"]
    assert meta["deletionTimestamp"] == "2026-11-22T00:00:05Z"
    assert meta["generation"] == 2


@pytest.mark.parametrize("grace_s", [None, 30, 31])
def test_a_second_deletion_does_not_prolong_the_grace_period(grace_s: int | None) -> None:
    leaving = plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object
    assert plan_deletion(leaving, DeleteOptions(grace_period_s=grace_s), MIDNIGHT).act == "nothing"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_completed_pod_is_removed_at_once(phase: str) -> None:
    ended = {**pod(), "status": {"phase": phase}}
    assert plan_deletion(ended, DeleteOptions(), MIDNIGHT).act == "remove"


def test_a_negative_grace_period_is_one_second() -> None:
    options = DeleteOptions(grace_period_s=-1)
    meta = plan_deletion(pod(), options, MIDNIGHT).object["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 1


def test_a_pod_with_a_finalizer_stays_even_without_grace() -> None:
    held = plan_deletion(pod(finalizers=["canarylab/held"]), IMMEDIATELY, MIDNIGHT)
    assert held.act == "write"
    assert not is_deleted(held.object)


def test_without_its_finalizer_a_pod_still_has_its_grace_period() -> None:
    leaving = plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object
    assert not is_deleted(leaving)


def test_background_removes_the_finalizers_of_the_garbage_collector() -> None:
    held = plan_deletion(pod(finalizers=["orphan"]), DeleteOptions(0, "Background"), MIDNIGHT)
    assert held.act == "remove"


def test_a_terminating_namespace_is_unchanged() -> None:
    leaving = plan_deletion(namespace("lab"), DeleteOptions(), MIDNIGHT).object
    assert plan_deletion(leaving, IMMEDIATELY, MIDNIGHT).act == "nothing"


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_permanent_namespaces_cannot_be_deleted(name: str) -> None:
    with pytest.raises(ForbiddenError) as refused:
        plan_deletion(namespace(name), DeleteOptions(), MIDNIGHT)
    assert str(refused.value) == (
        f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    )
