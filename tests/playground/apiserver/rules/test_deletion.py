"""What a request to delete comes to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.errors import ForbiddenError
from canarylab.playground.apiserver.rules.deletion import is_over, plan
from canarylab.playground.kube.api import IMMEDIATELY, DeleteOptions, Object

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
    meta = plan(pod(), DeleteOptions(), MIDNIGHT).object["metadata"]
    assert meta["deletionTimestamp"] == "2026-11-22T00:00:30Z"
    assert meta["deletionGracePeriodSeconds"] == 30


def test_being_told_to_go_counts_as_a_change_of_the_pod() -> None:
    assert plan(pod(), DeleteOptions(), MIDNIGHT).object["metadata"]["generation"] == 2


def test_a_shorter_grace_period_moves_the_end_forward() -> None:
    leaving = plan(pod(), DeleteOptions(), MIDNIGHT).object
    meta = plan(leaving, DeleteOptions(grace_period_s=5), MIDNIGHT).object["metadata"]
    assert meta["deletionTimestamp"] == "2026-11-22T00:00:05Z"
    assert meta["generation"] == 2


@pytest.mark.parametrize("grace_s", [None, 30, 31])
def test_asking_again_gives_no_more_time(grace_s: int | None) -> None:
    leaving = plan(pod(), DeleteOptions(), MIDNIGHT).object
    assert plan(leaving, DeleteOptions(grace_period_s=grace_s), MIDNIGHT).act == "nothing"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_goes_at_once(phase: str) -> None:
    ended = {**pod(), "status": {"phase": phase}}
    assert plan(ended, DeleteOptions(), MIDNIGHT).act == "remove"


def test_a_negative_grace_period_is_read_as_a_second() -> None:
    options = DeleteOptions(grace_period_s=-1)
    meta = plan(pod(), options, MIDNIGHT).object["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 1


def test_a_pod_with_a_finalizer_stays_even_without_grace() -> None:
    held = plan(pod(finalizers=["canarylab/held"]), IMMEDIATELY, MIDNIGHT)
    assert held.act == "write"
    assert not is_over(held.object)


def test_without_its_finalizer_a_pod_still_has_its_grace_period() -> None:
    leaving = plan(pod(), DeleteOptions(), MIDNIGHT).object
    assert not is_over(leaving)


def test_background_strikes_the_finalizers_of_the_garbage_collector() -> None:
    held = plan(pod(finalizers=["orphan"]), DeleteOptions(0, "Background"), MIDNIGHT)
    assert held.act == "remove"


def test_a_namespace_already_on_its_way_is_left_alone() -> None:
    leaving = plan(namespace("lab"), DeleteOptions(), MIDNIGHT).object
    assert plan(leaving, IMMEDIATELY, MIDNIGHT).act == "nothing"


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_are_there_for_good(name: str) -> None:
    with pytest.raises(ForbiddenError) as refused:
        plan(namespace(name), DeleteOptions(), MIDNIGHT)
    assert str(refused.value) == (
        f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    )
