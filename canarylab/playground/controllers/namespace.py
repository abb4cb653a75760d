"""Namespace on its way out -> nothing left in it.

Deleting a namespace only marks it. We delete all that is in it, and again what appears meanwhile,
and when nothing is left we strike off the namespace's finalizer: with that it goes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from canarylab.errors import NotFoundError
from canarylab.playground.controllers.looking import find, itself
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.kube.api import Api, Key, Object, WatchEvent
from canarylab.playground.kube.kinds import KINDS
from canarylab.playground.kube.objects import is_terminating, key_of

_OWNERS = ("Deployment", "ReplicaSet", "Service")  # first, or they would make anew what goes
_OTHERS = tuple(name for name, kind in KINDS.items() if kind.namespaced and name not in _OWNERS)
CONTENT = _OWNERS + _OTHERS


class Plan(NamedTuple):
    """What to delete now, and the namespace as it shall be, if it is to change."""

    delete: list[Object]
    finished: Object | None


def plan(namespace: Object, content: list[Object]) -> Plan:
    """The next step towards an empty namespace that is no more."""
    if not is_terminating(namespace):
        return Plan([], None)
    if content:
        return Plan([obj for obj in content if not is_terminating(obj)], None)
    return Plan([], {**namespace, "spec": {**namespace.get("spec", {}), "finalizers": []}})


async def reconcile(api: Api, key: Key) -> float | None:
    """One step of it, once."""
    # Look.
    namespace = await find(api, "Namespace", key)
    if namespace is None or not is_terminating(namespace):
        return None
    content = [obj for kind in CONTENT for obj in await api.list(kind, key.name)]

    # Decide.
    todo = plan(namespace, content)

    # Act.
    for obj in todo.delete:
        with suppress(NotFoundError):  # gone already, perhaps with its owner
            await api.delete(obj["kind"], key_of(obj))
    if todo.finished is not None:
        await api.update(todo.finished)

    # Report. Nobody is left to read it.
    return None


async def _if_gone(_: Api, event: WatchEvent) -> list[Key]:
    """Something of its content has gone: perhaps it was the last."""
    return [Key("", event.object["metadata"]["namespace"])] if event.type == "DELETED" else []


controller = Controller(
    name="namespace",
    reconcile=reconcile,
    watches={"Namespace": itself, **dict.fromkeys(CONTENT, _if_gone)},
)
