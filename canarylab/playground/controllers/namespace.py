"""The namespace controller: empties a namespace that is being deleted.

Deleting a namespace only marks it. The controller deletes all objects in it, also those that
appear meanwhile, and says in the status what is left. When nothing is, it removes the namespace's
finalizer: then the API server removes the namespace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime

from canarylab.errors import NotFoundError
from canarylab.kube_objects import (
    Key,
    Now,
    Object,
    StatusCondition,
    is_terminating,
    key_of,
    refresh_condition,
    utc_now,
)
from canarylab.playground.controllers.loop import Controller, keys_for_object
from canarylab.playground.kube.api import Api, WatchEvent, find_object
from canarylab.playground.kube.kinds import KINDS

_OWNERS = (
    "Deployment",
    "ReplicaSet",
    "Job",
    "Service",
)  # first, or they would create their objects again
_OTHERS = tuple(name for name, kind in KINDS.items() if kind.namespaced and name not in _OWNERS)
NAMESPACED_KINDS = _OWNERS + _OTHERS

LOOK_AGAIN_S = 8.0
"""While something is left: half of the 15 seconds that Kubernetes expects a finalizer to take."""

_FINALIZER = "kubernetes"
_CONDITIONS = (
    StatusCondition(
        "NamespaceDeletionDiscoveryFailure",
        "False",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    StatusCondition(
        "NamespaceDeletionGroupVersionParsingFailure",
        "False",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    StatusCondition(
        "NamespaceDeletionContentFailure",
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    StatusCondition(
        "NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"
    ),
    StatusCondition(
        "NamespaceFinalizersRemaining",
        "False",
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ),
)
"""The conditions of a namespace that is being deleted, when nothing is left in it."""


def plan(namespace: Object, content: list[Object]) -> list[Object]:
    """Decide what to delete of this content."""
    if not is_terminating(namespace):
        return []
    return [obj for obj in content if not is_terminating(obj)]


def finalized(namespace: Object) -> Object:
    """The namespace without the finalizer of this controller."""
    spec = namespace.get("spec", {})
    others = [name for name in spec.get("finalizers", []) if name != _FINALIZER]
    return {**namespace, "spec": {**spec, "finalizers": others}}


def namespace_status(namespace: Object, left: list[Object], now: datetime) -> Object:
    """The status of a namespace that is being deleted and in which this is left."""
    status = namespace.get("status", {})
    conditions = status.get("conditions", [])
    wanted = {condition.type: condition for condition in (*_CONDITIONS, *_remaining(left))}
    for condition in wanted.values():
        conditions = refresh_condition(conditions, condition, now)
    return {**status, "conditions": conditions}


def _remaining(left: list[Object]) -> Iterator[StatusCondition]:
    """What is left, and which finalizers it has."""
    kinds = Counter(KINDS[obj["kind"]] for obj in left)
    if kinds:
        counts = (f"{kind.plural}.{kind.group} has {kinds[kind]}" for kind in kinds)
        message = f"Some resources are remaining: {_listed(counts)}"
        yield StatusCondition("NamespaceContentRemaining", "True", "SomeResourcesRemain", message)
    finalizers = Counter(name for obj in left for name in obj["metadata"].get("finalizers", []))
    if finalizers:
        counts = (f"{name} in {count}" for name, count in finalizers.items())
        message = f"Some content in the namespace has finalizers remaining: {_listed(counts)}"
        yield StatusCondition(
            "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message
        )


def _listed(counts: Iterable[str]) -> str:
    return ", ".join(sorted(f"{count} resource instances" for count in counts))


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Carry out the next step of deleting a namespace."""
    # Look.
    namespace = await find_object(api, "Namespace", key)
    if namespace is None or not is_terminating(namespace):
        return None

    # Decide.
    todo = plan(namespace, await _content(api, key.name))

    # Act.
    for obj in todo:
        with suppress(NotFoundError):  # gone already, perhaps with its owner
            await api.delete(obj["kind"], key_of(obj))

    # Report.
    left = await _content(api, key.name)
    status = namespace_status(namespace, left, now())
    if status != namespace.get("status"):
        namespace = await api.update_status({**namespace, "status": status})
    if left:
        return LOOK_AGAIN_S
    await api.update(finalized(namespace))

    return None


async def _content(api: Api, namespace: str) -> list[Object]:
    return [obj for kind in NAMESPACED_KINDS for obj in await api.list(kind, namespace)]


async def _keys_for_deleted(_: Api, event: WatchEvent) -> list[Key]:
    """Reconcile the namespace of an object that is gone: it may have been the last."""
    return [Key("", event.object["metadata"]["namespace"])] if event.type == "DELETED" else []


controller = Controller(
    name="namespace",
    reconcile=reconcile,
    watches={"Namespace": keys_for_object, **dict.fromkeys(NAMESPACED_KINDS, _keys_for_deleted)},
)
