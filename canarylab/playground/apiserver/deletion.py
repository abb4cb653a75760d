"""Deletion: grace periods, finalizers, propagation policies.

A deletion seldom removes an object immediately. A pod on a node gets its grace period, after which
the kubelet deletes it with a period of zero. An object with finalizers stays until controllers have
removed them, and a namespace until it is empty.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from canarylab.errors import ConflictError, ForbiddenError
from canarylab.kube_objects import (
    DEFAULT_GRACE_PERIOD_S,
    Object,
    is_finished,
    is_terminating,
    parse_timestamp,
    timestamp,
    uid_of,
)
from canarylab.playground.apiserver.field_errors import INT32_MAX
from canarylab.playground.apiserver.metadata import next_generation
from canarylab.playground.apiserver.store import PlannedWrite
from canarylab.playground.kube.api import (
    FOREGROUND_FINALIZER,
    ORPHAN_FINALIZER,
    DeleteOptions,
    Propagation,
)
from canarylab.playground.kube.kinds import KINDS

_POLICY_FINALIZERS: dict[Propagation, str] = {
    "Foreground": FOREGROUND_FINALIZER,
    "Orphan": ORPHAN_FINALIZER,
}
_PERMANENT_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})


def plan_deletion(obj: Object, options: DeleteOptions, now: datetime) -> PlannedWrite:
    """Plan what a request to delete does to an object."""
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
    kept = meta.get("finalizers") or (
        obj["kind"] == "Namespace" and obj.get("spec", {}).get("finalizers")
    )
    return is_terminating(obj) and not kept and not meta.get("deletionGracePeriodSeconds")


def _delete_any(obj: Object, options: DeleteOptions, now: datetime) -> PlannedWrite:
    # Jobs of batch/v1 keep their pods by default, as they did before there was a choice.
    by_default: Propagation | None = "Orphan" if obj["kind"] == "Job" else None
    kept = _with_policy_finalizer(obj, options.propagation or by_default)
    if not kept["metadata"].get("finalizers"):
        return PlannedWrite("remove", obj)
    return _write_change(obj, _terminating(kept, now, grace_s=0))


def _delete_namespace(obj: Object, now: datetime) -> PlannedWrite:
    if is_deleted(obj):
        return PlannedWrite("remove", obj)
    if is_terminating(obj):
        return PlannedWrite("none", obj)
    meta = {**obj["metadata"], "deletionTimestamp": timestamp(now)}
    status = {**obj.get("status", {}), "phase": "Terminating"}
    return PlannedWrite("write", {**obj, "metadata": meta, "status": status})


def _delete_pod(obj: Object, options: DeleteOptions, now: datetime) -> PlannedWrite:
    grace_s = _grace_s(obj, options)
    current_s = obj["metadata"].get("deletionGracePeriodSeconds")
    if current_s is not None and (options.grace_period_s is None or grace_s >= current_s):
        return PlannedWrite("none", obj)
    kept = _with_policy_finalizer(obj, options.propagation)
    if grace_s == 0 and not kept["metadata"].get("finalizers"):
        return PlannedWrite("remove", obj)
    if current_s is not None:
        return _write_change(obj, _with_earlier_end(kept, by_s=current_s - grace_s))
    return _write_change(obj, _terminating(kept, now, grace_s=grace_s))


def _grace_s(pod: Object, options: DeleteOptions) -> int:
    """The grace period in seconds; only a pod that runs on a node has one."""
    if not pod["spec"].get("nodeName"):
        return 0
    if is_finished(pod):
        return 0
    requested_s = options.grace_period_s
    if requested_s is None:
        requested_s = pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_PERIOD_S)
    if requested_s < 0:
        return 1  # as Kubernetes treats a negative one
    return min(int(requested_s), INT32_MAX)  # 68 years: the end of a longer one is no timestamp


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
    fields = {"deletionTimestamp": end, "deletionGracePeriodSeconds": grace_s}
    return next_generation({**obj, "metadata": {**obj["metadata"], **fields}})


def _with_earlier_end(pod: Object, *, by_s: int) -> Object:
    meta = pod["metadata"]
    end = timestamp(parse_timestamp(meta["deletionTimestamp"]) - timedelta(seconds=by_s))
    left_s = meta["deletionGracePeriodSeconds"] - by_s
    fields = {"deletionTimestamp": end, "deletionGracePeriodSeconds": left_s}
    return {**pod, "metadata": {**meta, **fields}}


def _write_change(before: Object, after: Object) -> PlannedWrite:
    return PlannedWrite("none", before) if before == after else PlannedWrite("write", after)


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
