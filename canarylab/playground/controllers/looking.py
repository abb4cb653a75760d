"""How does a controller look at the world?

Whose an object is does not follow from its name or its labels but from its ownerReference. A
controller adopts what it selects and nobody owns, and lets go of what it owns and no longer
selects. That is why a pod whose label you change is replaced, and lives on by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from canarylab.errors import NotFoundError
from canarylab.playground.controllers.loop import KeysOf
from canarylab.playground.kube.api import Api, Key, Object, WatchEvent
from canarylab.playground.kube.objects import (
    controller_of,
    is_controlled_by,
    is_terminating,
    key_of,
    owner_reference,
    uid_of,
)
from canarylab.playground.kube.selectors import by_label_selector


class Claims(NamedTuple):
    """What a look at the possible dependants of an owner comes to."""

    keep: list[Object]
    adopt: list[Object]
    release: list[Object]


def claims(owner: Object, candidates: Iterable[Object]) -> Claims:
    """Which of these are the owner's, which should be, which should be no longer?"""
    selects, found = by_label_selector(owner["spec"]["selector"]), Claims([], [], [])
    for candidate in candidates:
        if is_controlled_by(candidate, owner):
            (found.keep if selects(candidate) else found.release).append(candidate)
        elif selects(candidate) and _is_free(candidate) and not is_terminating(owner):
            found.adopt.append(candidate)
    return found


async def claim(api: Api, owner: Object, kind: str) -> list[Object]:
    """All objects of this kind that belong to the owner, after setting right whose they are."""
    keep, adopt, release = claims(owner, await api.list(kind, owner["metadata"]["namespace"]))
    for orphan in adopt:
        references = [*orphan["metadata"].get("ownerReferences", []), owner_reference(owner)]
        keep.append(await api.update(_owned(orphan, references)))
    for stranger in release:
        theirs = stranger["metadata"]["ownerReferences"]
        others = [reference for reference in theirs if reference["uid"] != uid_of(owner)]
        await api.update(_owned(stranger, others))
    return keep


async def find(api: Api, kind: str, key: Key) -> Object | None:
    """The object, if there is one."""
    try:
        return await api.get(kind, key)
    except NotFoundError:
        return None


async def itself(api: Api, event: WatchEvent) -> list[Key]:
    """Look at the very object that changed."""
    return [key_of(event.object)]


def owner_or_adopters(kind: str) -> KeysOf:
    """Look at its owner of this kind; without any owner, at all that might adopt it."""

    async def keys_of(api: Api, event: WatchEvent) -> list[Key]:
        owner, namespace = controller_of(event.object), event.object["metadata"]["namespace"]
        if owner is None:
            return _selecting(event.object, await api.list(kind, namespace))
        return [Key(namespace, owner["name"])] if owner["kind"] == kind else []

    return keys_of


def _is_free(obj: Object) -> bool:
    return controller_of(obj) is None and not is_terminating(obj)


def _selecting(obj: Object, owners: Sequence[Object]) -> list[Key]:
    return [key_of(owner) for owner in owners if by_label_selector(owner["spec"]["selector"])(obj)]


def _owned(obj: Object, references: list[Object]) -> Object:
    rest = {name: value for name, value in obj["metadata"].items() if name != "ownerReferences"}
    return {**obj, "metadata": {**rest, **({"ownerReferences": references} if references else {})}}
