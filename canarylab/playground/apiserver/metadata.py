"""Metadata that the server writes, and the deletion of objects.

A deletion seldom removes an object at once. A pod on a node gets its grace period, after which the
kubelet deletes it with a period of zero. An object with finalizers stays until controllers have
removed them, and a namespace until it is empty.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from canarylab.errors import ConflictError, ForbiddenError
from canarylab.kube_objects import (
    REVISION_ANNOTATION,
    SAFE_LETTERS,
    Object,
    is_finished,
    is_terminating,
    parse_timestamp,
    timestamp,
    uid_of,
    utc_now,
)
from canarylab.playground.apiserver.store import Write
from canarylab.playground.kube.api import DeleteOptions, Propagation
from canarylab.playground.kube.kinds import KINDS, Kind

SUFFIX_LENGTH = 5  # letters
MAX_BASE_NAME = 63 - SUFFIX_LENGTH
KINDS_WITH_GENERATION = frozenset(
    {
        "Deployment", "ReplicaSet", "Pod", "EndpointSlice", "Ingress", "IngressClass",
        "GatewayClass", "Gateway", "HTTPRoute",
    }
)  # fmt: skip
"""Kinds with a `metadata.generation`."""

_SERVER_FIELDS = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
)
_DROPPED_FIELDS = ("selfLink", "managedFields")
_OUTSIDE_CONTENT = ("metadata", "status", "apiVersion", "kind")
_POLICY_FINALIZERS: dict[Propagation, str] = {
    "Foreground": "foregroundDeletion",
    "Orphan": "orphan",
}
_PERMANENT_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})
_DEFAULT_GRACE_S = 30


def _uid() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Generators:
    """The sources of times, uids and random suffixes."""

    now: Callable[[], datetime] = utc_now
    uid: Callable[[], str] = _uid
    random: random.Random = field(default_factory=random.Random)

    def suffix(self) -> str:
        """Five random letters, as in the name of a pod."""
        return "".join(self.random.choice(SAFE_LETTERS) for _ in range(SUFFIX_LENGTH))


def new_metadata(obj: Object, kind: Kind, generators: Generators) -> Object:
    """The object with the metadata of a new one; `generateName` gets a suffix."""
    given = obj.get("metadata") or {}
    kept = {name: given[name] for name in given if name not in _SERVER_FIELDS + _DROPPED_FIELDS}
    meta = {**kept, "uid": generators.uid(), "creationTimestamp": timestamp(generators.now())}
    if not kind.namespaced:
        meta.pop("namespace", None)
    if not meta.get("name") and (stem := meta.get("generateName")):
        meta["name"] = stem[:MAX_BASE_NAME] + generators.suffix()
    if kind.kind in KINDS_WITH_GENERATION:
        meta["generation"] = 1
    return ordered(obj, kind, meta)


def next_version(obj: Object, current: Object, kind: Kind) -> Object:
    """The object as the next version of `current`, with the server's own fields unchanged."""
    given, before = obj["metadata"], current["metadata"]
    kept = {name: given[name] for name in given if name not in _SERVER_FIELDS + _DROPPED_FIELDS}
    if kept.get("finalizers") == []:
        del kept["finalizers"]
    own = {name: before[name] for name in _SERVER_FIELDS if name in before}
    return ordered(obj, kind, {**kept, **own})


def with_generation(obj: Object, current: Object) -> Object:
    """With the next generation, if more than metadata and status changed.

    The annotations of a Deployment count as well, as in Kubernetes, except the one with the
    revision.
    """
    return obj if _content(obj) == _content(current) else next_generation(obj)


def next_generation(obj: Object) -> Object:
    """With the next generation, for kinds that have one."""
    meta = obj["metadata"]
    if "generation" not in meta:
        return obj
    return {**obj, "metadata": {**meta, "generation": meta["generation"] + 1}}


def ordered(obj: Object, kind: Kind, meta: Object) -> Object:
    """The object with this metadata, its fields in the usual order."""
    head = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}
    rest = {name: value for name, value in obj.items() if name not in head and name != "status"}
    return {**head, **rest, **({"status": obj["status"]} if "status" in obj else {})}


def _content(obj: Object) -> Object:
    content = {name: value for name, value in obj.items() if name not in _OUTSIDE_CONTENT}
    if obj["kind"] != "Deployment":
        return content
    annotations = obj["metadata"].get("annotations") or {}
    own = {name: value for name, value in annotations.items() if name != REVISION_ANNOTATION}
    return {**content, "annotations": own}


def plan_deletion(obj: Object, options: DeleteOptions, now: datetime) -> Write:
    """What a request to delete does to an object."""
    _check_deletable(obj)
    _check_uid(obj, options.uid)
    if obj["kind"] == "Namespace":
        return _delete_namespace(obj, now)
    if obj["kind"] == "Pod":
        return _delete_pod(obj, options, now)
    return _delete_any(obj, options, now)


def is_deleted(obj: Object) -> bool:
    """Whether a terminating object can be removed."""
    meta = obj["metadata"]
    held = meta.get("finalizers") or (obj["kind"] == "Namespace" and obj["spec"].get("finalizers"))
    return is_terminating(obj) and not held and not meta.get("deletionGracePeriodSeconds")


def _delete_any(obj: Object, options: DeleteOptions, now: datetime) -> Write:
    held = _with_policy_finalizer(obj, options.propagation)
    if not held["metadata"].get("finalizers"):
        return Write("remove", obj)
    return _write_change(obj, _terminating(held, now, grace_s=0))


def _delete_namespace(obj: Object, now: datetime) -> Write:
    if is_deleted(obj):
        return Write("remove", obj)
    if is_terminating(obj):
        return Write("nothing", obj)
    meta = {**obj["metadata"], "deletionTimestamp": timestamp(now)}
    status = {**obj.get("status", {}), "phase": "Terminating"}
    return Write("write", {**obj, "metadata": meta, "status": status})


def _delete_pod(obj: Object, options: DeleteOptions, now: datetime) -> Write:
    grace_s = _grace_s(obj, options)
    given_s = obj["metadata"].get("deletionGracePeriodSeconds")
    if given_s is not None and (options.grace_period_s is None or grace_s >= given_s):
        return Write("nothing", obj)
    held = _with_policy_finalizer(obj, options.propagation)
    if grace_s == 0 and not held["metadata"].get("finalizers"):
        return Write("remove", obj)
    if given_s is not None:
        return _write_change(obj, _with_earlier_end(held, by_s=given_s - grace_s))
    return _write_change(obj, _terminating(held, now, grace_s=grace_s))


def _grace_s(pod: Object, options: DeleteOptions) -> int:
    """The grace period in seconds; only a pod that runs on a node has one."""
    if not pod["spec"].get("nodeName"):
        return 0
    if is_finished(pod):
        return 0
    asked_s = options.grace_period_s
    if asked_s is None:
        asked_s = pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE_S)
    return int(asked_s) if asked_s >= 0 else 1  # as Kubernetes treats a negative one


def _with_policy_finalizer(obj: Object, propagation: Propagation | None) -> Object:
    """With the finalizer of the propagation policy, if one is given."""
    if propagation is None:
        return obj
    meta = obj["metadata"]
    ours = [name for name in meta.get("finalizers", []) if name not in _POLICY_FINALIZERS.values()]
    ours += [_POLICY_FINALIZERS[propagation]] if propagation in _POLICY_FINALIZERS else []
    rest = {name: value for name, value in meta.items() if name != "finalizers"}
    return {**obj, "metadata": {**rest, "finalizers": ours} if ours else rest}


def _terminating(obj: Object, now: datetime, *, grace_s: int) -> Object:
    """With the deletion timestamp, unless it has one."""
    if is_terminating(obj):
        return obj
    end = timestamp(now + timedelta(seconds=grace_s))
    marks = {"deletionTimestamp": end, "deletionGracePeriodSeconds": grace_s}
    return next_generation({**obj, "metadata": {**obj["metadata"], **marks}})


def _with_earlier_end(pod: Object, *, by_s: int) -> Object:
    meta = pod["metadata"]
    end = timestamp(parse_timestamp(meta["deletionTimestamp"]) - timedelta(seconds=by_s))
    left_s = meta["deletionGracePeriodSeconds"] - by_s
    marks = {"deletionTimestamp": end, "deletionGracePeriodSeconds": left_s}
    return {**pod, "metadata": {**meta, **marks}}


def _write_change(before: Object, after: Object) -> Write:
    return Write("nothing", before) if before == after else Write("write", after)


def _check_deletable(obj: Object) -> None:
    name = obj["metadata"]["name"]
    if obj["kind"] == "Namespace" and name in _PERMANENT_NAMESPACES:
        raise ForbiddenError("namespaces", "", name, "this namespace may not be deleted")


def _check_uid(obj: Object, uid: str | None) -> None:
    if uid not in {None, uid_of(obj)}:
        kind = KINDS[obj["kind"]]
        raise ConflictError(
            kind.plural,
            kind.group,
            obj["metadata"]["name"],
            f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(obj)}",
        )
