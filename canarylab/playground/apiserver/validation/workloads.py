"""Can a controller make pods from this Deployment or ReplicaSet?"""

from __future__ import annotations

from collections.abc import Iterator

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    each,
    forbidden,
    invalid,
    not_negative,
    required,
    unchanged,
    unsupported,
)
from canarylab.playground.apiserver.validation import metadata, names, pods
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.selectors import by_label_selector

_MISSES = "`selector` does not match template `labels`"


def of_deployment(deployment: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with a Deployment, or with a change of it."""
    spec = deployment["spec"]
    yield from metadata.of_object(deployment["metadata"], names.subdomain, namespaced=True)
    yield from not_negative("spec.replicas", spec.get("replicas"))
    yield from _selected_template(spec)
    yield from _strategy("spec.strategy", spec["strategy"])
    yield from not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    yield from _deadline(spec)
    if old is not None:
        yield from unchanged("spec.selector", spec.get("selector"), old["spec"].get("selector"))


def of_replica_set(replica_set: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with a ReplicaSet, or with a change of it."""
    spec = replica_set["spec"]
    yield from metadata.of_object(replica_set["metadata"], names.subdomain, namespaced=True)
    yield from not_negative("spec.replicas", spec.get("replicas"))
    yield from not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from _selected_template(spec)
    if old is not None:
        yield from unchanged("spec.selector", spec.get("selector"), old["spec"].get("selector"))


def _selected_template(spec: Object) -> Iterator[Cause]:
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
    else:
        problems = list(metadata.of_selector("spec.selector", selector))
        yield from problems
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield invalid("spec.selector", selector, "empty selector is invalid for deployment")
        if any(problem.field.endswith((".operator", ".values")) for problem in problems):
            yield invalid("spec.selector", selector, "invalid label selector")
            return
    yield from _template(spec["template"], selector)


def _template(template: Object, selector: Object | None) -> Iterator[Cause]:
    if selector is None or not by_label_selector(selector)(template):
        labels = template.get("metadata", {}).get("labels")
        yield invalid("spec.template.metadata.labels", labels, _MISSES)
    yield from pods.template("spec.template", template)
    spec = template["spec"]
    if spec.get("restartPolicy") != "Always":
        yield unsupported(
            "spec.template.spec.restartPolicy", spec.get("restartPolicy", ""), ["Always"]
        )
    if "activeDeadlineSeconds" in spec:
        yield forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            "activeDeadlineSeconds in ReplicaSet is not Supported",
        )


def _strategy(field: str, strategy: Object) -> Iterator[Cause]:
    if strategy["type"] == "Recreate":
        if "rollingUpdate" in strategy:
            yield forbidden(
                f"{field}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"
            )
    elif strategy["type"] == "RollingUpdate":
        yield from _rolling_update(f"{field}.rollingUpdate", strategy["rollingUpdate"])
    else:
        shown = {"Type": strategy["type"], "RollingUpdate": strategy.get("rollingUpdate")}
        yield unsupported(field, shown, ["Recreate", "RollingUpdate"])


def _rolling_update(field: str, knobs: Object) -> Iterator[Cause]:
    unavailable, surge = knobs["maxUnavailable"], knobs["maxSurge"]
    yield from _count_or_share(f"{field}.maxUnavailable", unavailable)
    yield from _count_or_share(f"{field}.maxSurge", surge)
    if _number(unavailable) == 0 and _number(surge) == 0:
        yield invalid(f"{field}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    if isinstance(unavailable, str) and _number(unavailable) > 100:
        yield invalid(f"{field}.maxUnavailable", unavailable, "must not be greater than 100%")


def _count_or_share(field: str, value: int | str) -> list[Cause]:
    if isinstance(value, int):
        return not_negative(field, value)
    return each(field, value, names.percent(value))


def _number(value: int | str) -> int:
    """The number in front of the `%`, or the count itself; what is no number counts as none."""
    if isinstance(value, int):
        return value
    return 0 if names.percent(value) else int(value.removesuffix("%"))


def _deadline(spec: Object) -> Iterator[Cause]:
    deadline = spec.get("progressDeadlineSeconds")
    yield from not_negative("spec.progressDeadlineSeconds", deadline)
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        yield invalid(
            "spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"
        )
