"""The HorizontalPodAutoscaler controller of a cluster that measures nothing.

Without a metrics API, Kubernetes' own controller says so in a condition and in events, and keeps
the target between its bounds. This one does the same, every 15 seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from canarylab.kube_objects import (
    Key,
    Now,
    Object,
    StatusCondition,
    parse_timestamp,
    refresh_condition,
    timestamp,
    utc_now,
)
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.kube.api import Api, WatchEvent, find_object
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.kube.kinds import KINDS

EVENT_SOURCE = "horizontal-pod-autoscaler"
SYNC_PERIOD_S = 15.0
_ABSENT_API = "the server could not find the requested resource"
_CUSTOM = "no custom metrics API (custom.metrics.k8s.io) registered"
_EXTERNAL = "no external metrics API (external.metrics.k8s.io) registered"


class AutoscalerPlan(NamedTuple):
    """The size of the target if it has to change, the conditions, and the events to record."""

    replicas: int | None
    conditions: tuple[StatusCondition, ...]
    events: tuple[EventDetails, ...]


def plan(autoscaler: Object, replicas: int | None) -> AutoscalerPlan:
    """Decide what to do with a target of this size; None if there is no target."""
    spec = autoscaler["spec"]
    if replicas is None:
        missing = _missing_target(spec["scaleTargetRef"])
        said = f"the HPA controller was unable to get the target's current scale: {missing}"
        condition = StatusCondition("AbleToScale", "False", "FailedGetScale", said)
        return AutoscalerPlan(None, (condition,), (_warning("FailedGetScale", missing),))
    able = StatusCondition(
        "AbleToScale",
        "True",
        "SucceededGetScale",
        "the HPA controller was able to get the target's current scale",
    )
    if replicas == 0:
        said = "scaling is disabled since the replica count of the target is zero"
        disabled = StatusCondition("ScalingActive", "False", "ScalingDisabled", said)
        return AutoscalerPlan(None, (able, disabled), ())
    least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
    if replicas > most:
        return _rescale(most, "Current number of replicas above Spec.MaxReplicas")
    if replicas < least:
        return _rescale(least, "Current number of replicas below Spec.MinReplicas")
    return _without_metrics(able, spec["metrics"])


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Look at the target once in a period, for the first time one period after the creation."""
    # Look.
    autoscaler, moment = await find_object(api, "HorizontalPodAutoscaler", key), now()
    if autoscaler is None:
        return None
    age = moment - parse_timestamp(autoscaler["metadata"]["creationTimestamp"])
    if age.total_seconds() < SYNC_PERIOD_S:
        return SYNC_PERIOD_S - age.total_seconds()
    target = await _find_target(api, autoscaler)
    replicas = None if target is None else int(target["spec"].get("replicas", 1))

    # Decide.
    todo = plan(autoscaler, replicas)

    # Act.
    if target is not None and todo.replicas is not None:
        await api.update_scale({**target, "spec": {**target["spec"], "replicas": todo.replicas}})
    for event in todo.events:
        await record_event(api, autoscaler, event)

    # Report.
    current = replicas if target is None else target.get("status", {}).get("replicas", 0)
    status = autoscaler_status(autoscaler, current, todo, moment)
    await api.update_status({**autoscaler, "status": status})
    return SYNC_PERIOD_S


def autoscaler_status(
    autoscaler: Object, current: int | None, todo: AutoscalerPlan, now: datetime
) -> Object:
    """The status after this step, without metrics."""
    before = autoscaler.get("status", {})
    conditions = before.get("conditions", [])
    for change in todo.conditions:
        conditions = refresh_condition(conditions, change, now)
    status = {**before, "currentMetrics": None, "conditions": conditions}
    if current:
        status["currentReplicas"] = current
    if todo.replicas is not None:
        status |= {"desiredReplicas": todo.replicas, "lastScaleTime": timestamp(now)}
    return status


async def _find_target(api: Api, autoscaler: Object) -> Object | None:
    reference = autoscaler["spec"]["scaleTargetRef"]
    kind = KINDS.get(reference["kind"])
    group = reference.get("apiVersion", "").rpartition("/")[0]
    if kind is None or not kind.has_scale or kind.group != group:
        return None
    namespace = autoscaler["metadata"]["namespace"]
    return await find_object(api, kind.kind, Key(namespace, reference["name"]))


def _missing_target(reference: Object) -> str:
    kind = KINDS.get(reference["kind"])
    if kind is None or not kind.has_scale:
        return f'no matches for kind "{reference["kind"]}" in group "{_group(reference)}"'
    return f'{kind.qualified} "{reference["name"]}" not found'


def _group(reference: Object) -> str:
    return str(reference.get("apiVersion", "").rpartition("/")[0])


def _rescale(replicas: int, why: str) -> AutoscalerPlan:
    said = f"the HPA controller was able to update the target scale to {replicas}"
    condition = StatusCondition("AbleToScale", "True", "SucceededRescale", said)
    message = f"New size: {replicas}; reason: {why}"
    event = EventDetails("SuccessfulRescale", message, EVENT_SOURCE)
    return AutoscalerPlan(replicas, (condition,), (event,))


def _without_metrics(able: StatusCondition, metrics: Sequence[Object]) -> AutoscalerPlan:
    """Each metric fails; the condition has the reason of the first."""
    failures = [_failure(metric) for metric in metrics]
    (reason, problem), first = failures[0], metrics[0]
    said = f"the HPA was unable to compute the replica count: {problem}"
    inactive = StatusCondition("ScalingActive", "False", reason, said)
    kind, name = first["type"], _metric_name(first)
    what = f"failed to get {name} {_RESOURCES[kind]}: " if kind in _RESOURCES else ""
    count = len(metrics)
    summary = f"invalid metrics ({count} invalid out of {count}), first error is: {what}{problem}"
    events = [_warning(*failure) for failure in failures]
    events.append(_warning("FailedComputeMetricsReplicas", summary))
    return AutoscalerPlan(None, (able, inactive), tuple(events))


_RESOURCES = {
    "Resource": "resource metric value",
    "ContainerResource": "container metric value",
}


def _failure(metric: Object) -> tuple[str, str]:
    """The reason and the sentence about a metric that nobody measures."""
    kind, name = metric["type"], _metric_name(metric)
    reason = f"FailedGet{kind}Metric"
    if kind in _RESOURCES:
        target = metric[f"{kind[0].lower()}{kind[1:]}"].get("target", {})
        what = "usage" if "averageValue" in target else "utilization"
        problem = (
            f"failed to get {name} {what}: unable to get metrics for resource {name}: unable to "
            f"fetch metrics from resource metrics API: {_ABSENT_API} (get pods.metrics.k8s.io)"
        )
        return reason, problem
    return reason, f"unable to get metric {name}: {_EXTERNAL if kind == 'External' else _CUSTOM}"


def _metric_name(metric: Object) -> str:
    kind = metric["type"]
    source = metric.get(f"{kind[0].lower()}{kind[1:]}", {})
    return str(source.get("name") or source.get("metric", {}).get("name", ""))


def _warning(reason: str, message: str) -> EventDetails:
    return EventDetails(reason, message, EVENT_SOURCE, type="Warning")


async def _key_of_new(_: Api, event: WatchEvent) -> list[Key]:
    """A new one; a later change counts at the next period."""
    meta = event.object["metadata"]
    return [Key(meta["namespace"], meta["name"])] if event.type == "ADDED" else []


controller = Controller(
    name="autoscaler", reconcile=reconcile, watches={"HorizontalPodAutoscaler": _key_of_new}
)
