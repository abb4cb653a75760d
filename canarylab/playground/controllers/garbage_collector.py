"""The garbage collector: deletes objects whose owners are gone.

A dependant has an ownerReference. It is deleted when all its owners are gone; so deleting a
Deployment deletes its ReplicaSets, and then their pods. With propagationPolicy Foreground the owner
is deleted after its dependants; with Orphan they stay and lose the reference. In both cases the
owner stays until its finalizer is removed.

The keys in the queue are namespace and uid of an owner, because a later object can have its name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from canarylab.errors import NotFoundError
from canarylab.kube_objects import Key, Object, is_terminating, key_of, uid_of
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.kube.api import (
    FOREGROUND_FINALIZER,
    ORPHAN_FINALIZER,
    Api,
    DeleteOptions,
    Propagation,
    WatchEvent,
    find_object,
)
from canarylab.playground.kube.kinds import KINDS

OWNABLE = tuple(kind.kind for kind in KINDS.values() if kind.namespaced and kind.kind != "Event")


class OwnerAndDependants(NamedTuple):
    """An owner, if it still exists, and the objects that refer to it."""

    owner: Object | None
    dependants: Sequence[Object]
    absent: Collection[str] = ()
    """The uids of those owners of the dependants that are gone."""
    owning: Collection[str] = ()
    """The uids of all objects that have dependants."""


class Deletion(NamedTuple):
    """An object to delete, and the propagation policy for its own dependants."""

    object: Object
    propagation: Propagation | None = None


class GarbagePlan(NamedTuple):
    """The objects to update (as they shall be), and then to delete."""

    update: Sequence[Object] = ()
    delete: Sequence[Deletion] = ()


def plan(state: OwnerAndDependants) -> GarbagePlan:
    """Decide which dependants to delete, and whether to remove the finalizer of the owner."""
    owner, dependants = state.owner, state.dependants
    if owner is None:
        return _collect(state)
    if ORPHAN_FINALIZER in _finalizers(owner):
        orphans = [_without_owners(obj, [uid_of(owner)]) for obj in dependants]
        return GarbagePlan(update=[*orphans, _without_finalizer(owner, ORPHAN_FINALIZER)])
    if FOREGROUND_FINALIZER in _finalizers(owner):
        return _delete_in_foreground(owner, state)
    return GarbagePlan()


async def reconcile(api: Api, key: Key) -> float | None:
    """Carry out the next step for one owner."""
    # Look.
    namespace, uid = key
    state = await _find_dependants(api, namespace=namespace, uid=uid)

    # Decide.
    todo = plan(state)

    # Act.
    for changed in todo.update:
        await api.update(changed)
    for obj, propagation in todo.delete:
        options = DeleteOptions(uid=uid_of(obj), propagation=propagation)
        with suppress(NotFoundError):  # gone already
            await api.delete(obj["kind"], key_of(obj), options)

    return None


def _collect(state: OwnerAndDependants) -> GarbagePlan:
    """Delete dependants whose owners are gone; drop dead owner references from the others."""
    owned = [obj for obj in state.dependants if not set(_owners(obj)) <= set(state.absent)]
    orphans = [obj for obj in state.dependants if obj not in owned and not is_terminating(obj)]
    shared = [obj for obj in owned if set(_owners(obj)) & set(state.absent)]
    return GarbagePlan(
        update=[_without_owners(obj, state.absent) for obj in shared],
        delete=[Deletion(obj) for obj in orphans],
    )


def _delete_in_foreground(owner: Object, state: OwnerAndDependants) -> GarbagePlan:
    """Delete the dependants, each after its own; then remove the owner's finalizer."""
    blocking = [obj for obj in state.dependants if _blocks(obj, owner)]
    if not blocking:
        return GarbagePlan(update=[_without_finalizer(owner, FOREGROUND_FINALIZER)])
    return GarbagePlan(
        delete=[
            Deletion(obj, "Foreground" if uid_of(obj) in state.owning else "Background")
            for obj in blocking
            if not is_terminating(obj)
        ]
    )


async def _find_dependants(api: Api, *, namespace: str, uid: str) -> OwnerAndDependants:
    objects = [obj for kind in OWNABLE for obj in await api.list(kind, namespace)]
    dependants = [obj for obj in objects if uid in _owners(obj)]
    return OwnerAndDependants(
        owner=next((obj for obj in objects if uid_of(obj) == uid), None),
        dependants=dependants,
        absent=await _absent_owners(api, dependants),
        owning={owner for obj in objects for owner in _owners(obj)},
    )


async def _absent_owners(api: Api, dependants: Iterable[Object]) -> set[str]:
    """Return the owners that are gone; each is read again before anything is deleted."""
    references = {
        (obj["metadata"]["namespace"], reference["kind"], reference["name"], reference["uid"])
        for obj in dependants
        for reference in obj["metadata"]["ownerReferences"]
        if reference["kind"] in OWNABLE
    }
    absent = set()
    for namespace, kind, name, uid in references:
        owner = await find_object(api, kind, Key(namespace, name))
        if owner is None or uid_of(owner) != uid:
            absent.add(uid)
    return absent


def _owners(obj: Object) -> list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences") or []]


def _finalizers(obj: Object) -> list[str]:
    return obj["metadata"].get("finalizers") or []


def _blocks(obj: Object, owner: Object) -> bool:
    references = obj["metadata"]["ownerReferences"]
    return any(one["uid"] == uid_of(owner) and one.get("blockOwnerDeletion") for one in references)


def _without_finalizer(owner: Object, finalizer: str) -> Object:
    others = [entry for entry in _finalizers(owner) if entry != finalizer]
    return {**owner, "metadata": {**owner["metadata"], "finalizers": others}}


def _without_owners(obj: Object, uids: Collection[str]) -> Object:
    meta = obj["metadata"]
    others = [reference for reference in meta["ownerReferences"] if reference["uid"] not in uids]
    return {**obj, "metadata": {**meta, "ownerReferences": others}}


async def keys_for_owners(_: Api, event: WatchEvent) -> list[Key]:
    """Reconcile a deleted object as an owner, and the owners of a created or deleted one."""
    meta = event.object["metadata"]
    is_held = {FOREGROUND_FINALIZER, ORPHAN_FINALIZER} & set(_finalizers(event.object))
    as_owner = [meta["uid"]] if event.type == "DELETED" or is_held else []
    owners = [] if event.type == "MODIFIED" else _owners(event.object)
    return [_owner_key(meta["namespace"], uid) for uid in (*as_owner, *owners)]


def _owner_key(namespace: str, uid: str) -> Key:
    """Return the key of an owner, which has its uid in place of its name."""
    return Key(namespace, uid)


controller = Controller(
    name="garbage", reconcile=reconcile, watches=dict.fromkeys(OWNABLE, keys_for_owners)
)
