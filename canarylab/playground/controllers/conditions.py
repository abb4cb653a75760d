"""Conditions in an object's status.

A condition has two times: when it was last updated, and since when it has had its status. Setting
it with the status and reason that it has already changes nothing. The one that changed last is at
the end of the list, as in Kubernetes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import last_transition_time, timestamp


class StatusCondition(NamedTuple):
    """A condition without its times."""

    type: str
    status: str
    reason: str
    message: str


def find_in(conditions: Sequence[Object], kind: str) -> Object | None:
    """Return the condition of this type."""
    return next((entry for entry in conditions if entry["type"] == kind), None)


def remove_condition(conditions: Sequence[Object], kind: str) -> list[Object]:
    """Return the conditions of the other types."""
    return [entry for entry in conditions if entry["type"] != kind]


def set_condition(
    conditions: Sequence[Object], condition: StatusCondition, now: datetime
) -> list[Object]:
    """Return the conditions with this one, unless it has this status and reason already."""
    before = find_in(conditions, condition.type)
    if before and (before["status"], before["reason"]) == (condition.status, condition.reason):
        return list(conditions)
    return refresh_condition(conditions, condition, now)


def refresh_condition(
    conditions: Sequence[Object], condition: StatusCondition, now: datetime
) -> list[Object]:
    """Return the conditions with this one, updated now even if it is the same as before."""
    before = find_in(conditions, condition.type)
    entry = {
        "type": condition.type,
        "status": condition.status,
        "lastUpdateTime": timestamp(now),
        "lastTransitionTime": last_transition_time(before, condition.status, now),
        "reason": condition.reason,
        "message": condition.message,
    }
    return [*remove_condition(conditions, condition.type), entry]
