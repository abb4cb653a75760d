"""The ReplicaSet controller: creates and deletes pods until there are as many as its spec says.

`plan` decides and touches nothing; `reconcile` looks, calls `plan`, and acts. Kubernetes' own
controller must also remember what it has just done, because it reads from a cache that lags
behind; here a read is never older than the last write, so nothing is remembered.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from canarylab.errors import ApiError, ForbiddenError, InvalidError
from canarylab.kube_objects import (
    Key,
    Now,
    Object,
    find_condition,
    is_finished,
    is_ready,
    is_terminating,
    key_of,
    last_transition_time,
    parse_timestamp,
    utc_now,
)
from canarylab.playground.controllers.loop import Controller, keys_for_object
from canarylab.playground.controllers.ownership import claim_dependants, keys_for_owner
from canarylab.playground.controllers.pod_template import create_pod, new_pod
from canarylab.playground.kube.api import Api, find_object
from canarylab.playground.kube.events import EventDetails, record_event

EVENT_SOURCE, REPLICA_FAILURE = "replicaset-controller", "ReplicaFailure"
BURST = 500
"""Pods that one reconcile creates or deletes at most; the events about them trigger the next."""
_SCALE_DOWN_PHASE_ORDER = ("Pending", "Unknown", "Running")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class ReplicaSetPlan(NamedTuple):
    """How many pods to create, and which to delete."""

    create: int
    delete: list[Object]


def plan(replicas: int, pods: list[Object]) -> ReplicaSetPlan:
    """Decide how to get from these pods to so many.

    >>> plan(3, []).create
    3
    """
    missing = replicas - len(pods)
    if missing >= 0:
        return ReplicaSetPlan(create=missing, delete=[])
    return ReplicaSetPlan(create=0, delete=sorted(pods, key=scale_down_rank)[:-missing])


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Create or delete the pods of one ReplicaSet, and write its status."""
    # Look.
    replica_set = await find_object(api, "ReplicaSet", key)
    if replica_set is None:
        return None
    pods = await claim_dependants(api, replica_set, "Pod")
    active = [pod for pod in pods if is_active(pod)]

    # Decide.
    replicas = replica_set["spec"].get("replicas", 1)
    todo = ReplicaSetPlan(0, []) if is_terminating(replica_set) else plan(replicas, active)

    # Act.
    failure: ApiError | None = None
    for _ in range(min(todo.create, BURST)):
        try:
            await create_pod(api, replica_set, new_pod(replica_set), source=EVENT_SOURCE)
        except (ForbiddenError, InvalidError) as error:
            failure = error
            break
        await asyncio.sleep(0)  # others run meanwhile, also with an Api that answers at once
    for pod in todo.delete[:BURST]:
        await api.delete("Pod", key_of(pod))
        message = f"Deleted pod: {pod['metadata']['name']}"
        await record_event(
            api, replica_set, EventDetails("SuccessfulDelete", message, EVENT_SOURCE)
        )
        await asyncio.sleep(0)

    # Report. Pods just created or deleted count next time: their events are on the way.
    moment, min_ready_s = now(), replica_set["spec"].get("minReadySeconds", 0)
    status = replica_set_status(replica_set, pods, moment)
    status |= _failure_conditions(replica_set, failure, moment)
    await api.update_status({**replica_set, "status": status})
    if failure is not None:
        raise failure  # it is tried again later
    return next_available_after_s(active, min_ready_s, moment)


def replica_set_status(replica_set: Object, pods: list[Object], now: datetime) -> Object:
    """Count the pods. A zero is left out, except where Kubernetes writes it."""
    labels = replica_set["spec"]["template"]["metadata"].get("labels", {}).items()
    min_ready_s = replica_set["spec"].get("minReadySeconds", 0)
    active = [pod for pod in pods if is_active(pod)]
    counts = {
        "availableReplicas": sum(is_available(pod, min_ready_s, now) for pod in active),
        "fullyLabeledReplicas": sum(labels <= pod["metadata"]["labels"].items() for pod in active),
        "observedGeneration": replica_set["metadata"]["generation"],
        "readyReplicas": sum(map(is_ready, active)),
    }
    return {name: count for name, count in counts.items() if count} | {
        "replicas": len(active),
        "terminatingReplicas": sum(map(is_terminating_replica, pods)),
    }


def _failure_conditions(replica_set: Object, failure: ApiError | None, now: datetime) -> Object:
    """The condition ReplicaFailure, which a Deployment copies, while pods are refused."""
    if failure is None:
        return {}
    before = find_condition(replica_set, REPLICA_FAILURE)
    condition = {
        "type": REPLICA_FAILURE,
        "status": "True",
        "lastTransitionTime": last_transition_time(before, "True", now),
        "reason": "FailedCreate",
        "message": str(failure),
    }
    return {"conditions": [condition]}


def is_active(pod: Object) -> bool:
    """Whether the pod counts as a replica: neither finished nor terminating."""
    return not is_terminating(pod) and not is_finished(pod)


def is_terminating_replica(pod: Object) -> bool:
    """Whether the pod is terminating and still running."""
    return is_terminating(pod) and not is_finished(pod)


def is_available(pod: Object, min_ready_s: float, now: datetime) -> bool:
    """Whether the pod has been ready for `minReadySeconds`."""
    return is_ready(pod) and _available_at(pod, min_ready_s) <= now


def next_available_after_s(pods: list[Object], min_ready_s: float, now: datetime) -> float | None:
    """Return the seconds until the next ready pod becomes available, or None if all are."""
    times = [_available_at(pod, min_ready_s) for pod in pods if is_ready(pod)]
    return min(((time - now).total_seconds() for time in times if time > now), default=None)


def scale_down_rank(pod: Object) -> tuple[bool, int, bool, float, int, float]:
    """Order of pods on scale-down, as in pkg/controller ActivePodsWithRanks; the first is deleted.

    Not yet on a node, then by phase, then not ready, then ready for the shortest time, then the
    most restarts, then the youngest. Two things are simpler: Kubernetes takes times of the same
    order of magnitude for equal and then chooses at random, and it first compares how many pods
    of the ReplicaSet are on the same node. With one node this comparison has no effect.
    """
    status = pod.get("status", {})
    restarts = sum(entry.get("restartCount", 0) for entry in status.get("containerStatuses", []))
    return (
        bool(pod["spec"].get("nodeName")),
        _SCALE_DOWN_PHASE_ORDER.index(status.get("phase", "Pending")),
        is_ready(pod),
        _latest_first(_ready_since(pod)) if is_ready(pod) else 0.0,
        -restarts,
        _latest_first(pod["metadata"].get("creationTimestamp")),
    )


def _ready_since(pod: Object) -> str | None:
    return (find_condition(pod, "Ready") or {}).get("lastTransitionTime")


def _available_at(pod: Object, min_ready_s: float) -> datetime:
    since = _ready_since(pod)
    if not min_ready_s or since is None:
        return _LONG_AGO  # as in Kubernetes, also if the clock was set back
    return parse_timestamp(since) + timedelta(seconds=min_ready_s)


def _latest_first(text: str | None) -> float:
    return -parse_timestamp(text).timestamp() if text else 0.0


controller = Controller(
    name="replicaset",
    reconcile=reconcile,
    watches={"ReplicaSet": keys_for_object, "Pod": keys_for_owner("ReplicaSet")},
)
