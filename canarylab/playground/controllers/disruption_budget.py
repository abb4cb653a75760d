"""The PodDisruptionBudget controller: how many pods may be evicted now.

A budget says how many of the selected pods have to stay healthy, or how many may be missing. The
eviction of a pod is refused while the status allows none (`apiserver/eviction.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from canarylab.kube_objects import (
    Key,
    Now,
    Object,
    controller_of,
    find_condition,
    is_finished,
    is_ready,
    is_terminating,
    key_of,
    last_transition_time,
    utc_now,
)
from canarylab.playground.controllers.loop import Controller, keys_for_object
from canarylab.playground.kube.api import Api, WatchEvent, find_object
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.kube.selectors import by_label_selector

EVENT_SOURCE = "controllermanager"


class DisruptionCounts(NamedTuple):
    """The counts of a budget."""

    expected: int
    healthy: int
    desired: int

    @property
    def allowed(self) -> int:
        """How many pods may be evicted."""
        return max(0, self.healthy - self.desired) if self.expected > 0 else 0


def plan(spec: Object, *, pods: int, healthy: int, scale: int) -> DisruptionCounts:
    """Count for a budget that selects so many pods, whose owners want `scale` of them.

    >>> plan({"minAvailable": "50%"}, pods=3, healthy=3, scale=3).allowed
    1
    """
    least, most_missing = spec.get("minAvailable"), spec.get("maxUnavailable")
    if most_missing is not None:
        missing = _number_of(most_missing, scale)
        return DisruptionCounts(scale, healthy, max(0, scale - missing))
    if isinstance(least, str):
        return DisruptionCounts(scale, healthy, _number_of(least, scale))
    return DisruptionCounts(pods, healthy, int(least or 0))


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Write the status of one budget."""
    # Look.
    budget = await find_object(api, "PodDisruptionBudget", key)
    if budget is None:
        return None
    pods = [pod for pod in await api.list("Pod", key.namespace) if selects(budget, pod)]
    scale = await _scale(api, pods)

    # Decide.
    healthy = sum(is_ready(pod) and not is_terminating(pod) for pod in pods)
    running = [pod for pod in pods if not is_finished(pod)]
    counts = plan(budget["spec"], pods=len(running), healthy=healthy, scale=scale)

    # Act.
    if not pods and "conditions" not in budget.get("status", {}):
        nothing = EventDetails("NoPods", "No matching pods found", EVENT_SOURCE)
        await record_event(api, budget, nothing)

    # Report.
    await api.update_status({**budget, "status": budget_status(budget, counts, now())})
    return None


def budget_status(budget: Object, counts: DisruptionCounts, now: datetime) -> Object:
    """The status, with the condition DisruptionAllowed."""
    generation = budget["metadata"].get("generation", 0)
    status = "True" if counts.allowed > 0 else "False"
    before = find_condition(budget, "DisruptionAllowed")
    condition = {
        "type": "DisruptionAllowed",
        "status": status,
        "observedGeneration": generation,
        "lastTransitionTime": last_transition_time(before, status, now),
        "reason": "SufficientPods" if counts.allowed > 0 else "InsufficientPods",
        "message": "",
    }
    return {
        "observedGeneration": generation,
        "disruptionsAllowed": counts.allowed,
        "currentHealthy": counts.healthy,
        "desiredHealthy": counts.desired,
        "expectedPods": counts.expected,
        "conditions": [condition],
    }


def selects(budget: Object, pod: Object) -> bool:
    """Whether the budget selects the pod; without a selector it selects none."""
    selector = budget.get("spec", {}).get("selector")
    return selector is not None and by_label_selector(selector)(pod)


async def _scale(api: Api, pods: Sequence[Object]) -> int:
    """How many pods the owners of these want together: Deployments, and ReplicaSets without one."""
    wanted: dict[tuple[str, str], int] = {}
    for pod in pods:
        owner, namespace = controller_of(pod), pod["metadata"]["namespace"]
        if owner is None or owner["kind"] != "ReplicaSet":
            continue
        replica_set = await find_object(api, "ReplicaSet", Key(namespace, owner["name"]))
        above = None if replica_set is None else controller_of(replica_set)
        if above is not None:
            deployment = await find_object(api, above["kind"], Key(namespace, above["name"]))
            owner, replica_set = above, deployment
        if replica_set is not None:
            replicas = replica_set["spec"].get("replicas", 1)
            wanted[owner["kind"], owner["name"]] = int(replicas)
    return sum(wanted.values())


def _number_of(value: int | str, total: int) -> int:
    if isinstance(value, int):
        return value
    return math.ceil(int(value.removesuffix("%")) * total / 100)


async def _keys_selecting(api: Api, event: WatchEvent) -> list[Key]:
    """The budgets of the namespace that select the changed pod, or did a moment ago."""
    namespace = event.object["metadata"]["namespace"]
    return [key_of(budget) for budget in await api.list("PodDisruptionBudget", namespace)]


controller = Controller(
    name="disruption",
    reconcile=reconcile,
    watches={
        "PodDisruptionBudget": keys_for_object,
        "Pod": _keys_selecting,
        "Deployment": _keys_selecting,
    },
)
