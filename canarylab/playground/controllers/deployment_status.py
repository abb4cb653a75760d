"""The status of a Deployment, and what its spec and status say.

The counts are the sums of those of its ReplicaSets. The condition Available says whether there are
enough pods now, Progressing whether the rollout is making progress. `kubectl rollout status` waits
for the counts, and fails when Progressing turns False.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from canarylab.kube_objects import (
    Object,
    StatusCondition,
    find_condition,
    find_condition_in,
    parse_timestamp,
    refresh_condition,
    remove_condition,
    set_condition,
    timestamp,
)
from canarylab.playground.controllers import revisions
from canarylab.playground.controllers.rollout import RolloutLimits, resolve_limits

COMPLETE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
_PAUSED, _RESUMED = "DeploymentPaused", "DeploymentResumed"
REPLICA_FAILURE = "ReplicaFailure"
_CONDITION_FIELDS = {"lastTransitionTime", "lastUpdateTime", "reason", "status", "type"}
_NO_DEADLINE = 2147483647  # seconds


def deployment_status(
    deployment: Object, replica_sets: Sequence[Object], created: Object | None, now: datetime
) -> Object:
    """Compute the status; `created` is the ReplicaSet that this reconcile has created."""
    new, _ = revisions.new_and_old(deployment, replica_sets)
    counts = count_replicas(deployment, replica_sets)
    written = deployment.get("status", {}).get("conditions", [])
    conditions = [
        one for one in written if one.keys() >= _CONDITION_FIELDS
    ]  # a client may write it
    if not _has_deadline(deployment):
        conditions = remove_condition(conditions, "Progressing")
    elif change := _rollout_change(deployment, conditions, new, created):
        conditions = _set_condition(conditions, change, now)
    conditions = _set_condition(conditions, _availability(deployment, counts), now)
    conditions = _with_replica_failure(conditions, new, replica_sets, now)
    if _has_deadline(deployment) and not is_paused(deployment):
        status = {**counts, "conditions": conditions}
        conditions = _with_progressing_condition(deployment, status, new, now)
    return {**counts, "conditions": conditions}


def count_replicas(deployment: Object, replica_sets: Sequence[Object]) -> Object:
    """Count the pods. A zero is left out, except where Kubernetes writes it."""
    new, _ = revisions.new_and_old(deployment, replica_sets)
    available = _sum(replica_sets, "availableReplicas")
    counts = {
        "availableReplicas": available,
        "collisionCount": deployment.get("status", {}).get("collisionCount", 0),
        "observedGeneration": deployment["metadata"]["generation"],
        "readyReplicas": _sum(replica_sets, "readyReplicas"),
        "replicas": _sum(replica_sets, "replicas"),
        "unavailableReplicas": max(0, sum(map(size_of, replica_sets)) - available),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
    }
    terminating = _sum(replica_sets, "terminatingReplicas")
    return {name: count for name, count in counts.items() if count} | {
        "terminatingReplicas": terminating
    }


def requeue_after_s(deployment: Object, status: Object, now: datetime) -> float | None:
    """Return the seconds until the progress deadline, if the rollout can still miss it."""
    progress = find_condition_in(status["conditions"], "Progressing")
    if progress is None or is_paused(deployment) or is_complete(deployment, status):
        return None
    if progress["reason"] in (COMPLETE, TIMED_OUT):
        return None
    wait_s = (_deadline(deployment, progress) - now).total_seconds()
    return max(0.0, wait_s) + 0.1  # just after it


def is_paused(deployment: Object) -> bool:
    """Whether the rollout is paused. Scaling still works."""
    return bool(deployment["spec"].get("paused"))


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether all pods are available, of the new template, and no others are left."""
    replicas = deployment["spec"]["replicas"]
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    is_current = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return is_current and all(status.get(count, 0) == replicas for count in counts)


def uses_recreate(deployment: Object) -> bool:
    """Whether the strategy is Recreate, not RollingUpdate."""
    return bool(deployment["spec"].get("strategy", {}).get("type") == "Recreate")


def rollout_limits(deployment: Object) -> RolloutLimits:
    """Return maxSurge and maxUnavailable in pods. Recreate has no surge."""
    if uses_recreate(deployment):
        return RolloutLimits(0, 0)
    rolling_update = deployment["spec"].get("strategy", {}).get("rollingUpdate") or {}
    return resolve_limits(
        deployment["spec"]["replicas"],
        max_surge=rolling_update.get("maxSurge", "25%"),
        max_unavailable=rolling_update.get("maxUnavailable", "25%"),
    )


def size_of(replica_set: Object) -> int:
    """Return `spec.replicas`."""
    return int(replica_set["spec"].get("replicas", 1))


def _rollout_change(
    deployment: Object, conditions: list[Object], new: Object | None, created: Object | None
) -> StatusCondition | None:
    """Return the condition Progressing when the rollout began, was paused or was resumed."""
    before = find_condition_in(conditions, "Progressing")
    reason = before["reason"] if before else None
    if created is not None:
        message = f'Created new replica set "{created["metadata"]["name"]}"'
        return StatusCondition("Progressing", "True", "NewReplicaSetCreated", message)
    if is_paused(deployment) and reason not in (_PAUSED, TIMED_OUT):
        return StatusCondition("Progressing", "Unknown", _PAUSED, "Deployment is paused")
    if reason == _PAUSED and not is_paused(deployment):
        return StatusCondition("Progressing", "Unknown", _RESUMED, "Deployment is resumed")
    if before is None and new is not None:
        message = f'Found new replica set "{new["metadata"]["name"]}"'
        return StatusCondition("Progressing", "True", "FoundNewReplicaSet", message)
    return None


def _availability(deployment: Object, counts: Object) -> StatusCondition:
    least = deployment["spec"]["replicas"] - rollout_limits(deployment).max_unavailable
    if counts.get("availableReplicas", 0) >= least:
        message = "Deployment has minimum availability."
        return StatusCondition("Available", "True", "MinimumReplicasAvailable", message)
    message = "Deployment does not have minimum availability."
    return StatusCondition("Available", "False", "MinimumReplicasUnavailable", message)


def _with_replica_failure(
    conditions: list[Object], new: Object | None, replica_sets: Sequence[Object], now: datetime
) -> list[Object]:
    """Return the conditions with ReplicaFailure while a ReplicaSet has it, the new one first."""
    for replica_set in (*([new] if new else []), *replica_sets):
        if (found := find_condition(replica_set, REPLICA_FAILURE)) is not None:
            failed = StatusCondition(
                REPLICA_FAILURE, found["status"], found.get("reason", ""), found.get("message", "")
            )
            return _set_condition(conditions, failed, now)
    return remove_condition(conditions, REPLICA_FAILURE)


def _with_progressing_condition(
    deployment: Object, status: Object, new: Object | None, now: datetime
) -> list[Object]:
    """Return the conditions with Progressing as the counts have changed since the last status."""
    conditions: list[Object] = status["conditions"]
    before = find_condition_in(conditions, "Progressing")
    updated = status.get("updatedReplicas", 0)
    if before and before["reason"] == COMPLETE and status.get("replicas", 0) == updated:
        return conditions  # complete; pods that come and go later are no rollout
    name = _name_of_newest(deployment, new)
    if is_complete(deployment, status):
        message = f"{name} has successfully progressed."
        complete = StatusCondition("Progressing", "True", COMPLETE, message)
        return _set_condition(conditions, complete, now)
    if _has_progressed(deployment.get("status", {}), status):
        message = f"{name} is progressing."
        progressing = StatusCondition("Progressing", "True", "ReplicaSetUpdated", message)
        return _refresh_condition(conditions, progressing, now)
    if before and _is_timed_out(deployment, before, now):
        message = f"{name} has timed out progressing."
        timed_out = StatusCondition("Progressing", "False", TIMED_OUT, message)
        return _set_condition(conditions, timed_out, now)
    return conditions


def _set_condition(
    conditions: list[Object], condition: StatusCondition, now: datetime
) -> list[Object]:
    return _with_update_time(set_condition(conditions, condition, now), now)


def _refresh_condition(
    conditions: list[Object], condition: StatusCondition, now: datetime
) -> list[Object]:
    return _with_update_time(refresh_condition(conditions, condition, now), now)


def _with_update_time(conditions: list[Object], now: datetime) -> list[Object]:
    """Return the conditions with the time of their last update, which those of other kinds lack."""
    return [{"lastUpdateTime": timestamp(now), **entry} for entry in conditions]


def _has_progressed(before: Object, after: Object) -> bool:
    """Whether there are more new pods, fewer old ones, or more that are ready."""
    counts = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return _outdated(after) < _outdated(before) or any(
        after.get(count, 0) > before.get(count, 0) for count in counts
    )


def _outdated(status: Object) -> int:
    return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))


def _is_timed_out(deployment: Object, progress: Object, now: datetime) -> bool:
    if progress["reason"] == COMPLETE:
        return False
    return progress["reason"] == TIMED_OUT or _deadline(deployment, progress) < now


def _deadline(deployment: Object, progress: Object) -> datetime:
    seconds = deployment["spec"]["progressDeadlineSeconds"]
    return parse_timestamp(progress["lastUpdateTime"]) + timedelta(seconds=seconds)


def _has_deadline(deployment: Object) -> bool:
    seconds: int = deployment["spec"].get("progressDeadlineSeconds", _NO_DEADLINE)
    return seconds != _NO_DEADLINE


def _name_of_newest(deployment: Object, new: Object | None) -> str:
    if new is None:
        return f'Deployment "{deployment["metadata"]["name"]}"'
    return f'ReplicaSet "{new["metadata"]["name"]}"'


def _sum(replica_sets: Sequence[Object], count: str) -> int:
    return sum(one.get("status", {}).get(count, 0) for one in replica_sets)
