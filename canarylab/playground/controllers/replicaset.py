"""ReplicaSet -> Pods: as many as were asked for, no more and no fewer.

`plan` decides and touches nothing; `reconcile` looks, asks `plan`, and acts. Kubernetes' own
controller must also remember what it has just done, because it reads from a cache that lags
behind; our reads are never older than our writes, so nothing is remembered here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from canarylab.errors import InvalidError
from canarylab.playground.controllers.looking import claim, find, itself, owner_or_adopters
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.controllers.moments import Now, utc_now
from canarylab.playground.controllers.pods import (
    is_active,
    is_available,
    is_ending,
    next_available_s,
    usefulness,
)
from canarylab.playground.kube.api import Api, Key, Object
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.kube.objects import is_ready, is_terminating, key_of, owner_reference

SOURCE = "replicaset-controller"


class Plan(NamedTuple):
    """How many pods to create, and which to delete."""

    create: int
    delete: list[Object]


Planner = Callable[[int, list[Object]], Plan]


def plan(wanted: int, pods: list[Object]) -> Plan:
    """How to get from these pods to `wanted` of them.

    >>> plan(3, []).create
    3
    """
    missing = wanted - len(pods)
    if missing >= 0:
        return Plan(create=missing, delete=[])
    return Plan(create=0, delete=sorted(pods, key=usefulness)[:-missing])


async def reconcile(
    api: Api, key: Key, *, plan: Planner = plan, now: Now = utc_now
) -> float | None:
    """Make it so, once."""
    # Look.
    replica_set = await find(api, "ReplicaSet", key)
    if replica_set is None:
        return None
    pods = await claim(api, replica_set, "Pod")
    active = [pod for pod in pods if is_active(pod)]

    # Decide.
    wanted = replica_set["spec"].get("replicas", 1)
    todo = Plan(0, []) if is_terminating(replica_set) else plan(wanted, active)

    # Act.
    for pod in [await _create_pod(api, replica_set) for _ in range(todo.create)]:
        await _tell(api, replica_set, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
    for pod in todo.delete:
        await api.delete("Pod", key_of(pod))
        await _tell(api, replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

    # Report. What was created or deleted just now is for the next look: its events are on the way.
    moment, patience_s = now(), replica_set["spec"].get("minReadySeconds", 0)
    await api.update_status({**replica_set, "status": status(replica_set, pods, moment)})
    return next_available_s(active, patience_s, moment)


def status(replica_set: Object, pods: list[Object], now: datetime) -> Object:
    """What the ReplicaSet says of its pods. A zero is not said, except where Kubernetes says it."""
    labels = replica_set["spec"]["template"]["metadata"].get("labels", {}).items()
    patience_s = replica_set["spec"].get("minReadySeconds", 0)
    active = [pod for pod in pods if is_active(pod)]
    counts = {
        "availableReplicas": sum(is_available(pod, patience_s, now) for pod in active),
        "fullyLabeledReplicas": sum(labels <= pod["metadata"]["labels"].items() for pod in active),
        "observedGeneration": replica_set["metadata"]["generation"],
        "readyReplicas": sum(map(is_ready, active)),
    }
    return {name: count for name, count in counts.items() if count} | {
        "replicas": len(active),
        "terminatingReplicas": sum(map(is_ending, pods)),
    }


def pod_from(replica_set: Object) -> Object:
    """One more pod, cut from the template. The API server makes up the end of its name."""
    template, meta = replica_set["spec"]["template"], replica_set["metadata"]
    copied = ("labels", "annotations", "finalizers")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{name: value for name, value in template["metadata"].items() if name in copied},
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "ownerReferences": [owner_reference(replica_set)],
        },
        "spec": template["spec"],
    }


async def _create_pod(api: Api, replica_set: Object) -> Object:
    try:
        return await api.create(pod_from(replica_set))
    except InvalidError as refusal:
        note = EventDetails("FailedCreate", f"Error creating: {refusal}", SOURCE, type="Warning")
        await record_event(api, replica_set, note)
        raise


async def _tell(api: Api, replica_set: Object, reason: str, message: str) -> None:
    await record_event(api, replica_set, EventDetails(reason, message, SOURCE))


def controller_with(plan: Planner) -> Controller:
    """The controller with somebody else's `plan`: the last lesson runs the cluster on yours."""
    return Controller(
        name="replicaset",
        reconcile=partial(reconcile, plan=plan),
        watches={"ReplicaSet": itself, "Pod": owner_or_adopters("ReplicaSet")},
    )


controller = controller_with(plan)
