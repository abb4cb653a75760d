from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.controllers.deployment_plan import Plan, limits_of, plan, size_of
from canarylab.playground.controllers.revisions import born, revision, sized, stamped
from canarylab.playground.controllers.rollout import Limits
from canarylab.playground.kube.api import Object
from tests.playground.controllers.world import THEN, deployment, meta, rolling, template

NEXT = template("node_app:2.0")


def a_deployment(replicas: int = 3, **spec: Any) -> Object:
    return meta(deployment(replicas, **spec), uid="d-1", generation=1)


def a_replica_set(owner: Object, size: int, available: int | None = None, **olds: Any) -> Object:
    """The one that this Deployment's look would have made, and its pods so far."""
    ceiling = owner["spec"]["replicas"] + limits_of(owner).surge
    new = born(owner, olds.get("olds", []), size=size, ceiling=ceiling)
    new = meta(new, uid=new["metadata"]["name"], generation=1, creationTimestamp=THEN)
    ready = size if available is None else available
    return {**new, "status": counted(size, ready)}


def counted(replicas: int, available: int) -> Object:
    return {"replicas": replicas, "availableReplicas": available, "observedGeneration": 1}


def finished(owner: Object) -> Object:
    wanted = owner["spec"]["replicas"]
    said = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
    return {**owner, "status": {**said, "observedGeneration": 1}}


def changed(todo: Plan) -> dict[str, int]:
    return {one["metadata"]["name"]: size_of(one) for one in todo.update}


def test_the_first_replica_set_starts_with_all_pods() -> None:
    todo = plan(a_deployment(3), [])
    assert todo.create is not None
    assert (size_of(todo.create), revision(todo.create)) == (3, 1)


def test_when_all_is_well_there_is_nothing_to_do() -> None:
    web = a_deployment(3)
    assert plan(finished(web), [a_replica_set(web, 3)]) == Plan()


def test_a_new_template_begins_with_the_surge() -> None:
    old = a_replica_set(a_deployment(4), 4)
    todo = plan(a_deployment(4, template=NEXT), [old])
    assert todo.create is not None
    assert (size_of(todo.create), revision(todo.create)) == (1, 2)


def test_one_step_at_a_look_growing_before_shrinking() -> None:
    old = a_replica_set(a_deployment(4), 3)
    web = a_deployment(4, template=NEXT)
    new = a_replica_set(web, 1, available=0, olds=[old])
    assert changed(plan(web, [old, new])) == {new["metadata"]["name"]: 2}


def test_a_number_is_set_right_before_anything_else() -> None:
    first = a_replica_set(a_deployment(4), 0)
    second = a_replica_set(a_deployment(4, template=NEXT), 4, olds=[first])
    [back] = plan(a_deployment(4), [first, second]).update
    assert (revision(back), size_of(back)) == (3, 0)


def test_scaling_a_finished_deployment_resizes_its_only_active_replica_set() -> None:
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


def test_after_scaling_everyone_with_pods_knows_of_it() -> None:
    """Otherwise the next look would take it for another scaling, for ever."""
    web = a_deployment(4)
    larger = a_deployment(4, strategy=rolling(2, 1))
    there = sized(a_replica_set(web, 4), a_deployment(3), size=4, ceiling=4)
    [once] = plan(larger, [there]).update
    assert plan(larger, [once]).update == ()


def test_a_finished_new_version_lets_the_old_go_when_scaled() -> None:
    old = a_replica_set(a_deployment(2), 1)
    web = a_deployment(3, template=NEXT)
    new = a_replica_set(web, 3, olds=[old])
    assert changed(plan(web, [old, new])) == {old["metadata"]["name"]: 0}


def test_paused_it_neither_creates_nor_rolls() -> None:
    old = a_replica_set(a_deployment(3), 3)
    assert plan(a_deployment(3, paused=True, template=NEXT), [old]) == Plan()


def test_paused_it_still_scales() -> None:
    old = a_replica_set(a_deployment(3), 3)
    todo = plan(a_deployment(5, paused=True, template=NEXT), [old])
    assert changed(todo) == {old["metadata"]["name"]: 5}


def test_paused_from_the_start_it_does_nothing() -> None:
    assert plan(a_deployment(3, paused=True), []) == Plan()


def test_on_its_way_out_it_does_nothing() -> None:
    assert plan(meta(a_deployment(3), deletionTimestamp=THEN), []) == Plan()


RECREATE = {"type": "Recreate"}


def test_to_recreate_is_first_to_end_all() -> None:
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
def test_to_recreate_is_to_wait_for_the_last_old_pod(said: Object) -> None:
    old = {**a_replica_set(a_deployment(3, strategy=RECREATE), 0), "status": said}
    assert plan(a_deployment(3, strategy=RECREATE, template=NEXT), [old]) == Plan()


def test_then_all_new_pods_come_at_once() -> None:
    old = a_replica_set(a_deployment(3, strategy=RECREATE), 0)
    todo = plan(a_deployment(3, strategy=RECREATE, template=NEXT), [old])
    assert todo.create is not None
    assert size_of(todo.create) == 3


def test_history_is_cut_only_when_the_rollout_is_over() -> None:
    old = a_replica_set(a_deployment(3), 0)
    web = a_deployment(3, template=NEXT, revisionHistoryLimit=0)
    new = stamped(a_replica_set(web, 3, olds=[old]), web, [old])
    assert plan(web, [old, new]) == Plan()
    assert plan(finished(web), [old, new]).delete == (old,)


def test_recreating_neither_surges_nor_misses_any() -> None:
    assert limits_of(a_deployment(3, strategy=RECREATE)) == Limits(0, 0)


def test_without_knobs_it_is_a_quarter() -> None:
    assert limits_of(a_deployment(4, strategy={"type": "RollingUpdate"})) == Limits(1, 1)
