"""Validation of HorizontalPodAutoscalers and PodDisruptionBudgets."""

from __future__ import annotations

from collections.abc import Iterator

from canarylab.errors import Cause
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.field_errors import (
    check_one_of,
    invalid,
    required,
    unsupported,
)
from canarylab.playground.apiserver.validation import names
from canarylab.playground.apiserver.validation.fields import (
    NAMED,
    among,
    each,
    fields,
    needed,
    optional_fields,
    positive,
)
from canarylab.playground.apiserver.validation.pods import count_or_percent, int_or_percent

_METRIC_TYPES = ("ContainerResource", "External", "Object", "Pods", "Resource")
_TARGET_TYPES = ("Utilization", "Value", "AverageValue")
_EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
MAX_STABILIZATION_S, MAX_PERIOD_S = 3600, 1800


def validate_autoscaler(autoscaler: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a HorizontalPodAutoscaler."""
    yield from names.validate_metadata(
        autoscaler["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    spec = autoscaler["spec"]
    least, most = spec["minReplicas"], spec.get("maxReplicas", 0)
    if least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    if most < least:
        problem = "must be greater than or equal to `minReplicas`"
        yield invalid("spec.maxReplicas", most, problem)
    yield from NAMED("spec.scaleTargetRef", spec.get("scaleTargetRef"))
    yield from each(_metric)("spec.metrics", spec["metrics"])
    yield from _BEHAVIOR("spec.behavior", spec.get("behavior", {}))


def _metric(field: str, metric: Object) -> Iterator[Cause]:
    kind = metric.get("type", "")
    problems = check_one_of(f"{field}.type", kind, _METRIC_TYPES)
    yield from problems
    if problems:
        return
    name = f"{kind[:1].lower()}{kind[1:]}"
    source = metric.get(name)
    if source is None:
        problem = "must populate information for the given metric source"
        yield required(f"{field}.{name}", problem)
        return
    if kind in ("Resource", "ContainerResource") and not source.get("name"):
        yield required(f"{field}.{name}.name", "must specify a resource name")
    yield from _metric_target(f"{field}.{name}.target", source.get("target", {}), kind)


def _metric_target(field: str, target: Object, kind: str) -> Iterator[Cause]:
    type_ = target.get("type", "")
    if not type_:
        yield required(f"{field}.type", "must specify a metric target type")
    elif type_ not in _TARGET_TYPES:
        problem = "must be either Utilization, Value, or AverageValue"
        yield invalid(f"{field}.type", type_, problem)
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        yield invalid(f"{field}.averageUtilization", percent, "must be greater than 0")
    is_resource = kind in ("Resource", "ContainerResource")
    if is_resource and percent is None and "averageValue" not in target:
        problem = "must set either a target raw value or a target utilization"
        yield required(f"{field}.averageUtilization", problem)
    if is_resource and percent is not None and "averageValue" in target:
        problem = "may not set both a target raw value and a target utilization"
        yield Cause("FieldValueForbidden", f"{field}.averageValue", f"Forbidden: {problem}")


def _scaling_rules(field: str, rules: Object) -> Iterator[Cause]:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        problem = "must be greater than or equal to zero"
        yield invalid(f"{field}.stabilizationWindowSeconds", window, problem)
    if window is not None and window > MAX_STABILIZATION_S:
        problem = f"must be less than or equal to {MAX_STABILIZATION_S}"
        yield invalid(f"{field}.stabilizationWindowSeconds", window, problem)
    yield from _POLICIES(field, rules)


def _period(field: str, seconds: int | None) -> Iterator[Cause]:
    yield from positive(field, seconds)
    if (seconds or 0) > MAX_PERIOD_S:
        yield invalid(field, seconds, f"must be less than or equal to {MAX_PERIOD_S}")


_POLICIES = fields(
    selectPolicy=among("Disabled", "Max", "Min"),
    policies=needed(
        each(fields(type=among("Percent", "Pods"), value=positive, periodSeconds=_period)),
        "must specify at least one Policy",
    ),
)
_BEHAVIOR = optional_fields(scaleUp=_scaling_rules, scaleDown=_scaling_rules)


def validate_disruption_budget(budget: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a PodDisruptionBudget."""
    yield from names.validate_metadata(
        budget["metadata"], names.dns_subdomain_problems, namespaced=True, any_finalizer=True
    )
    spec = budget.get("spec", {})
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for name in ("minAvailable", "maxUnavailable"):
        if name in spec:
            field, value = f"spec.{name}", spec[name]
            yield from count_or_percent(field, value)
            if isinstance(value, str) and int_or_percent(value) > 100:
                yield invalid(field, value, "must not be greater than 100%")
    yield from names.validate_selector("spec.selector", spec.get("selector", {}))
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in _EVICTION_POLICIES:
        yield unsupported("spec.unhealthyPodEvictionPolicy", policy, _EVICTION_POLICIES)
