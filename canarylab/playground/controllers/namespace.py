"""The namespace controller: empties a namespace that is being deleted.

Deleting a namespace only marks it. The controller deletes all objects in it, also those that
appear meanwhile, and when none is left removes the namespace's finalizer: then the API server
removes the namespace.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from canarylab.errors import NotFoundError
from canarylab.kube_objects import Key, Object, is_terminating, key_of
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


class NamespacePlan(NamedTuple):
    """The objects to delete, or the namespace without its finalizer."""

    delete: list[Object]
    finalized: Object | None


def plan(namespace: Object, content: list[Object]) -> NamespacePlan:
    """Decide the next step of deleting a namespace with this content."""
    if not is_terminating(namespace):
        return NamespacePlan([], None)
    if content:
        return NamespacePlan([obj for obj in content if not is_terminating(obj)], None)
    spec = {**namespace.get("spec", {}), "finalizers": []}
    return NamespacePlan([], {**namespace, "spec": spec})


async def reconcile(api: Api, key: Key) -> float | None:
    """Carry out the next step of deleting a namespace."""
    # Look.
    namespace = await find_object(api, "Namespace", key)
    if namespace is None or not is_terminating(namespace):
        return None
    content = [obj for kind in NAMESPACED_KINDS for obj in await api.list(kind, key.name)]

    # Decide.
    todo = plan(namespace, content)

    # Act.
    for obj in todo.delete:
        with suppress(NotFoundError):  # gone already, perhaps with its owner
            await api.delete(obj["kind"], key_of(obj))
    if todo.finalized is not None:
        await api.update(todo.finalized)

    return None


async def _keys_for_deleted(_: Api, event: WatchEvent) -> list[Key]:
    """Reconcile the namespace of an object that is gone: it may have been the last."""
    return [Key("", event.object["metadata"]["namespace"])] if event.type == "DELETED" else []


controller = Controller(
    name="namespace",
    reconcile=reconcile,
    watches={"Namespace": keys_for_object, **dict.fromkeys(NAMESPACED_KINDS, _keys_for_deleted)},
)
