"""Owner gone -> dependants gone.

Who creates an object writes into it whom it belongs to. When the owner is no more, what belonged
to nobody else is deleted; so deleting a Deployment takes its ReplicaSets, and they their pods.
The owner may also go last (Foreground: it waits as long as there are dependants), or leave them
behind (Orphan: they forget it). In both it stays until we strike off a finalizer.

The key here names an owner by namespace and uid. Names return; uids do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from canarylab.errors import NotFoundError
from canarylab.playground.controllers.looking import find
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.kube.api import Api, DeleteOptions, Key, Object, Propagation, WatchEvent
from canarylab.playground.kube.kinds import KINDS
from canarylab.playground.kube.objects import is_terminating, key_of, uid_of

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
OWNABLE = tuple(kind.kind for kind in KINDS.values() if kind.namespaced and kind.kind != "Event")


class Family(NamedTuple):
    """An owner, if there still is one, and those that name it as their owner."""

    owner: Object | None
    dependants: Sequence[Object]
    gone: Collection[str] = ()
    """The uids of all owners of these dependants that are no more."""
    parents: Collection[str] = ()
    """The uids of everybody who has dependants."""


class Deletion(NamedTuple):
    """What to delete, and how its own dependants are to go."""

    object: Object
    propagation: Propagation | None = None


class Plan(NamedTuple):
    """What to change (as it shall be), and then to delete."""

    update: Sequence[Object] = ()
    delete: Sequence[Deletion] = ()


def plan(family: Family) -> Plan:
    """What is to become of them all."""
    owner, dependants = family.owner, family.dependants
    if owner is None:
        return _bereaved(family)
    if ORPHAN in _finalizers(owner):
        forgetting = [_without(obj, [uid_of(owner)]) for obj in dependants]
        return Plan(update=[*forgetting, _freed(owner, ORPHAN)])
    if FOREGROUND in _finalizers(owner):
        return _before_their_owner(owner, family)
    return Plan()


async def reconcile(api: Api, key: Key) -> float | None:
    """Clear up after one owner, once."""
    # Look.
    family = await _family(api, namespace=key.namespace, uid=key.name)

    # Decide.
    todo = plan(family)

    # Act.
    for changed in todo.update:
        await api.update(changed)
    for obj, propagation in todo.delete:
        options = DeleteOptions(uid=uid_of(obj), propagation=propagation)
        with suppress(NotFoundError):  # gone already, which is all we want
            await api.delete(obj["kind"], key_of(obj), options)

    # Report. What is gone says so itself.
    return None


def _bereaved(family: Family) -> Plan:
    """Who has no owner left goes; who has another only forgets this one."""
    left = [obj for obj in family.dependants if not set(_owners(obj)) <= set(family.gone)]
    going = [obj for obj in family.dependants if obj not in left and not is_terminating(obj)]
    remembering = [obj for obj in left if set(_owners(obj)) & set(family.gone)]
    return Plan(
        update=[_without(obj, family.gone) for obj in remembering],
        delete=[Deletion(obj) for obj in going],
    )


def _before_their_owner(owner: Object, family: Family) -> Plan:
    """Dependants go first, each after its own dependants; then the owner is free to go."""
    blocking = [obj for obj in family.dependants if _blocks(obj, owner)]
    if not blocking:
        return Plan(update=[_freed(owner, FOREGROUND)])
    going = [obj for obj in blocking if not is_terminating(obj)]
    return Plan(
        delete=[
            Deletion(obj, "Foreground" if uid_of(obj) in family.parents else "Background")
            for obj in going
        ]
    )


async def _family(api: Api, *, namespace: str, uid: str) -> Family:
    everything = [obj for kind in OWNABLE for obj in await api.list(kind, namespace)]
    dependants = [obj for obj in everything if uid in _owners(obj)]
    return Family(
        owner=next((obj for obj in everything if uid_of(obj) == uid), None),
        dependants=dependants,
        gone=await _gone(api, dependants),
        parents={parent for obj in everything for parent in _owners(obj)},
    )


async def _gone(api: Api, dependants: Iterable[Object]) -> set[str]:
    """Owners that are no more; each is asked for by name, now, before anything is deleted."""
    named = {
        (obj["metadata"]["namespace"], reference["kind"], reference["name"], reference["uid"])
        for obj in dependants
        for reference in obj["metadata"]["ownerReferences"]
        if reference["kind"] in OWNABLE
    }
    gone = set()
    for namespace, kind, name, uid in named:
        owner = await find(api, kind, Key(namespace, name))
        if owner is None or uid_of(owner) != uid:
            gone.add(uid)
    return gone


def _owners(obj: Object) -> list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences") or []]


def _finalizers(obj: Object) -> list[str]:
    return obj["metadata"].get("finalizers") or []


def _blocks(obj: Object, owner: Object) -> bool:
    references = obj["metadata"]["ownerReferences"]
    return any(one["uid"] == uid_of(owner) and one.get("blockOwnerDeletion") for one in references)


def _freed(owner: Object, finalizer: str) -> Object:
    others = [entry for entry in _finalizers(owner) if entry != finalizer]
    return {**owner, "metadata": {**owner["metadata"], "finalizers": others}}


def _without(obj: Object, uids: Collection[str]) -> Object:
    meta = obj["metadata"]
    others = [reference for reference in meta["ownerReferences"] if reference["uid"] not in uids]
    return {**obj, "metadata": {**meta, "ownerReferences": others}}


async def affected(_: Api, event: WatchEvent) -> list[Key]:
    """The owners to look at: this object, when it goes; its owners, when it comes or goes."""
    meta = event.object["metadata"]
    is_held = {FOREGROUND, ORPHAN} & set(_finalizers(event.object))
    itself = [meta["uid"]] if event.type == "DELETED" or is_held else []
    owners = [] if event.type == "MODIFIED" else _owners(event.object)
    return [Key(meta["namespace"], uid) for uid in (*itself, *owners)]


controller = Controller(
    name="garbage", reconcile=reconcile, watches=dict.fromkeys(OWNABLE, affected)
)
