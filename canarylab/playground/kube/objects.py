"""Small readings of a Kubernetes object."""

from __future__ import annotations

from datetime import UTC, datetime

from canarylab.kube_objects import Object, is_terminating, key_of

__all__ = [
    "condition",
    "controller_of",
    "is_owned_by",
    "is_ready",
    "is_terminating",
    "key_of",
    "moment",
    "owner_reference",
    "timestamp",
    "uid_of",
]


def uid_of(obj: Object) -> str:
    """Which of several objects of one name, over time, this one is."""
    return str(obj["metadata"]["uid"])


def controller_of(obj: Object) -> Object | None:
    """The ownerReference of the controller that owns this object, if one does."""
    for reference in obj["metadata"].get("ownerReferences", []):
        if reference.get("controller"):
            return dict(reference)
    return None


def is_owned_by(obj: Object, owner: Object) -> bool:
    """Is `owner` the controller of this object? Names return; uids do not."""
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == uid_of(owner)


def owner_reference(owner: Object) -> Object:
    """The reference that says: this object is controlled by `owner`."""
    return {
        "apiVersion": owner["apiVersion"],
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": uid_of(owner),
    }


def condition(obj: Object, kind: str) -> Object | None:
    """The condition of this type, if it has one."""
    for entry in obj.get("status", {}).get("conditions", []):
        if entry["type"] == kind:
            return dict(entry)
    return None


def is_ready(pod: Object) -> bool:
    """Does it say that it can take traffic?"""
    ready = condition(pod, "Ready")
    return ready is not None and ready["status"] == "True"


def timestamp(moment: datetime) -> str:
    """As the API writes it: UTC, whole seconds.

    >>> timestamp(datetime(2026, 11, 22, 21, 42, 9, tzinfo=UTC))
    '2026-11-22T21:42:09Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The other way round.

    >>> moment("2026-11-22T21:42:09Z").second
    9
    """
    return datetime.fromisoformat(text)
