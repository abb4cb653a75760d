"""Deletion: grace periods, finalizers, permanent namespaces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.errors import ForbiddenError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.deletion import is_deleted, plan_deletion
from canarylab.playground.kube.api import IMMEDIATELY, DeleteOptions

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
    assert plan_deletion(leaving, DeleteOptions(grace_period_s=grace_s), MIDNIGHT).action == "none"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_completed_pod_is_removed_at_once(phase: str) -> None:
    ended = {**pod(), "status": {"phase": phase}}
    assert plan_deletion(ended, DeleteOptions(), MIDNIGHT).action == "remove"


def test_a_negative_grace_period_is_one_second() -> None:
    options = DeleteOptions(grace_period_s=-1)
    meta = plan_deletion(pod(), options, MIDNIGHT).object["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 1


def test_a_pod_with_a_finalizer_stays_even_without_grace() -> None:
    held = plan_deletion(pod(finalizers=["canarylab/held"]), IMMEDIATELY, MIDNIGHT)
    assert held.action == "write"
    assert not is_deleted(held.object)


def test_without_its_finalizer_a_pod_still_has_its_grace_period() -> None:
    leaving = plan_deletion(pod(), DeleteOptions(), MIDNIGHT).object
    assert not is_deleted(leaving)


def test_background_removes_the_finalizers_of_the_garbage_collector() -> None:
    held = plan_deletion(pod(finalizers=["orphan"]), DeleteOptions(0, "Background"), MIDNIGHT)
    assert held.action == "remove"


def test_a_terminating_namespace_is_unchanged() -> None:
    leaving = plan_deletion(namespace("lab"), DeleteOptions(), MIDNIGHT).object
    assert plan_deletion(leaving, IMMEDIATELY, MIDNIGHT).action == "none"


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_permanent_namespaces_cannot_be_deleted(name: str) -> None:
    with pytest.raises(ForbiddenError) as refused:
        plan_deletion(namespace(name), DeleteOptions(), MIDNIGHT)
    assert str(refused.value) == (
        f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    )


def test_a_job_leaves_its_pods_unless_it_is_deleted_with_them() -> None:
    job: Object = {"kind": "Job", "metadata": {"name": "smoke", "namespace": "lab", "uid": "1"}}
    kept = plan_deletion(job, DeleteOptions(), MIDNIGHT)
    assert kept.object["metadata"]["finalizers"] == ["orphan"]
    assert plan_deletion(job, DeleteOptions(propagation="Background"), MIDNIGHT).action == "remove"
