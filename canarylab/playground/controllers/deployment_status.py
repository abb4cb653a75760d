"""What does a Deployment say of itself?

The counts add up what its ReplicaSets report. The two conditions are for people: Available, are
there enough pods right now? Progressing, does the rollout still get on? `kubectl rollout status`
waits for the counts, and gives up when Progressing says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from canarylab.playground.controllers import revisions
from canarylab.playground.controllers.conditions import (
    Condition,
    find_condition,
    say,
    say_again,
    without,
)
from canarylab.playground.controllers.deployment_plan import (
    is_complete,
    is_paused,
    limits_of,
    size_of,
)
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import parse_timestamp

DONE, LATE = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
_PAUSED, _RESUMED = "DeploymentPaused", "DeploymentResumed"
_FOREVER = 2147483647  # seconds: the deadline of who wants none


def status(
    deployment: Object, replica_sets: Sequence[Object], created: Object | None, now: datetime
) -> Object:
    """The whole status, as of now; `created` is the ReplicaSet that this look has made."""
    new, _ = revisions.newest(deployment, replica_sets)
    counted = counts(deployment, replica_sets)
    said = list(deployment.get("status", {}).get("conditions", []))
    if not _has_deadline(deployment):
        said = without(said, "Progressing")
    elif news := _news(deployment, said, new, created):
        said = say(said, news, now)
    said = say(said, _availability(deployment, counted), now)
    if _has_deadline(deployment) and not is_paused(deployment):
        said = _progress(deployment, {**counted, "conditions": said}, new, now)
    return {**counted, "conditions": said}


def counts(deployment: Object, replica_sets: Sequence[Object]) -> Object:
    """How many pods, in every respect. A zero is not said, except where Kubernetes says it."""
    new, _ = revisions.newest(deployment, replica_sets)
    available = _sum(replica_sets, "availableReplicas")
    counted = {
        "availableReplicas": available,
        "collisionCount": deployment.get("status", {}).get("collisionCount", 0),
        "observedGeneration": deployment["metadata"]["generation"],
        "readyReplicas": _sum(replica_sets, "readyReplicas"),
        "replicas": _sum(replica_sets, "replicas"),
        "unavailableReplicas": max(0, sum(map(size_of, replica_sets)) - available),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
    }
    ending = _sum(replica_sets, "terminatingReplicas")
    return {name: count for name, count in counted.items() if count} | {
        "terminatingReplicas": ending
    }


def next_look_s(deployment: Object, status: Object, now: datetime) -> float | None:
    """Seconds until the rollout may have become late, if it can."""
    progress = find_condition(status["conditions"], "Progressing")
    if progress is None or is_paused(deployment) or is_complete(deployment, status):
        return None
    if progress["reason"] in (DONE, LATE):
        return None
    wait_s = (_deadline(deployment, progress) - now).total_seconds()
    return max(0.0, wait_s) + 0.1  # just past it


def _news(
    deployment: Object, said: list[Object], new: Object | None, created: Object | None
) -> Condition | None:
    """What happened to the rollout, apart from how far it has come."""
    before = find_condition(said, "Progressing")
    reason = before["reason"] if before else None
    if created is not None:
        named = f'Created new replica set "{created["metadata"]["name"]}"'
        return Condition("Progressing", "True", "NewReplicaSetCreated", named)
    if is_paused(deployment) and reason not in (_PAUSED, LATE):
        return Condition("Progressing", "Unknown", _PAUSED, "Deployment is paused")
    if reason == _PAUSED and not is_paused(deployment):
        return Condition("Progressing", "Unknown", _RESUMED, "Deployment is resumed")
    if before is None and new is not None:
        named = f'Found new replica set "{new["metadata"]["name"]}"'
        return Condition("Progressing", "True", "FoundNewReplicaSet", named)
    return None


def _availability(deployment: Object, counted: Object) -> Condition:
    least = deployment["spec"]["replicas"] - limits_of(deployment).unavailable
    if counted.get("availableReplicas", 0) >= least:
        words = "Deployment has minimum availability."
        return Condition("Available", "True", "MinimumReplicasAvailable", words)
    words = "Deployment does not have minimum availability."
    return Condition("Available", "False", "MinimumReplicasUnavailable", words)


def _progress(
    deployment: Object, now_said: Object, new: Object | None, now: datetime
) -> list[Object]:
    """The conditions after judging how far the rollout has come since the last look."""
    said: list[Object] = now_said["conditions"]
    before = find_condition(said, "Progressing")
    updated = now_said.get("updatedReplicas", 0)
    if before and before["reason"] == DONE and now_said.get("replicas", 0) == updated:
        return said  # it is over; pods that come and go later are no rollout
    name = _subject(deployment, new)
    if is_complete(deployment, now_said):
        words = f"{name} has successfully progressed."
        return say(said, Condition("Progressing", "True", DONE, words), now)
    if _has_moved(deployment.get("status", {}), now_said):
        words = f"{name} is progressing."
        return say_again(said, Condition("Progressing", "True", "ReplicaSetUpdated", words), now)
    if before and _is_late(deployment, before, now):
        words = f"{name} has timed out progressing."
        return say(said, Condition("Progressing", "False", LATE, words), now)
    return said


def _has_moved(before: Object, after: Object) -> bool:
    """More of the new, fewer of the old, or more that work?"""
    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return _outdated(after) < _outdated(before) or any(
        after.get(count, 0) > before.get(count, 0) for count in more
    )


def _outdated(counted: Object) -> int:
    return int(counted.get("replicas", 0)) - int(counted.get("updatedReplicas", 0))


def _is_late(deployment: Object, progress: Object, now: datetime) -> bool:
    if progress["reason"] == DONE:
        return False
    return progress["reason"] == LATE or _deadline(deployment, progress) < now


def _deadline(deployment: Object, progress: Object) -> datetime:
    seconds = deployment["spec"]["progressDeadlineSeconds"]
    return parse_timestamp(progress["lastUpdateTime"]) + timedelta(seconds=seconds)


def _has_deadline(deployment: Object) -> bool:
    seconds: int = deployment["spec"].get("progressDeadlineSeconds", _FOREVER)
    return seconds != _FOREVER


def _subject(deployment: Object, new: Object | None) -> str:
    if new is None:
        return f'Deployment "{deployment["metadata"]["name"]}"'
    return f'ReplicaSet "{new["metadata"]["name"]}"'


def _sum(replica_sets: Sequence[Object], count: str) -> int:
    return sum(one.get("status", {}).get(count, 0) for one in replica_sets)
