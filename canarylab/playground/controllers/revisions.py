"""Which ReplicaSet is a Deployment's newest, and what number does it carry?

The newest is not the youngest but the one whose template is the Deployment's. To go back is to
ask for a template there was before: its ReplicaSet is still there, with no pods, and only gets a
new number. So history is nothing but ReplicaSets, numbered by annotations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from canarylab.playground.controllers.template_hash import LABEL, same_template, template_hash
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import is_terminating, owner_reference

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
CEILING = "deployment.kubernetes.io/max-replicas"

_OWN = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    HISTORY,
    DESIRED,
    CEILING,
)
_LONGEST_HISTORY = 2000  # characters


def newest(
    deployment: Object, replica_sets: Sequence[Object]
) -> tuple[Object | None, list[Object]]:
    """The ReplicaSet of the current template, if there is one yet, and the others, oldest first."""
    by_age = sorted(replica_sets, key=_age)
    template = deployment["spec"]["template"]
    fitting = [one for one in by_age if same_template(one["spec"]["template"], template)]
    new = fitting[0] if fitting else None
    return new, [one for one in by_age if one is not new]


def revision(obj: Object) -> int:
    """Its number; 0 if it has none."""
    number = _annotations(obj).get(REVISION, "")
    return int(number) if number.isdecimal() else 0


def born(deployment: Object, olds: Sequence[Object], *, size: int, ceiling: int) -> Object:
    """A ReplicaSet for the Deployment's template, of the next revision."""
    meta, spec = deployment["metadata"], deployment["spec"]
    template = spec["template"]
    own_hash = template_hash(template, deployment.get("status", {}).get("collisionCount", 0))
    labels = {**template["metadata"].get("labels", {}), LABEL: own_hash}
    match_labels = {**spec["selector"].get("matchLabels", {}), LABEL: own_hash}
    replica_set = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{own_hash}",
            "namespace": meta["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "selector": {**spec["selector"], "matchLabels": match_labels},
            "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
        },
    }
    return sized(stamped(replica_set, deployment, olds), deployment, size=size, ceiling=ceiling)


def stamped(new: Object, deployment: Object, olds: Sequence[Object]) -> Object:
    """The newest ReplicaSet with all it takes over from its Deployment, and with its number."""
    known, before = _annotations(new), revision(new)
    copied = {name: text for name, text in _annotations(deployment).items() if name not in _OWN}
    number = max(before, 1 + max(map(revision, olds), default=0))
    marks = {**known, **copied, REVISION: str(number)}
    if 0 < before < number:
        marks[HISTORY] = _longer(known.get(HISTORY, ""), before)
    return _patient({**new, "metadata": {**new["metadata"], "annotations": marks}}, deployment)


def sized(replica_set: Object, deployment: Object, *, size: int, ceiling: int) -> Object:
    """The same with another size, and a note of what the whole was meant to be just then."""
    meta, wanted = replica_set["metadata"], deployment["spec"]["replicas"]
    marks = {**_annotations(replica_set), DESIRED: str(wanted), CEILING: str(ceiling)}
    spec = {**replica_set["spec"], "replicas": size}
    return {**replica_set, "metadata": {**meta, "annotations": marks}, "spec": spec}


def desired_then(replica_set: Object) -> int | None:
    """How many pods the Deployment wanted when this ReplicaSet got its size."""
    return _number(replica_set, DESIRED)


def ceiling_then(replica_set: Object) -> int | None:
    """How many pods there might have been then, surge included."""
    return _number(replica_set, CEILING)


def expendable(olds: Sequence[Object], limit: int) -> list[Object]:
    """Old ReplicaSets beyond the history that is to be kept, without any that still has pods."""
    kept = sorted((old for old in olds if not is_terminating(old)), key=revision)
    return [old for old in kept[: max(0, len(kept) - limit)] if _is_at_rest(old)]


def _is_at_rest(replica_set: Object) -> bool:
    status, seen = replica_set.get("status", {}), replica_set["metadata"].get("generation", 0)
    is_empty = not status.get("replicas") and replica_set["spec"]["replicas"] == 0
    return is_empty and status.get("observedGeneration", 0) >= seen


def _patient(replica_set: Object, deployment: Object) -> Object:
    patience_s = deployment["spec"].get("minReadySeconds", 0)
    if replica_set["spec"].get("minReadySeconds", 0) == patience_s:
        return replica_set
    return {**replica_set, "spec": {**replica_set["spec"], "minReadySeconds": patience_s}}


def _longer(history: str, number: int) -> str:
    """The earlier numbers of a ReplicaSet that has come back, without the oldest if too many."""
    numbers = [*filter(None, history.split(",")), str(number)]
    while len(",".join(numbers)) > _LONGEST_HISTORY:
        del numbers[0]
    return ",".join(numbers)


def _number(replica_set: Object, annotation: str) -> int | None:
    text = _annotations(replica_set).get(annotation, "")
    return int(text) if text.isdecimal() else None


def _annotations(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def _age(replica_set: Object) -> tuple[str, str]:
    meta = replica_set["metadata"]
    return meta.get("creationTimestamp", ""), meta["name"]
