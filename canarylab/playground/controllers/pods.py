"""What is a pod worth to whoever counts pods?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import (
    find_condition,
    is_ready,
    is_terminating,
    parse_timestamp,
)

_OVER = ("Succeeded", "Failed")
_PHASES = ("Pending", "Unknown", "Running")  # the less useful first
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def is_active(pod: Object) -> bool:
    """Does it count as one of the replicas? Not once it is over, or on its way out."""
    return not is_terminating(pod) and not _is_over(pod)


def is_ending(pod: Object) -> bool:
    """Is it on its way out, and still running?"""
    return is_terminating(pod) and not _is_over(pod)


def is_available(pod: Object, patience_s: float, now: datetime) -> bool:
    """Has it been ready for long enough (`minReadySeconds`)?"""
    return is_ready(pod) and _available_at(pod, patience_s) <= now


def next_available_s(pods: list[Object], patience_s: float, now: datetime) -> float | None:
    """Seconds until the next of the ready pods becomes available; None if none is waiting."""
    ready = [_available_at(pod, patience_s) for pod in pods if is_ready(pod)]
    waits = [(when - now).total_seconds() for when in ready if when > now]
    return min(waits, default=None)


def usefulness(pod: Object) -> tuple[bool, int, bool, float, int, float]:
    """Orders pods by how much they would be missed; the first is deleted first.

    As in Kubernetes: not yet on a node, then by phase, then not ready, then ready for the
    shortest time, then the most restarts, then the youngest. Two things are simpler: Kubernetes
    takes times of the same order of magnitude for equal and then chooses at random, and it asks
    first how many siblings a pod has on its node. Our only node makes the second idle.
    """
    status = pod.get("status", {})
    restarts = sum(entry.get("restartCount", 0) for entry in status.get("containerStatuses", []))
    return (
        bool(pod["spec"].get("nodeName")),
        _PHASES.index(status.get("phase", "Pending")),
        is_ready(pod),
        _latest_first(_ready_since(pod)) if is_ready(pod) else 0.0,
        -restarts,
        _latest_first(pod["metadata"].get("creationTimestamp")),
    )


def _is_over(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in _OVER


def _ready_since(pod: Object) -> str | None:
    return (find_condition(pod, "Ready") or {}).get("lastTransitionTime")


def _available_at(pod: Object, patience_s: float) -> datetime:
    since = _ready_since(pod)
    return parse_timestamp(since) + timedelta(seconds=patience_s) if since else _LONG_AGO


def _latest_first(stamp: str | None) -> float:
    return -parse_timestamp(stamp).timestamp() if stamp else 0.0
