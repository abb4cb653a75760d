"""How do an object's conditions change?

A condition remembers two times: when it was last said, and since when it has had its status. What
is already said with the same reason is not said again. And who reads conditions in their order
sees the one that changed last at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import timestamp


class Condition(NamedTuple):
    """Something to be said of an object."""

    type: str
    status: str
    reason: str
    message: str


def find_condition(conditions: Sequence[Object], kind: str) -> Object | None:
    """The one of this type, if there is one."""
    return next((entry for entry in conditions if entry["type"] == kind), None)


def without(conditions: Sequence[Object], kind: str) -> list[Object]:
    """The others."""
    return [entry for entry in conditions if entry["type"] != kind]


def say(conditions: Sequence[Object], condition: Condition, now: datetime) -> list[Object]:
    """The conditions after saying this, unless it was said already."""
    before = find_condition(conditions, condition.type)
    if before and (before["status"], before["reason"]) == (condition.status, condition.reason):
        return list(conditions)
    return say_again(conditions, condition, now)


def say_again(conditions: Sequence[Object], condition: Condition, now: datetime) -> list[Object]:
    """The conditions after saying this, at this very moment, even if it was said already."""
    before, since = find_condition(conditions, condition.type), timestamp(now)
    if before and before["status"] == condition.status:
        since = before["lastTransitionTime"]
    entry = {
        "type": condition.type,
        "status": condition.status,
        "lastUpdateTime": timestamp(now),
        "lastTransitionTime": since,
        "reason": condition.reason,
        "message": condition.message,
    }
    return [*without(conditions, condition.type), entry]
