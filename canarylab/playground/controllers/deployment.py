"""The Deployment controller: one ReplicaSet for every pod template, scaled step by step.

A Deployment never touches a pod. It only sets the size of each ReplicaSet, and reconciles again
when their pods have followed. Each reconcile takes one step, so there is no script of a rollout
that could be lost half-way: from whatever state there is, the next step leads towards the template
and the number of replicas in the spec.

`plan` decides the step with the arithmetic of `rollout.py`; `revisions.py` keeps the history, and
`deployment_status.py` computes the status.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from canarylab.errors import AlreadyExistsError
from canarylab.kube_objects import (
    REVISION_ANNOTATION,
    Key,
    Now,
    Object,
    controller_of,
    is_terminating,
    key_of,
    uid_of,
    utc_now,
)
from canarylab.playground.controllers import revisions
from canarylab.playground.controllers.deployment_status import (
    deployment_status,
    is_complete,
    is_paused,
    requeue_after_s,
    rollout_limits,
    size_of,
    uses_recreate,
)
from canarylab.playground.controllers.loop import Controller, keys_for_object
from canarylab.playground.controllers.ownership import claim_dependants, keys_for_owner
from canarylab.playground.controllers.rollout import (
    Replicas,
    ReplicaSetSize,
    scale_down_old,
    scale_proportionally,
    scale_up_new,
)
from canarylab.playground.kube.api import Api, find_object
from canarylab.playground.kube.events import EventDetails, record_event

EVENT_SOURCE = "deployment-controller"


class DeploymentPlan(NamedTuple):
    """The ReplicaSets to create, to update (as they shall be), and to delete."""

    create: Object | None = None
    update: tuple[Object, ...] = ()
    delete: tuple[Object, ...] = ()


def plan(deployment: Object, replica_sets: Sequence[Object]) -> DeploymentPlan:
    """Decide the next step; an empty plan when the rollout is complete or waits for pods."""
    new, olds = revisions.new_and_old(deployment, replica_sets)
    if is_terminating(deployment):
        return DeploymentPlan()
    if new is not None and (numbered := revisions.with_revision(new, deployment, olds)) != new:
        return DeploymentPlan(update=(numbered,))
    if is_paused(deployment):
        update, delete = _scale(deployment, new, olds), _beyond_history_limit(deployment, olds)
        return DeploymentPlan(update=update, delete=delete)
    if _is_scaled(deployment, replica_sets):
        return DeploymentPlan(update=_scale(deployment, new, olds))
    step = _recreate if uses_recreate(deployment) else _rolling_update
    return step(deployment, new, olds)


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Carry out the next step of one Deployment, and write its status."""
    # Look.
    deployment = await find_object(api, "Deployment", key)
    if deployment is None:
        return None
    replica_sets = await claim_dependants(api, deployment, "ReplicaSet")

    # Decide.
    todo = plan(deployment, replica_sets)

    # Act.
    created = await _create(api, deployment, todo.create)
    replica_sets = await _update_and_delete(api, deployment, replica_sets, todo)
    replica_sets += [created] if created else []
    deployment = await _copy_revision(api, deployment, replica_sets)

    # Report.
    moment = now()
    status = deployment_status(deployment, replica_sets, created, moment)
    await api.update_status({**deployment, "status": status})
    return requeue_after_s(deployment, status, moment)


def _rolling_update(deployment: Object, new: Object | None, olds: list[Object]) -> DeploymentPlan:
    """Scale up the new ReplicaSet, then scale down the old ones, then clean up."""
    replicas, limits = deployment["spec"]["replicas"], rollout_limits(deployment)
    old_replicas = [_replicas(old) for old in olds]
    if new is None:
        size = scale_up_new(replicas, Replicas(0, 0), old_replicas, limits)
        return _create_new(deployment, olds, size)
    if (size := scale_up_new(replicas, _replicas(new), old_replicas, limits)) != size_of(new):
        return DeploymentPlan(update=_with_sizes(deployment, [(new, size)]))
    sizes = scale_down_old(replicas, _replicas(new), old_replicas, limits)
    changed = [(old, size) for old, size in zip(olds, sizes, strict=True) if size != size_of(old)]
    if changed:
        return DeploymentPlan(update=_with_sizes(deployment, changed))
    return _clean_up(deployment, olds)


def _recreate(deployment: Object, new: Object | None, olds: list[Object]) -> DeploymentPlan:
    """Delete all old pods, wait until they are gone, then create all new ones."""
    replicas = deployment["spec"]["replicas"]
    if active := [old for old in olds if size_of(old)]:
        return DeploymentPlan(update=_with_sizes(deployment, [(old, 0) for old in active]))
    if any(map(_has_pods, olds)):
        return DeploymentPlan()
    if new is None:
        return _create_new(deployment, olds, replicas)
    if size_of(new) != replicas:
        return DeploymentPlan(update=_with_sizes(deployment, [(new, replicas)]))
    return _clean_up(deployment, olds)


def _create_new(deployment: Object, olds: list[Object], size: int) -> DeploymentPlan:
    most = _max_replicas(deployment)
    new = revisions.new_replica_set(deployment, olds, size=size, max_replicas=most)
    return DeploymentPlan(create=new)


def _clean_up(deployment: Object, olds: list[Object]) -> DeploymentPlan:
    if is_complete(deployment, deployment.get("status", {})):
        return DeploymentPlan(delete=_beyond_history_limit(deployment, olds))
    return DeploymentPlan()


def _beyond_history_limit(deployment: Object, olds: list[Object]) -> tuple[Object, ...]:
    limit = deployment["spec"].get("revisionHistoryLimit", 10)
    return tuple(revisions.beyond_history_limit(olds, limit))


def _is_scaled(deployment: Object, replica_sets: Sequence[Object]) -> bool:
    """Whether a ReplicaSet with pods got its size when the Deployment had other replicas."""
    recorded = {revisions.recorded_desired_replicas(one) for one in replica_sets if size_of(one)}
    return bool(recorded - {None, deployment["spec"]["replicas"]})


def _scale(deployment: Object, new: Object | None, olds: list[Object]) -> tuple[Object, ...]:
    """Give all replicas to the only ReplicaSet with pods, or to each in proportion."""
    latest_first = [*filter(None, [new]), *reversed(olds)]
    active = [one for one in latest_first if size_of(one)]
    if len(active) <= 1:
        only = (active or latest_first)[:1]
        return _with_sizes(deployment, [(one, deployment["spec"]["replicas"]) for one in only])
    if new is not None and _is_saturated(deployment, new):
        return _with_sizes(deployment, [(old, 0) for old in active if old is not new])
    return _scale_in_proportion(deployment, active)


def _scale_in_proportion(deployment: Object, active: list[Object]) -> tuple[Object, ...]:
    allowed = _max_replicas(deployment) if deployment["spec"]["replicas"] else 0
    is_growing = allowed >= sum(map(size_of, active))
    by_age = sorted(active, key=lambda one: str(one["metadata"].get("creationTimestamp")))
    in_order = sorted(by_age[::-1] if is_growing else by_age, key=size_of, reverse=True)
    current = deployment.get("status", {}).get("replicas", 0)
    sizes = [
        ReplicaSetSize(size_of(one), revisions.recorded_max_replicas(one) or current)
        for one in in_order
    ]
    scaled = scale_proportionally(allowed, sizes)
    return _with_sizes(deployment, zip(in_order, scaled, strict=True))


def _with_sizes(deployment: Object, sizes: Iterable[tuple[Object, int]]) -> tuple[Object, ...]:
    """Return the ReplicaSets with new sizes, without those that do not change."""
    most = _max_replicas(deployment)
    pairs = [
        (one, revisions.with_size(one, deployment, size=size, max_replicas=most))
        for one, size in sizes
    ]
    return tuple(after for before, after in pairs if after != before)


def _is_saturated(deployment: Object, new: Object) -> bool:
    replicas = deployment["spec"]["replicas"]
    is_recorded = revisions.recorded_desired_replicas(new) == replicas
    return _replicas(new) == Replicas(replicas, replicas) and is_recorded


def _has_pods(replica_set: Object) -> bool:
    """Whether a pod is left, terminating ones included."""
    status = replica_set.get("status", {})
    is_outdated = status.get("observedGeneration", 0) < replica_set["metadata"]["generation"]
    return is_outdated or bool(status.get("replicas") or status.get("terminatingReplicas"))


def _replicas(replica_set: Object) -> Replicas:
    available = replica_set.get("status", {}).get("availableReplicas", 0)
    return Replicas(size_of(replica_set), available)


def _max_replicas(deployment: Object) -> int:
    return int(deployment["spec"]["replicas"]) + rollout_limits(deployment).max_surge


async def _create(api: Api, deployment: Object, replica_set: Object | None) -> Object | None:
    if replica_set is None:
        return None
    try:
        created = await api.create(replica_set)
    except AlreadyExistsError:
        await _count_collision(api, deployment, replica_set)
        raise
    await _record_scaling(api, deployment, created, before=0)
    return created


async def _count_collision(api: Api, deployment: Object, replica_set: Object) -> None:
    """Get another hash next time, unless garbage collection will free the name."""
    holder = await find_object(api, "ReplicaSet", key_of(replica_set))
    if holder is None or _is_of_predecessor(holder, deployment):
        return
    status = deployment.get("status", {})
    collisions = status.get("collisionCount", 0) + 1
    await api.update_status({**deployment, "status": {**status, "collisionCount": collisions}})


def _is_of_predecessor(replica_set: Object, deployment: Object) -> bool:
    """Whether it belonged to an earlier Deployment of this name."""
    owner = controller_of(replica_set)
    if owner is None:
        return False
    has_name = (owner["kind"], owner["name"]) == ("Deployment", deployment["metadata"]["name"])
    return bool(has_name and owner["uid"] != uid_of(deployment))


async def _update_and_delete(
    api: Api, deployment: Object, replica_sets: Sequence[Object], todo: DeploymentPlan
) -> list[Object]:
    """Return all ReplicaSets that are there afterwards, as they are then."""
    current = {uid_of(one): one for one in replica_sets}
    for changed in todo.update:
        before = current[uid_of(changed)]
        current[uid_of(changed)] = await api.update(changed)
        await _record_scaling(api, deployment, changed, before=size_of(before))
    for replica_set in todo.delete:
        await api.delete("ReplicaSet", key_of(replica_set))
        del current[uid_of(replica_set)]
    return list(current.values())


async def _copy_revision(api: Api, deployment: Object, replica_sets: Sequence[Object]) -> Object:
    """Give the Deployment the revision of its new ReplicaSet."""
    new, _ = revisions.new_and_old(deployment, replica_sets)
    if new is None or revisions.revision_of(new) == revisions.revision_of(deployment):
        return deployment
    meta, revision = deployment["metadata"], str(revisions.revision_of(new))
    annotations = {**(meta.get("annotations") or {}), REVISION_ANNOTATION: revision}
    return await api.update({**deployment, "metadata": {**meta, "annotations": annotations}})


async def _record_scaling(
    api: Api, deployment: Object, replica_set: Object, *, before: int
) -> None:
    size, name = size_of(replica_set), replica_set["metadata"]["name"]
    if size == before:
        return
    direction = "up" if size > before else "down"
    message = f"Scaled {direction} replica set {name} from {before} to {size}"
    await record_event(api, deployment, EventDetails("ScalingReplicaSet", message, EVENT_SOURCE))


controller = Controller(
    name="deployment",
    reconcile=reconcile,
    watches={"Deployment": keys_for_object, "ReplicaSet": keys_for_owner("Deployment")},
)
