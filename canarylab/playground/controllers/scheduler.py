"""Pod -> Node: a place for every pod that has none yet.

A pod without a node is only a wish. The scheduler writes a node's name into it, and from then on
it is that node's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from canarylab.playground.controllers.conditions import Condition, find_condition, say_again
from canarylab.playground.controllers.looking import find
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.controllers.moments import Now, utc_now
from canarylab.playground.kube.api import Api, Key, Object, WatchEvent
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.kube.objects import is_ready, is_terminating, key_of

SOURCE = "default-scheduler"


class Place(NamedTuple):
    """The node for a pod; or, if there is none, why."""

    node: str | None
    why_not: str = ""


def plan(pod: Object, nodes: Sequence[Object]) -> Place:
    """The first node that takes the pod.

    >>> plan({"spec": {}}, []).why_not
    'no nodes available to schedule pods'
    """
    if not nodes:
        return Place(None, "no nodes available to schedule pods")
    obstacles = {node["metadata"]["name"]: _obstacle(pod, node) for node in nodes}
    free = [name for name, obstacle in obstacles.items() if not obstacle]
    if free:
        return Place(free[0])
    counted = [f"{count} node(s) {why}" for why, count in Counter(obstacles.values()).items()]
    return Place(None, f"0/{len(nodes)} nodes are available: {', '.join(sorted(counted))}.")


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Place one pod, once."""
    # Look.
    pod = await find(api, "Pod", key)
    if pod is None or not is_waiting(pod):
        return None
    nodes = await api.list("Node")

    # Decide.
    place = plan(pod, nodes)

    # Act.
    if place.node is not None:
        await api.bind(key, place.node)

    # Report.
    if place.node is None:
        await _complain(api, pod, place.why_not, now())
    else:
        words = f"Successfully assigned {key.namespace}/{key.name} to {place.node}"
        await record_event(api, pod, EventDetails("Scheduled", words, SOURCE))
    return None


def is_waiting(pod: Object) -> bool:
    """Is it our turn to find a node for it?"""
    is_ours = pod["spec"].get("schedulerName", SOURCE) == SOURCE
    return is_ours and not pod["spec"].get("nodeName") and not is_terminating(pod)


def _obstacle(pod: Object, node: Object) -> str:
    """What keeps the pod from this node, in the scheduler's words; empty if nothing does."""
    labels = node["metadata"].get("labels") or {}
    if node["spec"].get("unschedulable"):
        return "were unschedulable"
    if not is_ready(node):
        return "had untolerated taint {node.kubernetes.io/not-ready: }"
    if not (pod["spec"].get("nodeSelector") or {}).items() <= labels.items():
        return "didn't match Pod's node affinity/selector"
    return ""


async def _complain(api: Api, pod: Object, why: str, now: datetime) -> None:
    """Say so in the pod and in an Event, once for every reason."""
    status = pod.get("status", {})
    before = find_condition(status.get("conditions", []), "PodScheduled")
    if before and before.get("message") == why:
        return
    unscheduled = Condition("PodScheduled", "False", "Unschedulable", why)
    conditions = say_again(status.get("conditions", []), unscheduled, now)
    await api.update_status({**pod, "status": {**status, "conditions": conditions}})
    await record_event(api, pod, EventDetails("FailedScheduling", why, SOURCE, type="Warning"))


async def _if_waiting(_: Api, event: WatchEvent) -> list[Key]:
    return [key_of(event.object)] if is_waiting(event.object) else []


async def _all_waiting(api: Api, _: WatchEvent) -> list[Key]:
    return [key_of(pod) for pod in await api.list("Pod") if is_waiting(pod)]


controller = Controller(
    name="scheduler",
    reconcile=reconcile,
    watches={"Pod": _if_waiting, "Node": _all_waiting},
)
