"""The scheduler: binds every pod that has no node yet to a node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from canarylab.kube_objects import (
    Key,
    Now,
    Object,
    StatusCondition,
    find_condition,
    is_finished,
    is_ready,
    is_terminating,
    key_of,
    parse_integer,
    refresh_condition,
    utc_now,
)
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.kube.api import Api, WatchEvent, find_object
from canarylab.playground.kube.events import EventDetails, record_event

SCHEDULER_NAME = "default-scheduler"
EVENT_SOURCE = SCHEDULER_NAME
_FULL = "Too many pods"
_NO_VICTIMS = "No preemption victims found for incoming pod"
"""The end of another pod would make room, but none has a lower priority."""
_NO_HELP = "Preemption is not helpful for scheduling"
_WAITING_FOR_A_PLACE = 10
"""Pods to look at again when another one ends; a heartbeat of the node looks at all."""


class ScheduleResult(NamedTuple):
    """The node for a pod; or, if no node takes it, the reason in the scheduler's words."""

    node: str | None
    message: str = ""


def plan(pod: Object, nodes: Sequence[Object], pods: Iterable[Object] = ()) -> ScheduleResult:
    """Choose the first node that takes the pod; `pods` are all of the cluster.

    >>> plan({"spec": {}}, []).message
    'no nodes available to schedule pods'
    """
    if not nodes:
        return ScheduleResult(None, "no nodes available to schedule pods")
    running = Counter(one["spec"].get("nodeName") for one in pods if not is_finished(one))
    reasons = {
        node["metadata"]["name"]: _unschedulable_reason(pod, node, running) for node in nodes
    }
    feasible = [name for name, reason in reasons.items() if not reason]
    if feasible:
        return ScheduleResult(feasible[0])
    preemption = (_NO_VICTIMS if reason == _FULL else _NO_HELP for reason in reasons.values())
    message = (
        f"{_none_available(reasons.values())} no new claims to deallocate, "
        f"preemption: {_none_available(preemption)}"
    )
    return ScheduleResult(None, message)


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Bind one pod, or report why no node takes it."""
    # Look.
    pod = await find_object(api, "Pod", key)
    if pod is None or not is_unscheduled(pod):
        return None
    nodes, pods = await api.list("Node"), await api.list("Pod")

    # Decide.
    result = plan(pod, nodes, pods)

    # Act.
    if result.node is not None:
        await api.bind(key, result.node)

    # Report.
    if result.node is None:
        await _report_failure(api, pod, result.message, now())
    else:
        message = f"Successfully assigned {key.namespace}/{key.name} to {result.node}"
        await record_event(api, pod, EventDetails("Scheduled", message, EVENT_SOURCE))
    return None


def is_unscheduled(pod: Object) -> bool:
    """Whether the pod waits for this scheduler to find a node."""
    is_ours = pod["spec"].get("schedulerName", SCHEDULER_NAME) == SCHEDULER_NAME
    return is_ours and not pod["spec"].get("nodeName") and not is_terminating(pod)


def _unschedulable_reason(pod: Object, node: Object, running: Mapping[str, int]) -> str:
    """Return why the node does not take the pod, in the scheduler's words; empty if it does."""
    labels = node["metadata"].get("labels") or {}
    if node["spec"].get("unschedulable"):
        return "node(s) were unschedulable"
    if not is_ready(node):
        return "node(s) had untolerated taint(s)"
    if not (pod["spec"].get("nodeSelector") or {}).items() <= labels.items():
        return "node(s) didn't match Pod's node affinity/selector"
    most = parse_integer(node.get("status", {}).get("allocatable", {}).get("pods", ""))
    if most is not None and running.get(node["metadata"]["name"], 0) >= most:
        return _FULL
    return ""


def _none_available(reasons: Iterable[str]) -> str:
    """Return that no node is available, with how many for each reason."""
    counted = Counter(reasons)
    listed = sorted(f"{count} {reason}" for reason, count in counted.items())
    return f"0/{counted.total()} nodes are available: {', '.join(listed)}."


async def _report_failure(api: Api, pod: Object, message: str, now: datetime) -> None:
    """Write the condition PodScheduled and an Event, once for every message."""
    before = find_condition(pod, "PodScheduled")
    if before and before.get("message") == message:
        return
    status = pod.get("status", {})
    unscheduled = StatusCondition("PodScheduled", "False", "Unschedulable", message)
    conditions = refresh_condition(status.get("conditions", []), unscheduled, now)
    conditions[-1] |= {
        "lastProbeTime": None,
        "observedGeneration": pod["metadata"].get("generation", 0),
    }
    await api.update_status({**pod, "status": {**status, "conditions": conditions}})
    details = EventDetails("FailedScheduling", message, EVENT_SOURCE, type="Warning")
    await record_event(api, pod, details)


async def _key_if_unscheduled(api: Api, event: WatchEvent) -> list[Key]:
    """The pod, or some that wait for the place that it leaves."""
    if event.type == "DELETED" or is_finished(event.object):
        return (await _all_unscheduled(api, event))[:_WAITING_FOR_A_PLACE]
    return [key_of(event.object)] if is_unscheduled(event.object) else []


async def _all_unscheduled(api: Api, _: WatchEvent) -> list[Key]:
    return [key_of(pod) for pod in await api.list("Pod") if is_unscheduled(pod)]


controller = Controller(
    name="scheduler",
    reconcile=reconcile,
    watches={"Pod": _key_if_unscheduled, "Node": _all_unscheduled},
    manager="kube-scheduler",
)
