from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.controllers.deployment import (
    DeploymentPlan,
    plan,
)
from canarylab.playground.controllers.deployment_status import rollout_limits, size_of
from canarylab.playground.controllers.revisions import (
    new_replica_set,
    revision_of,
    with_revision,
    with_size,
)
from canarylab.playground.controllers.rollout import RolloutLimits
from tests.playground.controllers.builders import THEN, deployment, meta, rolling, template

NEXT = template("node_app:2.0")


def a_deployment(replicas: int = 3, **spec: Any) -> Object:
    return meta(deployment(replicas, **spec), uid="d-1", generation=1)


def a_replica_set(owner: Object, size: int, available: int | None = None, **olds: Any) -> Object:
    """The ReplicaSet that this Deployment would have created, and its pods so far."""
    most = owner["spec"]["replicas"] + rollout_limits(owner).max_surge
    new = new_replica_set(owner, olds.get("olds", []), size=size, max_replicas=most)
    new = meta(new, uid=new["metadata"]["name"], generation=1, creationTimestamp=THEN)
    ready = size if available is None else available
    return {**new, "status": counted(size, ready)}


def counted(replicas: int, available: int) -> Object:
    return {"replicas": replicas, "availableReplicas": available, "observedGeneration": 1}


def completed(owner: Object) -> Object:
    wanted = owner["spec"]["replicas"]
    said = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
    return {**owner, "status": {**said, "observedGeneration": 1}}


def changed(todo: DeploymentPlan) -> dict[str, int]:
    return {one["metadata"]["name"]: size_of(one) for one in todo.update}


def test_the_first_replica_set_starts_with_all_pods() -> None:
    todo = plan(a_deployment(3), [])
    assert todo.create is not None
    assert (size_of(todo.create), revision_of(todo.create)) == (3, 1)


def test_a_complete_deployment_has_an_empty_plan() -> None:
    web = a_deployment(3)
    assert plan(completed(web), [a_replica_set(web, 3)]) == DeploymentPlan()


def test_a_new_template_begins_with_the_surge() -> None:
    old = a_replica_set(a_deployment(4), 4)
    todo = plan(a_deployment(4, template=NEXT), [old])
    assert todo.create is not None
    assert (size_of(todo.create), revision_of(todo.create)) == (1, 2)


def test_each_plan_is_one_step_and_scales_up_before_it_scales_down() -> None:
    old = a_replica_set(a_deployment(4), 3)
    web = a_deployment(4, template=NEXT)
    new = a_replica_set(web, 1, available=0, olds=[old])
    assert changed(plan(web, [old, new])) == {new["metadata"]["name"]: 2}


def test_a_revision_is_corrected_before_anything_else() -> None:
    first = a_replica_set(a_deployment(4), 0)
    second = a_replica_set(a_deployment(4, template=NEXT), 4, olds=[first])
    [back] = plan(a_deployment(4), [first, second]).update
    assert (revision_of(back), size_of(back)) == (3, 0)


def test_scaling_a_complete_deployment_resizes_its_only_active_replica_set() -> None:
    web = a_deployment(3)
    there = a_replica_set(web, 3)
    assert changed(plan(a_deployment(5), [there])) == {there["metadata"]["name"]: 5}


def test_scaling_to_nothing_and_back() -> None:
    there = a_replica_set(a_deployment(3), 3)
    [empty] = plan(a_deployment(0), [there]).update
    assert size_of(empty) == 0
    assert changed(plan(a_deployment(2), [empty])) == {there["metadata"]["name"]: 2}


def test_scaling_in_the_middle_of_a_rollout_gives_each_its_share() -> None:
    web = a_deployment(10, strategy=rolling(3, 2))
    old = a_replica_set(web, 8)
    half_done = a_deployment(10, strategy=rolling(3, 2), template=NEXT)
    new = a_replica_set(half_done, 5, available=0, olds=[old])
    larger = a_deployment(15, strategy=rolling(3, 2), template=NEXT)
    sizes = changed(plan(larger, [old, new]))
    assert sizes == {old["metadata"]["name"]: 11, new["metadata"]["name"]: 7}


def test_scaling_is_recorded_in_every_replica_set_with_pods() -> None:
    """Otherwise the next plan would scale again, for ever."""
    web = a_deployment(4)
    larger = a_deployment(4, strategy=rolling(2, 1))
    there = with_size(a_replica_set(web, 4), a_deployment(3), size=4, max_replicas=4)
    [once] = plan(larger, [there]).update
    assert plan(larger, [once]).update == ()


def test_scaling_with_a_saturated_new_version_removes_the_old_one() -> None:
    old = a_replica_set(a_deployment(2), 1)
    web = a_deployment(3, template=NEXT)
    new = a_replica_set(web, 3, olds=[old])
    assert changed(plan(web, [old, new])) == {old["metadata"]["name"]: 0}


def test_a_paused_deployment_neither_creates_nor_rolls() -> None:
    old = a_replica_set(a_deployment(3), 3)
    assert plan(a_deployment(3, paused=True, template=NEXT), [old]) == DeploymentPlan()


def test_a_paused_deployment_still_scales() -> None:
    old = a_replica_set(a_deployment(3), 3)
    todo = plan(a_deployment(5, paused=True, template=NEXT), [old])
    assert changed(todo) == {old["metadata"]["name"]: 5}


def test_a_deployment_paused_from_the_start_does_nothing() -> None:
    assert plan(a_deployment(3, paused=True), []) == DeploymentPlan()


def test_a_terminating_deployment_does_nothing() -> None:
    assert plan(meta(a_deployment(3), deletionTimestamp=THEN), []) == DeploymentPlan()


RECREATE = {"type": "Recreate"}


def test_recreate_first_deletes_all_old_pods() -> None:
    old = a_replica_set(a_deployment(3, strategy=RECREATE), 3)
    todo = plan(a_deployment(3, strategy=RECREATE, template=NEXT), [old])
    assert changed(todo) == {old["metadata"]["name"]: 0}


@pytest.mark.parametrize(
    "said",
    [
        {"replicas": 1, "observedGeneration": 1},
        {"replicas": 0, "terminatingReplicas": 1, "observedGeneration": 1},
        {"replicas": 0, "observedGeneration": 0},
    ],
)
def test_recreate_waits_for_the_last_old_pod(said: Object) -> None:
    old = {**a_replica_set(a_deployment(3, strategy=RECREATE), 0), "status": said}
    assert plan(a_deployment(3, strategy=RECREATE, template=NEXT), [old]) == DeploymentPlan()


def test_recreate_then_creates_all_new_pods_at_once() -> None:
    old = a_replica_set(a_deployment(3, strategy=RECREATE), 0)
    todo = plan(a_deployment(3, strategy=RECREATE, template=NEXT), [old])
    assert todo.create is not None
    assert size_of(todo.create) == 3


def test_old_replica_sets_are_deleted_only_when_the_rollout_is_complete() -> None:
    old = a_replica_set(a_deployment(3), 0)
    web = a_deployment(3, template=NEXT, revisionHistoryLimit=0)
    new = with_revision(a_replica_set(web, 3, olds=[old]), web, [old])
    assert plan(web, [old, new]) == DeploymentPlan()
    assert plan(completed(web), [old, new]).delete == (old,)


def test_recreate_has_neither_surge_nor_unavailable() -> None:
    assert rollout_limits(a_deployment(3, strategy=RECREATE)) == RolloutLimits(0, 0)


def test_the_default_limits_are_a_quarter() -> None:
    assert rollout_limits(a_deployment(4, strategy={"type": "RollingUpdate"})) == RolloutLimits(
        1, 1
    )
