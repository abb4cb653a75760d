"""The revisions of a Deployment: its ReplicaSets, named by a hash and numbered by annotations.

The new ReplicaSet is the one with the template of the Deployment; it need not be the youngest. A
rollback sets an earlier template. The ReplicaSet of that template still exists, with no pods, and
gets a new number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from canarylab.kube_objects import (
    REVISION_ANNOTATION,
    SAFE_LETTERS,
    Object,
    is_terminating,
    owner_reference,
    parse_integer,
)

HASH_LABEL = "pod-template-hash"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"

_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION_ANNOTATION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
)
_MAX_HISTORY_CHARACTERS = 2000  # of the annotation with the earlier revisions
_FNV_START, _FNV_PRIME = 2166136261, 16777619


def new_and_old(
    deployment: Object, replica_sets: Sequence[Object]
) -> tuple[Object | None, list[Object]]:
    """Return the ReplicaSet of the current template, if there is one, and the others by age."""
    by_age = sorted(replica_sets, key=_age)
    template = deployment["spec"]["template"]
    matching = [one for one in by_age if same_template(one["spec"]["template"], template)]
    new = matching[0] if matching else None
    return new, [one for one in by_age if one is not new]


def revision_of(obj: Object) -> int:
    """Return the number of a ReplicaSet or Deployment; 0 if it has none."""
    return parse_integer(_annotations(obj).get(REVISION_ANNOTATION, "")) or 0


def new_replica_set(
    deployment: Object, olds: Sequence[Object], *, size: int, max_replicas: int
) -> Object:
    """Build the ReplicaSet of the Deployment's template, with the next revision."""
    meta, spec = deployment["metadata"], deployment["spec"]
    template = spec["template"]
    own_hash = template_hash(template, deployment.get("status", {}).get("collisionCount", 0))
    labels = {**template["metadata"].get("labels", {}), HASH_LABEL: own_hash}
    match_labels = {**spec["selector"].get("matchLabels", {}), HASH_LABEL: own_hash}
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
    numbered = with_revision(replica_set, deployment, olds)
    return with_size(numbered, deployment, size=size, max_replicas=max_replicas)


def with_revision(new: Object, deployment: Object, olds: Sequence[Object]) -> Object:
    """Return the new ReplicaSet with the highest revision and the Deployment's annotations."""
    current, before = _annotations(new), revision_of(new)
    inherited = _annotations(deployment).items()
    copied = {name: text for name, text in inherited if name not in _NOT_COPIED}
    number = max(before, 1 + max(map(revision_of, olds), default=0))
    annotations = {**current, **copied, REVISION_ANNOTATION: str(number)}
    if 0 < before < number:
        annotations[REVISION_HISTORY] = _append(current.get(REVISION_HISTORY, ""), before)
    numbered = {**new, "metadata": {**new["metadata"], "annotations": annotations}}
    return _with_min_ready_seconds(numbered, deployment)


def with_size(replica_set: Object, deployment: Object, *, size: int, max_replicas: int) -> Object:
    """Return the ReplicaSet with another size, and a record of the replicas in the Deployment."""
    meta, desired = replica_set["metadata"], deployment["spec"]["replicas"]
    recorded = {DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(max_replicas)}
    annotations = {**_annotations(replica_set), **recorded}
    spec = {**replica_set["spec"], "replicas": size}
    return {**replica_set, "metadata": {**meta, "annotations": annotations}, "spec": spec}


def recorded_desired_replicas(replica_set: Object) -> int | None:
    """Return the Deployment's replicas when this ReplicaSet got its size."""
    return _number(replica_set, DESIRED_REPLICAS)


def recorded_max_replicas(replica_set: Object) -> int | None:
    """Return the Deployment's replicas plus surge when this ReplicaSet got its size."""
    return _number(replica_set, MAX_REPLICAS)


def beyond_history_limit(olds: Sequence[Object], limit: int) -> list[Object]:
    """Return the oldest ReplicaSets beyond revisionHistoryLimit, without any that has pods."""
    by_revision = sorted((old for old in olds if not is_terminating(old)), key=revision_of)
    excess = by_revision[: max(0, len(by_revision) - limit)]
    return [old for old in excess if _is_scaled_down(old)]


def template_hash(template: Object, collisions: int = 0) -> str:
    """Return the value of the label `pod-template-hash`, and the end of a ReplicaSet's name.

    It has the form that Kubernetes gives it, FNV-1a in the letters of `rand.SafeEncodeString`, but
    of the template's JSON, so its value differs from that of other clusters.

    >>> template_hash({"metadata": {"labels": {"app": "nodeapp"}}, "spec": {"containers": []}})
    '5bf6fc5d55'
    """
    text = json.dumps(_without_empty(without_hash(template)), sort_keys=True, separators=(",", ":"))
    salt = collisions.to_bytes(8, "little") if collisions else b""
    number = _FNV_START
    for byte in text.encode() + salt:
        number = (number ^ byte) * _FNV_PRIME % 2**32
    return "".join(SAFE_LETTERS[ord(digit) % len(SAFE_LETTERS)] for digit in str(number))


def same_template(one: Object, other: Object) -> bool:
    """Whether two templates are equal, without the hash label and anything empty."""
    return bool(_without_empty(without_hash(one)) == _without_empty(without_hash(other)))


def without_hash(template: Object) -> Object:
    """Return the template without the hash label."""
    meta = template.get("metadata") or {}
    labels = {
        name: value for name, value in (meta.get("labels") or {}).items() if name != HASH_LABEL
    }
    return {**template, "metadata": {**meta, "labels": labels}}


def _is_scaled_down(replica_set: Object) -> bool:
    status = replica_set.get("status", {})
    generation = replica_set["metadata"].get("generation", 0)
    is_empty = not status.get("replicas") and replica_set["spec"]["replicas"] == 0
    return is_empty and status.get("observedGeneration", 0) >= generation


def _with_min_ready_seconds(replica_set: Object, deployment: Object) -> Object:
    seconds = deployment["spec"].get("minReadySeconds", 0)
    if replica_set["spec"].get("minReadySeconds", 0) == seconds:
        return replica_set
    return {**replica_set, "spec": {**replica_set["spec"], "minReadySeconds": seconds}}


def _append(history: str, number: int) -> str:
    """Append a revision, and drop the oldest ones if the history is too long."""
    longer = f"{history},{number}" if history else str(number)
    newest = longer[-_MAX_HISTORY_CHARACTERS - 1 :]
    return longer if longer == newest else newest.partition(",")[2]


def _number(replica_set: Object, annotation: str) -> int | None:
    return parse_integer(_annotations(replica_set).get(annotation, ""))


def _annotations(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def _age(replica_set: Object) -> tuple[str, str]:
    meta = replica_set["metadata"]
    return meta.get("creationTimestamp", ""), meta["name"]


def _without_empty(value: Any) -> Any:
    """Leave out what is empty, which means the same as absent."""
    if isinstance(value, Mapping):
        smaller = {name: _without_empty(inner) for name, inner in value.items()}
        return {name: inner for name, inner in smaller.items() if inner not in (None, {}, [])}
    return [_without_empty(inner) for inner in value] if isinstance(value, list) else value
