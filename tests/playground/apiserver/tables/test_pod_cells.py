"""How pods are, in one word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.playground.apiserver.tables.pod_cells import pod_cells, pod_status
from canarylab.playground.kube.api import Object

NOW = datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC)
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def running(*, ready: bool = True, **fields: Any) -> Object:
    return {"name": "nodeapp", "ready": ready, "state": {"running": {}}, **fields}


def waiting(reason: str) -> Object:
    return {"name": "nodeapp", "state": {"waiting": {"reason": reason}}}


def ended(**how: Any) -> Object:
    return {"name": "nodeapp", "state": {"terminated": how}}


def pod(*containers: Object, **status: Any) -> Object:
    return {
        "metadata": {"name": "a", "creationTimestamp": "2026-11-22T21:45:20Z"},
        "spec": {"containers": [{"name": "nodeapp"}] * max(1, len(containers))},
        "status": {"phase": "Running", "containerStatuses": list(containers), **status},
    }


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (pod(phase="Pending"), "Pending"),
        (pod(running()), "Running"),
        (pod(running(ready=False)), "Running"),
        (pod(waiting("ContainerCreating"), phase="Pending"), "ContainerCreating"),
        (pod(waiting("ErrImagePull"), phase="Pending"), "ErrImagePull"),
        (pod(waiting("ImagePullBackOff"), phase="Pending"), "ImagePullBackOff"),
        (pod(waiting("CrashLoopBackOff")), "CrashLoopBackOff"),
        (pod(ended(exitCode=1, reason="Error")), "Error"),
        (pod(ended(exitCode=0, reason="Completed"), phase="Succeeded"), "Completed"),
        (pod(ended(exitCode=3)), "ExitCode:3"),
        (pod(ended(exitCode=137, signal=9)), "Signal:9"),
        (pod(phase="Failed", reason="Evicted"), "Evicted"),
        (pod(waiting("CrashLoopBackOff"), running()), "CrashLoopBackOff"),
        (pod(running(), waiting("CrashLoopBackOff")), "CrashLoopBackOff"),
        (pod(waiting("First"), waiting("Second")), "First"),
        (pod(ended(reason="Completed"), running(), **READY), "Running"),
        (pod(ended(reason="Completed"), running()), "NotReady"),
        (
            pod(conditions=[{"type": "PodScheduled", "reason": "SchedulingGated"}]),
            "SchedulingGated",
        ),
    ],
)
def test_a_pod_has_a_word_for_how_it_is(given: Object, word: str) -> None:
    assert pod_status(given) == word


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({}, "Terminating"),
        ({"phase": "Succeeded"}, "Succeeded"),
        ({"reason": "NodeLost"}, "Unknown"),
    ],
)
def test_a_pod_on_its_way_out(status: Object, word: str) -> None:
    leaving = pod(**status)
    leaving["metadata"]["deletionTimestamp"] = "2026-11-22T21:45:23Z"
    assert pod_status(leaving) == word


@pytest.mark.parametrize(
    ("containers", "ready"),
    [
        ([], "0/1"),
        ([running()], "1/1"),
        ([running(ready=False)], "0/1"),
        ([running(), waiting("CrashLoopBackOff")], "1/2"),
        ([{**ended(reason="Completed"), "ready": True}], "0/1"),
    ],
)
def test_containers_that_can_take_traffic_are_counted(containers: list[Object], ready: str) -> None:
    assert pod_cells(pod(*containers), NOW)[1] == ready


def restarted(count: int, *, ended_at: str | None = None) -> Object:
    last = {"terminated": {"finishedAt": ended_at}} if ended_at else {}
    return running(restartCount=count, lastState=last)


@pytest.mark.parametrize(
    ("containers", "restarts"),
    [
        ([restarted(0)], "0"),
        ([restarted(2)], "2"),
        ([restarted(1, ended_at="2026-11-22T21:45:18Z")], "1 (5s ago)"),
        (
            [
                restarted(1, ended_at="2026-11-22T21:40:23Z"),
                restarted(2, ended_at="2026-11-22T21:45:13Z"),
            ],
            "3 (10s ago)",
        ),
    ],
)
def test_restarts_are_counted(containers: list[Object], restarts: str) -> None:
    assert pod_cells(pod(*containers), NOW)[3] == restarts


def test_a_pod_that_runs_somewhere() -> None:
    there = pod(running(), podIP="10.244.0.217")
    there["spec"]["nodeName"] = "playground"
    wide = ["10.244.0.217", "playground", "<none>", "<none>"]
    assert pod_cells(there, NOW) == ["a", "1/1", "Running", "0", "3s", *wide]


def test_a_pod_that_runs_nowhere_yet() -> None:
    assert pod_cells(pod(phase="Pending"), NOW)[5:] == ["<none>"] * 4


def test_gates_that_are_open_are_counted() -> None:
    gated = pod(conditions=[{"type": "one", "status": "True"}])
    gated["spec"]["readinessGates"] = [{"conditionType": "one"}, {"conditionType": "two"}]
    assert pod_cells(gated, NOW)[-1] == "1/2"
