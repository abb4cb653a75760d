"""Disruption budgets: how many pods may be evicted."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Key, Object
from canarylab.playground.controllers import disruption_budget
from canarylab.playground.controllers.disruption_budget import plan
from tests.playground.controllers.builders import (
    LABELS,
    SPACE,
    deployment,
    event_messages,
    meta,
    owned,
    pod,
    replica_set,
    running_controllers,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

BUDGET = Key(SPACE, "half")


def budget(**spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "half", "namespace": SPACE, "generation": 1},
        "spec": {"selector": {"matchLabels": LABELS}, **spec},
    }


@pytest.mark.parametrize(
    ("spec", "healthy", "expected", "desired", "allowed"),
    [
        ({"minAvailable": 2}, 3, 3, 2, 1),
        ({"minAvailable": 2}, 2, 3, 2, 0),
        ({"minAvailable": 5}, 3, 3, 5, 0),
        ({"minAvailable": "50%"}, 4, 4, 2, 2),
        ({"minAvailable": "26%"}, 4, 4, 2, 2),
        ({"maxUnavailable": 1}, 4, 4, 3, 1),
        ({"maxUnavailable": "25%"}, 4, 4, 3, 1),
        ({"maxUnavailable": "30%"}, 4, 4, 2, 2),
        ({"maxUnavailable": 9}, 4, 4, 0, 4),
        ({}, 3, 3, 0, 3),
    ],
)
def test_the_counts(spec: Object, healthy: int, expected: int, desired: int, allowed: int) -> None:
    found = plan(spec, pods=expected, healthy=healthy, scale=expected)
    assert (found.expected, found.desired, found.allowed) == (expected, desired, allowed)


def test_no_pods_may_be_evicted_where_there_are_none() -> None:
    assert plan({"maxUnavailable": 1}, pods=0, healthy=0, scale=0).allowed == 0


async def test_the_status_follows_the_pods() -> None:
    api = FakeApi()
    web = await api.create(deployment(3))
    made = await api.put(owned(replica_set(3), web))
    for number in range(3):
        await api.put(owned(pod(f"web-1-{number}", ready=True), made))
    await api.create(budget(maxUnavailable="50%"))

    async def allowed(count: int) -> bool:
        status = (await api.get("PodDisruptionBudget", BUDGET)).get("status", {})
        return bool(status.get("disruptionsAllowed") == count)

    async with running_controllers(api, disruption_budget.controller):
        await until(lambda: allowed(2))
        gone = await api.get("Pod", Key(SPACE, "web-1-0"))
        await api.update_status({**gone, "status": {"phase": "Running", "conditions": []}})
        await until(lambda: allowed(1))
    status = (await api.get("PodDisruptionBudget", BUDGET))["status"]
    assert {
        name: status[name] for name in ("currentHealthy", "desiredHealthy", "expectedPods")
    } == {
        "currentHealthy": 2,
        "desiredHealthy": 1,
        "expectedPods": 3,
    }
    assert status["conditions"][0]["reason"] == "SufficientPods"


async def test_a_budget_that_selects_nothing_says_so() -> None:
    api = FakeApi()
    await api.create(budget(minAvailable=1))
    await disruption_budget.reconcile(api, BUDGET)
    assert await event_messages(api, "NoPods") == ["No matching pods found"]
    [condition] = (await api.get("PodDisruptionBudget", BUDGET))["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "InsufficientPods")


def test_a_budget_without_a_selector_selects_no_pod() -> None:
    bare = {**budget(), "spec": {}}
    assert not disruption_budget.selects(bare, meta(pod(), labels=LABELS))
