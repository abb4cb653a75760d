from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.controllers.pods import (
    is_active,
    is_ending,
    next_available_s,
    usefulness,
)
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import parse_timestamp
from tests.playground.controllers.world import THEN, meta, pod, running

LATER = "2026-11-22T21:42:19Z"
NOW = parse_timestamp(LATER)


def restarted(obj: Object, times: int) -> Object:
    return {**obj, "status": {**obj["status"], "containerStatuses": [{"restartCount": times}]}}


def ready_since(stamp: str) -> Object:
    return {**pod(ready=True), "status": running("127.64.0.2", ready=True, since=stamp)}


def a_fleet() -> list[Object]:
    """Pods by how much they would be missed, the least first."""
    return [
        pod(),
        {**pod(nodeName="playground"), "status": {"phase": "Pending"}},
        restarted(pod(ready=False), 3),
        pod(ready=False),
        ready_since(LATER),
        restarted(ready_since(THEN), 2),
        meta(ready_since(THEN), creationTimestamp=LATER),
        meta(ready_since(THEN), creationTimestamp=THEN),
    ]


def test_usefulness_is_strictly_ordered() -> None:
    ranks = [usefulness(one) for one in a_fleet()]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


def test_the_next_look_is_when_the_next_pod_has_proved_itself() -> None:
    fleet = [ready_since(THEN), ready_since(LATER), pod(ready=False)]
    assert next_available_s(fleet, 30, NOW) == 20
    assert next_available_s(fleet, 5, NOW) == 5
    assert next_available_s(fleet, 0, NOW) is None


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        ({}, True),
        ({"status": {"phase": "Failed"}}, False),
        ({"status": {"phase": "Succeeded"}}, False),
        ({"metadata": {"deletionTimestamp": THEN}}, False),
    ],
)
def test_what_is_over_or_ending_is_no_replica(changes: dict[str, Any], active: bool) -> None:
    assert is_active({**pod(ready=True), **changes}) is active


@pytest.mark.parametrize("phase", ["Running", "Succeeded", "Failed"])
def test_a_pod_that_is_over_is_no_longer_ending(phase: str) -> None:
    leaving = meta({**pod(), "status": {"phase": phase}}, deletionTimestamp=THEN)
    assert is_ending(leaving) is (phase == "Running")
