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
_ENDED = ("Succeeded", "Failed")


def of_pod(pod: Object, now: datetime) -> list[Any]:
    """Name, Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates."""
    spec, status = pod.get("spec", {}), pod.get("status", {})
    ready = sum(1 for container in _containers(pod) if _is_serving(container))
    return [
        pod["metadata"]["name"],
        f"{ready}/{len(spec.get('containers', []))}",
        status_word(pod),
        _restarts(pod, now),
        age(pod["metadata"].get("creationTimestamp"), now),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(pod),
    ]


def row_conditions(pod: Object) -> list[Object]:
    """What marks the row of a pod that has ended."""
    sentences = {
        "Succeeded": "The pod has completed successfully.",
        "Failed": "The pod failed.",
    }
    phase = pod.get("status", {}).get("phase")
    if phase not in sentences:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": sentences[phase]}]


def status_word(pod: Object) -> str:
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
    for container in reversed(_containers(pod)):
        word = _container_word(container) or word
    if word == "Completed" and any(_is_serving(one) for one in _containers(pod)):
        word = "Running" if is_ready(pod) else "NotReady"
    if is_terminating(pod):
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if status.get("phase") not in _ENDED:
            return "Terminating"
    return str(word)


def _container_word(container: Object) -> str:
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


def _containers(pod: Object) -> list[Object]:
    return list(pod.get("status", {}).get("containerStatuses", []))


def _is_serving(container: Object) -> bool:
    """Is it ready, and running? What waits or has ended is not, whatever it says."""
    return (
        bool(container.get("ready"))
        and "running" in container.get("state", {})
        and not _container_word(container)
    )


def _restarts(pod: Object, now: datetime) -> str:
    count = sum(container.get("restartCount", 0) for container in _containers(pod))
    ends = [
        container.get("lastState", {}).get("terminated", {}).get("finishedAt") or ""
        for container in _containers(pod)
    ]
    last = max(ends, default="")
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _gates(pod: Object) -> str:
    gates = pod.get("spec", {}).get("readinessGates", [])
    if not gates:
        return NONE
    open_gates = sum(
        1
        for gate in gates
        if (find_condition(pod, gate["conditionType"]) or {}).get("status") == "True"
    )
    return f"{open_gates}/{len(gates)}"
