"""What the server writes into metadata."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.errors import ForbiddenError
from canarylab.playground.apiserver.metadata import (
    Generators,
    is_deleted,
    new_metadata,
    next_version,
    plan_deletion,
    with_generation,
)
from canarylab.playground.kube.api import IMMEDIATELY, DeleteOptions, Object
from canarylab.playground.kube.kinds import KINDS

MAKERS = Generators(lambda: datetime(2026, 11, 22, tzinfo=UTC), lambda: "uid-1", random.Random(7))


def born(kind: str = "Pod", **meta: object) -> Object:
    made = new_metadata({"metadata": {"namespace": "lab", **meta}}, KINDS[kind], MAKERS)
    return dict(made["metadata"])


def test_a_new_object_has_a_uid_and_a_date() -> None:
    meta = born(name="web")
    assert meta["uid"] == "uid-1"
    assert meta["creationTimestamp"] == "2026-11-22T00:00:00Z"


def test_nobody_brings_a_uid_or_a_generation_of_his_own() -> None:
    meta = born(name="web", uid="mine", generation=7, deletionTimestamp="x", managedFields=[])
    assert meta["uid"] == "uid-1"
    assert meta["generation"] == 1
    assert {"deletionTimestamp", "managedFields"} & meta.keys() == set()


def test_a_made_up_name_has_five_letters_and_no_vowels() -> None:
    name = born(generateName="nodeapp-")["name"]
    assert re.fullmatch("nodeapp-[bcdfghjklmnpqrstvwxz2456789]{5}", name)


def test_a_made_up_name_is_never_too_long() -> None:
    assert len(born(generateName="n" * 100)["name"]) == 63


def test_a_name_that_was_given_is_kept() -> None:
    assert born(name="web", generateName="nodeapp-")["name"] == "web"


def test_generations_are_counted_where_kubernetes_counts_them() -> None:
    counted = [kind for kind in KINDS if "generation" in born(kind, name="web")]
    assert counted == [
        "Pod", "Deployment", "ReplicaSet", "EndpointSlice", "Ingress", "IngressClass",
        "GatewayClass", "Gateway", "HTTPRoute",
    ]  # fmt: skip


def test_cluster_wide_objects_lose_a_namespace() -> None:
    assert "namespace" not in born("Node", name="playground")


def test_the_next_version_keeps_what_is_the_servers() -> None:
    current = {"metadata": {"name": "web", "uid": "1", "deletionTimestamp": "x", "generation": 4}}
    asked = {"metadata": {"name": "web", "uid": "2", "generation": 9, "labels": {"a": "b"}}}
    meta = next_version(asked, current, KINDS["Pod"])["metadata"]
    expected = {"name": "web", "uid": "1", "deletionTimestamp": "x", "generation": 4}
    assert meta == {**expected, "labels": {"a": "b"}}


def test_fields_stand_in_the_order_a_reader_expects() -> None:
    shuffled = {"status": {}, "spec": {}, "metadata": {"name": "web"}, "kind": "Pod"}
    made = new_metadata(shuffled, KINDS["Pod"], MAKERS)
    assert list(made) == ["kind", "apiVersion", "metadata", "spec", "status"]


@pytest.mark.parametrize(
    ("annotations", "generation"),
    [({"note": "x"}, 2), ({"deployment.kubernetes.io/revision": "2"}, 1), ({}, 1)],
)
def test_annotations_of_a_deployment_count_except_its_controllers_revision(
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


def test_a_running_pod_is_told_when_it_has_to_be_gone() -> None:
    meta = plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object["metadata"]
    assert meta["deletionTimestamp"] == "2026-11-22T00:00:30Z"
    assert meta["deletionGracePeriodSeconds"] == 30


def test_being_told_to_go_counts_as_a_change_of_the_pod() -> None:
    assert plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object["metadata"]["generation"] == 2


def test_a_shorter_grace_period_moves_the_end_forward() -> None:
    leaving = plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object
    meta = plan_deletion(leaving, DeleteOptions(grace_period_s=5), MIDNIGHT).object["metadata"]
    assert meta["deletionTimestamp"] == "2026-11-22T00:00:05Z"
    assert meta["generation"] == 2


@pytest.mark.parametrize("grace_s", [None, 30, 31])
def test_asking_again_gives_no_more_time(grace_s: int | None) -> None:
    leaving = plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object
    assert plan_deletion(leaving, DeleteOptions(grace_period_s=grace_s), MIDNIGHT).act == "nothing"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_goes_at_once(phase: str) -> None:
    ended = {**pod(), "status": {"phase": phase}}
    assert plan_deletion(ended, DeleteOptions(), MIDNIGHT).act == "remove"


def test_a_negative_grace_period_is_read_as_a_second() -> None:
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


def test_background_strikes_the_finalizers_of_the_garbage_collector() -> None:
    held = plan_deletion(pod(finalizers=["orphan"]), DeleteOptions(0, "Background"), MIDNIGHT)
    assert held.act == "remove"


def test_a_namespace_already_on_its_way_is_left_alone() -> None:
    leaving = plan_deletion(namespace("lab"), DeleteOptions(), MIDNIGHT).object
    assert plan_deletion(leaving, IMMEDIATELY, MIDNIGHT).act == "nothing"


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_are_there_for_good(name: str) -> None:
    with pytest.raises(ForbiddenError) as refused:
        plan_deletion(namespace(name), DeleteOptions(), MIDNIGHT)
    assert str(refused.value) == (
        f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    )
