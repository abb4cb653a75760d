"""How is a pod doing, in one word?

The word is not the pod's phase: what a container waits for or died of says more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from canarylab.playground.apiserver.tables.ages import age
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import find_condition, is_ready, is_terminating

NONE = "<none>"
_ENDED_PHASES = ("Succeeded", "Failed")


def pod_cells(pod: Object, now: datetime) -> list[Any]:
    """Name, Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates."""
    spec, status = pod.get("spec", {}), pod.get("status", {})
    ready = sum(1 for container in _container_statuses(pod) if _is_ready_and_running(container))
    return [
        pod["metadata"]["name"],
        f"{ready}/{len(spec.get('containers', []))}",
        pod_status(pod),
        _restart_cell(pod, now),
        age(pod["metadata"].get("creationTimestamp"), now),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _readiness_gates_cell(pod),
    ]


def pod_row_conditions(pod: Object) -> list[Object]:
    """What marks the row of a pod that has ended."""
    sentences = {
        "Succeeded": "The pod has completed successfully.",
        "Failed": "The pod failed.",
    }
    phase = pod.get("status", {}).get("phase")
    if phase not in sentences:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": sentences[phase]}]


def pod_status(pod: Object) -> str:
    """`Running`, `CrashLoopBackOff`, `Terminating`, ...

    >>> status_word({"metadata": {}, "status": {"phase": "Pending"}})
    'Pending'
    """
    status = pod.get("status", {})
    word = status.get("reason") or status.get("phase", "")
    scheduled = find_condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("reason") == "SchedulingGated":
        word = "SchedulingGated"
    # The first container has the last word.
    for container in reversed(_container_statuses(pod)):
        word = _container_reason(container) or word
    if word == "Completed" and any(_is_ready_and_running(one) for one in _container_statuses(pod)):
        word = "Running" if is_ready(pod) else "NotReady"
    if is_terminating(pod):
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if status.get("phase") not in _ENDED_PHASES:
            return "Terminating"
    return str(word)


def _container_reason(container: Object) -> str:
    state = container.get("state", {})
    waiting, terminated = state.get("waiting", {}), state.get("terminated")
    if waiting.get("reason"):
        return str(waiting["reason"])
    if terminated is None:
        return ""
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _container_statuses(pod: Object) -> list[Object]:
    return list(pod.get("status", {}).get("containerStatuses", []))


def _is_ready_and_running(container: Object) -> bool:
    """Is it ready, and running? What waits or has ended is not, whatever it says."""
    return (
        bool(container.get("ready"))
        and "running" in container.get("state", {})
        and not _container_reason(container)
    )


def _restart_cell(pod: Object, now: datetime) -> str:
    count = sum(container.get("restartCount", 0) for container in _container_statuses(pod))
    ends = [
        container.get("lastState", {}).get("terminated", {}).get("finishedAt") or ""
        for container in _container_statuses(pod)
    ]
    last = max(ends, default="")
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _readiness_gates_cell(pod: Object) -> str:
    gates = pod.get("spec", {}).get("readinessGates", [])
    if not gates:
        return NONE
    open_gates = sum(
        1
        for gate in gates
        if (find_condition(pod, gate["conditionType"]) or {}).get("status") == "True"
    )
    return f"{open_gates}/{len(gates)}"
