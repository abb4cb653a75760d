"""The pod garbage collector: deletes pods that no kubelet will ever end.

These are the pods of a node that does not exist, which have been bound to a wrong name or have
lost their node, and the pods that terminate without ever having had a node. Before it is deleted
a pod is Failed, so that its owner counts it and replaces it.

The keys in the queue are the names of nodes; an empty one means the pods without a node.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from canarylab.errors import NotFoundError
from canarylab.kube_objects import (
    Key,
    Now,
    Object,
    StatusCondition,
    is_finished,
    is_terminating,
    key_of,
    refresh_condition,
    uid_of,
    utc_now,
)
from canarylab.playground.controllers.loop import Controller, keys_for_object
from canarylab.playground.kube.api import Api, DeleteOptions, WatchEvent, find_object

QUARANTINE = timedelta(seconds=40)
"""How long a node has to be missing, in which it may register, before its pods are deleted."""

_NODE_IS_GONE = StatusCondition(
    "DisruptionTarget", "True", "DeletionByPodGC", "PodGC: node no longer exists"
)


def plan(node: str, pods: Iterable[Object]) -> list[Object]:
    """Choose the pods to delete of a node that does not exist, or of those without a node.

    >>> plan("ghost", [{"spec": {"nodeName": "ghost"}}, {"spec": {}}])
    [{'spec': {'nodeName': 'ghost'}}]
    """
    bound = [pod for pod in pods if pod["spec"].get("nodeName", "") == node]
    return bound if node else [pod for pod in bound if is_terminating(pod)]


def failed_status(pod: Object, now: datetime) -> Object:
    """The status of a pod that is deleted, with the condition that says why if it had a node."""
    status, generation = pod.get("status", {}), pod["metadata"].get("generation", 0)
    failed = {**status, "phase": "Failed", "observedGeneration": generation}
    if not pod["spec"].get("nodeName"):
        return failed
    conditions = refresh_condition(status.get("conditions", []), _NODE_IS_GONE, now)
    conditions[-1] |= {"lastProbeTime": None, "observedGeneration": generation}
    return {**failed, "conditions": conditions}


def make_controller(now: Now = utc_now) -> Controller:
    """The controller; it remembers since when nodes are missing, which no object says."""
    missing_since: dict[str, datetime] = {}

    async def reconcile(api: Api, key: Key) -> float | None:
        """Delete the pods of one node, once it has been missing for long enough."""
        # Look.
        node, moment = key.name, now()
        is_there = bool(node) and await find_object(api, "Node", key) is not None
        pods = [] if is_there else await api.list("Pod")

        # Decide.
        lost = plan(node, pods)
        if node and lost:
            left = missing_since.setdefault(node, moment) + QUARANTINE - moment
            if left > timedelta(0):
                return left.total_seconds()

        # Act.
        for pod in lost:
            with suppress(NotFoundError):  # gone already
                await _fail_and_delete(api, pod, moment)
        missing_since.pop(node, None)

        return None

    return Controller(
        name="pod-garbage-collector",
        reconcile=reconcile,
        watches={"Pod": _key_if_lost, "Node": keys_for_object},
    )


async def _fail_and_delete(api: Api, pod: Object, now: datetime) -> None:
    if not is_finished(pod):
        await api.update_status({**pod, "status": failed_status(pod, now)})
    await api.delete("Pod", key_of(pod), DeleteOptions(grace_period_s=0, uid=uid_of(pod)))


async def _key_if_lost(api: Api, event: WatchEvent) -> list[Key]:
    """The node of a pod, unless the node exists."""
    key = Key("", event.object["spec"].get("nodeName", ""))
    if event.type == "DELETED" or not plan(key.name, [event.object]):
        return []
    is_there = bool(key.name) and await find_object(api, "Node", key) is not None
    return [] if is_there else [key]
