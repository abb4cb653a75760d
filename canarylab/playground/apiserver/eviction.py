"""The eviction of a pod, which a PodDisruptionBudget can refuse."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from canarylab.errors import Cause, StatusError
from canarylab.kube_objects import (
    Object,
    StatusCondition,
    is_finished,
    is_ready,
    is_terminating,
    refresh_condition,
)
from canarylab.playground.kube.selectors import by_label_selector

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
    "support."
)
_EVICTED = StatusCondition(
    "DisruptionTarget", "True", "EvictionByEvictionAPI", "Eviction API: evicting"
)


def use_budget(pod: Object, budgets: Iterable[Object]) -> Object | None:
    """The budget with one disruption less, or None if the eviction changes none.

    Raise StatusError with code 429 if the budget allows no disruption, or 500 if the pod has
    several budgets.
    """
    phase = pod.get("status", {}).get("phase")
    if is_terminating(pod) or is_finished(pod) or phase == "Pending":
        return None
    found = [budget for budget in budgets if _selects(budget, pod)]
    if not found:
        return None
    if len(found) > 1:
        raise StatusError(500, "InternalError", _SEVERAL)
    [budget] = found
    status = budget["status"]
    if not is_ready(pod) and _may_go_unhealthy(budget):
        return None
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _refused(budget, "is still being processed by the server.")
    allowed = status["disruptionsAllowed"]
    if allowed == 0:
        needs, has = status["desiredHealthy"], status["currentHealthy"]
        raise _refused(budget, f"needs {needs} healthy pods and has {has} currently")
    return {**budget, "status": {**status, "disruptionsAllowed": allowed - 1}}


def with_eviction(pod: Object, now: datetime) -> Object:
    """The pod with the condition that says why it will be deleted."""
    status = pod.get("status", {})
    conditions = refresh_condition(status.get("conditions", []), _EVICTED, now)
    return {**pod, "status": {**status, "conditions": conditions}}


def _selects(budget: Object, pod: Object) -> bool:
    meta, selector = budget["metadata"], budget.get("spec", {}).get("selector")
    is_here = meta["namespace"] == pod["metadata"]["namespace"]
    return is_here and selector is not None and by_label_selector(selector)(pod)


def _may_go_unhealthy(budget: Object) -> bool:
    """Whether a pod that is not ready may be evicted: it is not one of the healthy ones."""
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget["status"]
    return bool(status["currentHealthy"] >= status["desiredHealthy"] > 0)


def _refused(budget: Object, why: str) -> StatusError:
    message = f"The disruption budget {budget['metadata']['name']} {why}"
    return StatusError(429, "TooManyRequests", _REFUSED, (Cause("DisruptionBudget", "", message),))
