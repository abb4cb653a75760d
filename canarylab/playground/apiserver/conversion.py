"""Conversion of objects between the versions of their kind.

Most versions differ in their name alone. `autoscaling/v1` has one percentage of the processor where
`autoscaling/v2` has a list of metrics; what it has no field for is in annotations meanwhile, as in
Kubernetes, so that a client of `v1` loses nothing. The events of `events.k8s.io/v1` are those of
`v1` with other names for their fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from canarylab.kube_objects import Object
from canarylab.playground.kube.kinds import Kind

_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_NEW_NAMES = {
    "count": "deprecatedCount",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "involvedObject": "regarding",
    "lastTimestamp": "deprecatedLastTimestamp",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
}
"""The fields of an event that have another name in `events.k8s.io`."""
_CORE_NAMES = {new: name for name, new in _NEW_NAMES.items()}


def in_version(obj: Object, kind: Kind) -> Object:
    """The object in the version of `kind`."""
    if obj.get("apiVersion", kind.api_version) == kind.api_version:
        return obj
    convert = _CONVERTERS.get(kind.kind, {}).get(kind.api_version)
    return {**(convert(obj) if convert else obj), "apiVersion": kind.api_version}


def cpu_utilization(percent: int) -> Object:
    """The metric of `targetCPUUtilizationPercentage`."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _autoscaler_v1(obj: Object) -> Object:
    spec, status = dict(obj.get("spec", {})), dict(obj.get("status", {}))
    metrics = spec.pop("metrics", [])
    percents = [found for found in map(_cpu_percent, metrics) if found is not None]
    if percents:
        spec["targetCPUUtilizationPercentage"] = percents[0]
        metrics = [metric for metric in metrics if metric != cpu_utilization(percents[0])]
    status.pop("currentMetrics", None)
    kept = {
        _METRICS: metrics,
        _BEHAVIOR: spec.pop("behavior", None),
        _CONDITIONS: status.pop("conditions", None),
    }
    notes = {name: json.dumps(value) for name, value in kept.items() if value}
    status = {"currentReplicas": 0, "desiredReplicas": 0, **status}
    return _with_annotations({**obj, "spec": spec, "status": status}, notes)


def _autoscaler_v2(obj: Object) -> Object:
    spec, status = dict(obj.get("spec", {})), dict(obj.get("status", {}))
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    notes = obj["metadata"].get("annotations", {})
    metrics = _read_annotation(notes, _METRICS, list)
    if percent is not None:
        metrics = [cpu_utilization(percent), *metrics]
    behavior = _read_annotation(notes, _BEHAVIOR, dict)
    spec |= {"metrics": metrics} if metrics else {}
    spec |= {"behavior": behavior} if behavior else {}
    conditions = _read_annotation(notes, _CONDITIONS, list)
    status |= {"conditions": conditions} if conditions else {}
    return _with_annotations({**obj, "spec": spec, "status": status}, {})


def _cpu_percent(metric: Object) -> int | None:
    """The percentage of a metric that `v1` has a field for."""
    percent = metric.get("resource", {}).get("target", {}).get("averageUtilization")
    return percent if percent is not None and metric == cpu_utilization(percent) else None


def _new_event(obj: Object) -> Object:
    """An event of the core group as one of `events.k8s.io`."""
    return {_NEW_NAMES.get(name, name): value for name, value in obj.items()}


def _core_event(obj: Object) -> Object:
    return {_CORE_NAMES.get(name, name): value for name, value in obj.items()}


def _read_annotation(notes: Mapping[str, str], name: str, expected: type) -> Any:
    """The value in an annotation; empty if anything else is in it."""
    try:
        value = json.loads(notes.get(name, "null"))
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, expected) else expected()


def _with_annotations(obj: Object, notes: Mapping[str, str]) -> Object:
    """The object with these annotations in place of earlier ones of the conversion."""
    meta = obj["metadata"]
    own = {
        name: value
        for name, value in meta.get("annotations", {}).items()
        if name not in (_METRICS, _BEHAVIOR, _CONDITIONS)
    }
    rest = {name: value for name, value in meta.items() if name != "annotations"}
    both = {**own, **notes}
    return {**obj, "metadata": {**rest, **({"annotations": both} if both else {})}}


_CONVERTERS: Mapping[str, Mapping[str, Callable[[Object], Object]]] = MappingProxyType(
    {
        "Event": {"v1": _core_event, "events.k8s.io/v1": _new_event},
        "HorizontalPodAutoscaler": {
            "autoscaling/v1": _autoscaler_v1,
            "autoscaling/v2": _autoscaler_v2,
        },
    }
)
