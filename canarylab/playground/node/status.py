"""What does a pod's status say, given what is known of its containers?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import timestamp
from canarylab.playground.node.records import Record, Running, Terminated, Waiting, as_status


@dataclass(frozen=True)
class PodFacts:
    """What is known of a pod."""

    records: Sequence[Record]
    ip: str | None
    """None until it has an address, and thereby a place to run in."""
    host_ip: str
    """The address of its node."""
    is_over: bool = False
    """Its place is gone: nothing runs and nothing will."""


class _Verdict(NamedTuple):
    is_true: bool
    reason: str = ""
    message: str = ""


def pod_status(pod: Object, facts: PodFacts, now: datetime) -> Object:
    """The whole status; what others wrote into it stays."""
    before = pod.get("status", {})
    generation = pod["metadata"].get("generation")
    address = {"podIP": facts.ip, "podIPs": [{"ip": facts.ip}]} if facts.ip else {}
    return {
        **before,
        **({} if generation is None else {"observedGeneration": generation}),
        "phase": phase(facts.records, pod["spec"].get("restartPolicy", "Always"), facts.is_over),
        "conditions": _conditions(pod, facts, timestamp(now)),
        "hostIP": facts.host_ip,
        "hostIPs": [{"ip": facts.host_ip}],
        **address,
        "startTime": before.get("startTime") or timestamp(now),
        "containerStatuses": [as_status(record) for record in facts.records],
        "resources": {},
    }


def phase(records: Sequence[Record], restart_policy: str, is_over: bool) -> str:
    """The one word for how the pod as a whole is.

    >>> from canarylab.playground.node.records import CREATING
    >>> phase([Record("web", "node_app:1.0", CREATING)], "Always", False)
    'Pending'
    """
    ends = [_end(record) for record in records]
    running = any(isinstance(record.state, Running) for record in records)
    never_ran = any(isinstance(record.state, Waiting) and record.last is None for record in records)
    if never_ran and not is_over:
        return "Pending"
    if running or (restart_policy == "Always" and not is_over):
        return "Running"
    if all(end is not None and end.exit_code == 0 for end in ends):
        return "Succeeded"
    return "Failed" if is_over or restart_policy == "Never" else "Running"


def _end(record: Record) -> Terminated | None:
    return record.state if isinstance(record.state, Terminated) else record.last


def _conditions(pod: Object, facts: PodFacts, now: str) -> list[Object]:
    before = {entry["type"]: entry for entry in pod.get("status", {}).get("conditions", [])}
    generation = pod["metadata"].get("generation")
    current = [
        _condition(before.get(name), name, verdict, now, generation)
        for name, verdict in _verdicts(pod, facts).items()
    ]
    ours = {entry["type"] for entry in current}
    return [*current, *(entry for name, entry in before.items() if name not in ours)]


def _verdicts(pod: Object, facts: PodFacts) -> dict[str, _Verdict]:
    ready = _readiness(pod, facts)
    return {
        "PodReadyToStartContainers": _Verdict(facts.ip is not None and not facts.is_over),
        "Initialized": _Verdict(True, ready.reason if facts.is_over else ""),
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": _Verdict(True),
    }


def _readiness(pod: Object, facts: PodFacts) -> _Verdict:
    if facts.is_over:
        policy = pod["spec"].get("restartPolicy", "Always")
        succeeded = phase(facts.records, policy, is_over=True) == "Succeeded"
        return _Verdict(False, "PodCompleted" if succeeded else "PodFailed")
    unready = [record.name for record in facts.records if not record.is_ready]
    if not unready:
        return _Verdict(True)
    message = f"containers with unready status: [{' '.join(unready)}]"
    return _Verdict(False, "ContainersNotReady", message)


def _condition(
    before: Object | None, name: str, verdict: _Verdict, now: str, generation: int | None
) -> Object:
    status = "True" if verdict.is_true else "False"
    same = before is not None and before["status"] == status
    entry: Object = {
        "type": name,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": before["lastTransitionTime"] if before and same else now,
    }
    if generation is not None:
        entry["observedGeneration"] = generation
    if verdict.reason:
        entry["reason"] = verdict.reason
    return entry | ({"message": verdict.message} if verdict.message else {})
