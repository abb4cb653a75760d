"""What is the next step of a Deployment?

One step at a look: its effect comes back as an event, and then we look again. So there is no
script of a rollout anywhere, and none that could be lost half-way: from whatever state there is,
the next step leads towards the template and the number that are wanted now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from canarylab.playground.controllers import revisions
from canarylab.playground.controllers.proportion import Part, spread
from canarylab.playground.controllers.rollout import Fleet, Limits, grow, limits, shrink
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import is_terminating


class Plan(NamedTuple):
    """Which ReplicaSets to create, to change (as they shall be), and to delete."""

    create: Object | None = None
    update: tuple[Object, ...] = ()
    delete: tuple[Object, ...] = ()


def plan(deployment: Object, replica_sets: Sequence[Object]) -> Plan:
    """The next step; an empty plan when all is as it should be, or there is something to await."""
    new, olds = revisions.newest(deployment, replica_sets)
    if is_terminating(deployment):
        return Plan()
    if new is not None and (stamped := revisions.stamped(new, deployment, olds)) != new:
        return Plan(update=(stamped,))
    if is_paused(deployment):
        return Plan(update=_scale(deployment, new, olds), delete=_expendable(deployment, olds))
    if _was_scaled(deployment, replica_sets):
        return Plan(update=_scale(deployment, new, olds))
    step = _recreate if _strategy(deployment) == "Recreate" else _roll
    return step(deployment, new, olds)


def is_paused(deployment: Object) -> bool:
    """Is the rollout to stand still? Scaling goes on."""
    return bool(deployment["spec"].get("paused"))


def is_complete(deployment: Object, status: Object) -> bool:
    """Are all the pods there, all of the newest version, and no others?"""
    wanted = deployment["spec"]["replicas"]
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    is_seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return is_seen and all(status.get(count, 0) == wanted for count in counts)


def limits_of(deployment: Object) -> Limits:
    """How far its rolling update may stray, in pods. Recreating does not surge."""
    if _strategy(deployment) == "Recreate":
        return Limits(surge=0, unavailable=0)
    knobs = deployment["spec"].get("strategy", {}).get("rollingUpdate") or {}
    return limits(
        deployment["spec"]["replicas"],
        max_surge=knobs.get("maxSurge", "25%"),
        max_unavailable=knobs.get("maxUnavailable", "25%"),
    )


def size_of(replica_set: Object) -> int:
    """How many pods it is asked for."""
    return int(replica_set["spec"].get("replicas", 1))


def _roll(deployment: Object, new: Object | None, olds: list[Object]) -> Plan:
    """A rolling update: first grow the new, then shrink the old, then tidy up."""
    wanted, within = deployment["spec"]["replicas"], limits_of(deployment)
    fleets = [_fleet(old) for old in olds]
    if new is None:
        return _first(deployment, olds, grow(wanted, Fleet(0, 0), fleets, within))
    if (grown := grow(wanted, _fleet(new), fleets, within)) != size_of(new):
        return Plan(update=_resized(deployment, [(new, grown)]))
    left = shrink(wanted, _fleet(new), fleets, within)
    fewer = [pair for pair in zip(olds, left, strict=True) if pair[1] != size_of(pair[0])]
    return Plan(update=_resized(deployment, fewer)) if fewer else _tidy(deployment, olds)


def _recreate(deployment: Object, new: Object | None, olds: list[Object]) -> Plan:
    """First no old pod at all, then all the new ones."""
    wanted = deployment["spec"]["replicas"]
    if active := [old for old in olds if size_of(old)]:
        return Plan(update=_resized(deployment, [(old, 0) for old in active]))
    if any(map(_has_pods, olds)):
        return Plan()
    if new is None:
        return _first(deployment, olds, wanted)
    if size_of(new) != wanted:
        return Plan(update=_resized(deployment, [(new, wanted)]))
    return _tidy(deployment, olds)


def _first(deployment: Object, olds: list[Object], size: int) -> Plan:
    ceiling = _ceiling(deployment)
    return Plan(create=revisions.born(deployment, olds, size=size, ceiling=ceiling))


def _tidy(deployment: Object, olds: list[Object]) -> Plan:
    if is_complete(deployment, deployment.get("status", {})):
        return Plan(delete=_expendable(deployment, olds))
    return Plan()


def _expendable(deployment: Object, olds: list[Object]) -> tuple[Object, ...]:
    return tuple(revisions.expendable(olds, deployment["spec"].get("revisionHistoryLimit", 10)))


def _was_scaled(deployment: Object, replica_sets: Sequence[Object]) -> bool:
    """Does any ReplicaSet with pods date from when another number was wanted?"""
    then = {revisions.desired_then(one) for one in replica_sets if size_of(one)}
    return bool(then - {None, deployment["spec"]["replicas"]})


def _scale(deployment: Object, new: Object | None, olds: list[Object]) -> tuple[Object, ...]:
    """Another number of the same: all to the only one with pods, or to each its share."""
    latest_first = [*filter(None, [new]), *reversed(olds)]
    active = [one for one in latest_first if size_of(one)]
    if len(active) <= 1:
        only = (active or latest_first)[:1]
        return _resized(deployment, [(one, deployment["spec"]["replicas"]) for one in only])
    if new is not None and _is_saturated(deployment, new):
        return _resized(deployment, [(old, 0) for old in active if old is not new])
    return _spread(deployment, active)


def _spread(deployment: Object, active: list[Object]) -> tuple[Object, ...]:
    allowed = _ceiling(deployment) if deployment["spec"]["replicas"] else 0
    is_growing = allowed >= sum(map(size_of, active))
    by_age = sorted(active, key=lambda one: str(one["metadata"].get("creationTimestamp")))
    in_order = sorted(by_age[::-1] if is_growing else by_age, key=size_of, reverse=True)
    now = deployment.get("status", {}).get("replicas", 0)
    parts = [Part(size_of(one), revisions.ceiling_then(one) or now) for one in in_order]
    return _resized(deployment, zip(in_order, spread(allowed, parts), strict=True))


def _resized(deployment: Object, sizes: Iterable[tuple[Object, int]]) -> tuple[Object, ...]:
    """Those of them that are not so already."""
    ceiling = _ceiling(deployment)
    pairs = [
        (one, revisions.sized(one, deployment, size=size, ceiling=ceiling)) for one, size in sizes
    ]
    return tuple(after for before, after in pairs if after != before)


def _is_saturated(deployment: Object, new: Object) -> bool:
    wanted = deployment["spec"]["replicas"]
    return _fleet(new) == Fleet(wanted, wanted) and revisions.desired_then(new) == wanted


def _has_pods(replica_set: Object) -> bool:
    """Is any pod of it left, be it on its way out?"""
    status = replica_set.get("status", {})
    is_lagging = status.get("observedGeneration", 0) < replica_set["metadata"]["generation"]
    return is_lagging or bool(status.get("replicas") or status.get("terminatingReplicas"))


def _fleet(replica_set: Object) -> Fleet:
    available = replica_set.get("status", {}).get("availableReplicas", 0)
    return Fleet(size_of(replica_set), available)


def _ceiling(deployment: Object) -> int:
    return int(deployment["spec"]["replicas"]) + limits_of(deployment).surge


def _strategy(deployment: Object) -> str:
    return str(deployment["spec"].get("strategy", {}).get("type", "RollingUpdate"))
