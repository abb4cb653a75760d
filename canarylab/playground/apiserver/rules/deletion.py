"""What does a request to delete come to?

Rarely to a removal at once. A pod that a node knows of gets its grace period, and the kubelet
removes it in the end by asking again with none. An object with finalizers stays until others have
done their part and struck them off. A namespace stays until it is empty.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from canarylab.errors import ConflictError, ForbiddenError
from canarylab.playground.apiserver.rules.metadata import next_generation
from canarylab.playground.apiserver.store import Write
from canarylab.playground.kube.api import DeleteOptions, Object, Propagation
from canarylab.playground.kube.kinds import KINDS
from canarylab.playground.kube.objects import is_terminating, parse_timestamp, timestamp, uid_of

_HELD_BY: dict[Propagation, str] = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
_PERMANENT = frozenset({"default", "kube-system", "kube-public"})
_DEFAULT_GRACE_S = 30


def plan(obj: Object, options: DeleteOptions, now: datetime) -> Write:
    """What to do about an object that somebody wants gone."""
    _check_permitted(obj)
    _check_uid(obj, options.uid)
    if obj["kind"] == "Namespace":
        return _of_namespace(obj, now)
    if obj["kind"] == "Pod":
        return _of_pod(obj, options, now)
    return _of_any(obj, options, now)


def is_over(obj: Object) -> bool:
    """Is nothing left to wait for?"""
    meta = obj["metadata"]
    held = meta.get("finalizers") or (obj["kind"] == "Namespace" and obj["spec"].get("finalizers"))
    return is_terminating(obj) and not held and not meta.get("deletionGracePeriodSeconds")


def _of_any(obj: Object, options: DeleteOptions, now: datetime) -> Write:
    held = _with_policy(obj, options.propagation)
    if not held["metadata"].get("finalizers"):
        return Write("remove", obj)
    return _changed(obj, _ending(held, now, grace_s=0))


def _of_namespace(obj: Object, now: datetime) -> Write:
    if is_over(obj):
        return Write("remove", obj)
    if is_terminating(obj):
        return Write("nothing", obj)
    meta = {**obj["metadata"], "deletionTimestamp": timestamp(now)}
    status = {**obj.get("status", {}), "phase": "Terminating"}
    return Write("write", {**obj, "metadata": meta, "status": status})


def _of_pod(obj: Object, options: DeleteOptions, now: datetime) -> Write:
    grace_s = _grace_s(obj, options)
    given_s = obj["metadata"].get("deletionGracePeriodSeconds")
    if given_s is not None and (options.grace_period_s is None or grace_s >= given_s):
        return Write("nothing", obj)
    held = _with_policy(obj, options.propagation)
    if grace_s == 0 and not held["metadata"].get("finalizers"):
        return Write("remove", obj)
    if given_s is not None:
        return _changed(obj, _hastened(held, by_s=given_s - grace_s))
    return _changed(obj, _ending(held, now, grace_s=grace_s))


def _grace_s(pod: Object, options: DeleteOptions) -> int:
    """Only a pod that runs on a node takes time to end."""
    if not pod["spec"].get("nodeName"):
        return 0
    if pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        return 0
    asked_s = options.grace_period_s
    if asked_s is None:
        asked_s = pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE_S)
    return int(asked_s) if asked_s >= 0 else 1  # as Kubernetes reads a negative one


def _with_policy(obj: Object, propagation: Propagation | None) -> Object:
    """With the finalizer that this policy asks for; none asked for, none changed."""
    if propagation is None:
        return obj
    meta = obj["metadata"]
    ours = [name for name in meta.get("finalizers", []) if name not in _HELD_BY.values()]
    ours += [_HELD_BY[propagation]] if propagation in _HELD_BY else []
    rest = {name: value for name, value in meta.items() if name != "finalizers"}
    return {**obj, "metadata": {**rest, "finalizers": ours} if ours else rest}


def _ending(obj: Object, now: datetime, *, grace_s: int) -> Object:
    """Marked as on its way out, once."""
    if is_terminating(obj):
        return obj
    end = timestamp(now + timedelta(seconds=grace_s))
    marks = {"deletionTimestamp": end, "deletionGracePeriodSeconds": grace_s}
    return next_generation({**obj, "metadata": {**obj["metadata"], **marks}})


def _hastened(pod: Object, *, by_s: int) -> Object:
    meta = pod["metadata"]
    end = timestamp(parse_timestamp(meta["deletionTimestamp"]) - timedelta(seconds=by_s))
    left_s = meta["deletionGracePeriodSeconds"] - by_s
    marks = {"deletionTimestamp": end, "deletionGracePeriodSeconds": left_s}
    return {**pod, "metadata": {**meta, **marks}}


def _changed(before: Object, after: Object) -> Write:
    return Write("nothing", before) if before == after else Write("write", after)


def _check_permitted(obj: Object) -> None:
    name = obj["metadata"]["name"]
    if obj["kind"] == "Namespace" and name in _PERMANENT:
        raise ForbiddenError("namespaces", "", name, "this namespace may not be deleted")


def _check_uid(obj: Object, wanted: str | None) -> None:
    if wanted not in {None, uid_of(obj)}:
        kind = KINDS[obj["kind"]]
        raise ConflictError(
            kind.plural,
            kind.group,
            obj["metadata"]["name"],
            f"Precondition failed: UID in precondition: {wanted}, "
            f"UID in object meta: {uid_of(obj)}",
        )
