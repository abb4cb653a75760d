"""Owner references: which objects a controller owns, adopts and releases.

The owner of an object is in its ownerReferences; names and labels do not matter. A controller
adopts objects that its selector matches and that have no owner. It releases objects that it owns
when its selector no longer matches them. So a pod whose label you change keeps running without an
owner, and a new pod replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from canarylab.kube_objects import (
    Key,
    Object,
    controller_of,
    is_controlled_by,
    is_terminating,
    key_of,
    owner_reference,
    uid_of,
)
from canarylab.playground.controllers.loop import MapFunc
from canarylab.playground.kube.api import Api, WatchEvent
from canarylab.playground.kube.selectors import by_label_selector


class Claims(NamedTuple):
    """Objects that an owner has and keeps, that it adopts, and that it releases."""

    keep: list[Object]
    adopt: list[Object]
    release: list[Object]


def plan_claims(owner: Object, candidates: Iterable[Object]) -> Claims:
    """Sort the possible dependants of an owner; those of other owners are in no list."""
    selects, claims = by_label_selector(owner["spec"]["selector"]), Claims([], [], [])
    for candidate in candidates:
        if is_controlled_by(candidate, owner):
            (claims.keep if selects(candidate) else claims.release).append(candidate)
        elif selects(candidate) and _is_orphan(candidate) and not is_terminating(owner):
            claims.adopt.append(candidate)
    return claims


async def claim_dependants(api: Api, owner: Object, kind: str) -> list[Object]:
    """Adopt and release objects of this kind; return all that the owner has then."""
    candidates = await api.list(kind, owner["metadata"]["namespace"])
    keep, adopt, release = plan_claims(owner, candidates)
    for orphan in adopt:
        references = [*orphan["metadata"].get("ownerReferences", []), owner_reference(owner)]
        keep.append(await api.update(_with_owners(orphan, references)))
    for obj in release:
        references = obj["metadata"]["ownerReferences"]
        others = [reference for reference in references if reference["uid"] != uid_of(owner)]
        await api.update(_with_owners(obj, others))
    return keep


def keys_for_owner(kind: str) -> MapFunc:
    """Reconcile the changed object's owner of this kind, or all that might adopt an orphan."""

    async def map_func(api: Api, event: WatchEvent) -> list[Key]:
        owner, namespace = controller_of(event.object), event.object["metadata"]["namespace"]
        if owner is None:
            return _selecting(event.object, await api.list(kind, namespace))
        return [Key(namespace, owner["name"])] if owner["kind"] == kind else []

    return map_func


def _is_orphan(obj: Object) -> bool:
    return controller_of(obj) is None and not is_terminating(obj)


def _selecting(obj: Object, owners: Sequence[Object]) -> list[Key]:
    return [key_of(owner) for owner in owners if by_label_selector(owner["spec"]["selector"])(obj)]


def _with_owners(obj: Object, references: list[Object]) -> Object:
    rest = {name: value for name, value in obj["metadata"].items() if name != "ownerReferences"}
    return {**obj, "metadata": {**rest, **({"ownerReferences": references} if references else {})}}
