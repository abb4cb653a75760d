"""Tests that the status of a pod is that of a real kubelet.

The expected statuses are recordings of Kubernetes 1.36.2, with names and times of ours.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.node.status import (
    ContainerRunning,
    ContainerStatus,
    ContainerTerminated,
    ContainerWaiting,
    PodState,
    phase,
    pod_status,
    restored_status,
)

NODE_IP = "127.64.0.1"
NOW = datetime(2026, 11, 22, 21, 42, 10, tzinfo=UTC)
THEN = "2026-11-22T21:42:09Z"
NOW_TEXT = "2026-11-22T21:42:10Z"
WAITING = ContainerStatus("nodeapp", "node_app:1.0")
RUNNING = WAITING.running(NOW, image_id="sha256:e1", container_id="process://c1")
DONE = RUNNING.terminated(ContainerTerminated(0, "Completed", NOW, NOW, "process://c1"))
CRASHED = RUNNING.terminated(ContainerTerminated(1, "Error", NOW, NOW, "process://c1"))


def pod(status: Object | None = None, **spec: str) -> Object:
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": THEN}
    first = {"phase": "Pending", "qosClass": "Burstable", "conditions": [scheduled]}
    return {
        "metadata": {"name": "web-1", "generation": 1},
        "spec": {"containers": [{"name": name} for name in ("nodeapp", "side")], **spec},
        "status": status or first,
    }


def conditions(status: Object) -> dict[str, tuple[str, str | None]]:
    return {entry["type"]: (entry["status"], entry.get("reason")) for entry in status["conditions"]}


def test_the_first_status_of_a_pod() -> None:
    status = pod_status(pod(), PodState([WAITING], None, NODE_IP), NOW)
    unready = {
        "lastProbeTime": None,
        "lastTransitionTime": NOW_TEXT,
        "message": "containers with unready status: [nodeapp]",
        "observedGeneration": 1,
        "reason": "ContainersNotReady",
        "status": "False",
    }
    plain = {"lastProbeTime": None, "lastTransitionTime": NOW_TEXT, "observedGeneration": 1}
    assert status == {
        "conditions": [
            {**plain, "status": "False", "type": "PodReadyToStartContainers"},
            {**plain, "status": "True", "type": "Initialized"},
            {**unready, "type": "Ready"},
            {**unready, "type": "ContainersReady"},
            {**plain, "lastTransitionTime": THEN, "status": "True", "type": "PodScheduled"},
        ],
        "containerStatuses": [
            {
                "image": "node_app:1.0",
                "imageID": "",
                "lastState": {},
                "name": "nodeapp",
                "ready": False,
                "restartCount": 0,
                "started": False,
                "state": {"waiting": {"reason": "ContainerCreating"}},
            }
        ],
        "hostIP": NODE_IP,
        "hostIPs": [{"ip": NODE_IP}],
        "observedGeneration": 1,
        "phase": "Pending",
        "qosClass": "Burstable",
        "resources": {},
        "startTime": NOW_TEXT,
    }


def test_the_status_of_a_pod_that_is_ready() -> None:
    ready = replace(RUNNING, is_ready=True, has_started=True)
    status = pod_status(pod(), PodState([ready], "127.64.0.2", NODE_IP), NOW)
    assert set(conditions(status).values()) == {("True", None)}
    assert status["podIPs"] == [{"ip": "127.64.0.2"}]
    assert status["containerStatuses"] == [
        {
            "containerID": "process://c1",
            "image": "node_app:1.0",
            "imageID": "sha256:e1",
            "lastState": {},
            "name": "nodeapp",
            "ready": True,
            "resources": {},
            "restartCount": 0,
            "started": True,
            "state": {"running": {"startedAt": NOW_TEXT}},
        }
    ]


def test_a_container_has_what_it_asks_for_once_it_was_created() -> None:
    resources = {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}}
    given = pod()
    given["spec"]["containers"] = [{"name": "nodeapp", "resources": resources}]
    waiting, running = (
        pod_status(given, PodState([each], None, NODE_IP), NOW)["containerStatuses"][0]
        for each in (WAITING, RUNNING)
    )
    assert "resources" not in waiting
    assert (running["resources"], running["allocatedResources"]) == (resources, {"cpu": "500m"})


def test_the_status_of_a_pod_that_succeeded() -> None:
    status = pod_status(pod(), PodState([DONE], "127.64.0.2", NODE_IP, is_finished=True), NOW)
    assert (status["phase"], conditions(status)) == (
        "Succeeded",
        {
            "PodReadyToStartContainers": ("False", None),
            "Initialized": ("True", "PodCompleted"),
            "Ready": ("False", "PodCompleted"),
            "ContainersReady": ("False", "PodCompleted"),
            "PodScheduled": ("True", None),
        },
    )


def test_a_condition_that_does_not_change_keeps_its_time() -> None:
    before = pod_status(pod(), PodState([WAITING], None, NODE_IP), NOW)
    later = pod_status(pod(before), PodState([WAITING], None, NODE_IP), NOW.replace(second=59))
    assert later == before


def test_fields_of_others_stay() -> None:
    status = {"conditions": [{"type": "example.com/Gate", "status": "True"}], "message": "kept"}
    after = pod_status(pod(status), PodState([WAITING], None, NODE_IP), NOW)
    assert after["message"] == "kept"
    assert "example.com/Gate" in conditions(after)


def test_a_pod_is_ready_only_when_all_its_containers_are() -> None:
    ready = replace(RUNNING, is_ready=True)
    other = replace(RUNNING, name="side")
    status = pod_status(pod(), PodState([ready, other], "127.64.0.2", NODE_IP), NOW)
    assert status["conditions"][2]["message"] == "containers with unready status: [side]"


INIT_CRASHED = replace(CRASHED, kind="init")
SIDECAR, SIDECAR_CRASHED = replace(RUNNING, kind="sidecar"), replace(CRASHED, kind="sidecar")
BACKING_OFF = CRASHED.waiting(ContainerWaiting("CrashLoopBackOff"))


@pytest.mark.parametrize(
    ("statuses", "policy", "expected"),
    [
        ([WAITING], "Always", "Pending"),
        ([RUNNING, WAITING], "Always", "Pending"),
        ([RUNNING], "Always", "Running"),
        ([RUNNING, DONE], "Never", "Running"),
        ([DONE], "Always", "Running"),
        ([CRASHED], "Always", "Running"),
        ([BACKING_OFF], "Always", "Running"),
        ([BACKING_OFF], "OnFailure", "Running"),
        ([CRASHED], "OnFailure", "Running"),
        ([DONE], "OnFailure", "Succeeded"),
        ([DONE], "Never", "Succeeded"),
        ([CRASHED], "Never", "Failed"),
        ([DONE, CRASHED], "Never", "Failed"),
        ([INIT_CRASHED, WAITING], "Never", "Failed"),
        ([INIT_CRASHED, WAITING], "Always", "Pending"),
        ([SIDECAR, DONE], "OnFailure", "Running"),
        ([SIDECAR_CRASHED, DONE], "OnFailure", "Succeeded"),
    ],
)
def test_phase(statuses: list[ContainerStatus], policy: str, expected: str) -> None:
    assert phase(statuses, policy, is_finished=False) == expected


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
@pytest.mark.parametrize(
    ("status_of_container", "expected"),
    [(DONE, "Succeeded"), (CRASHED, "Failed"), (WAITING, "Failed")],
)
def test_the_phase_of_a_deleted_pod_is_how_it_ended(
    status_of_container: ContainerStatus, policy: str, expected: str
) -> None:
    assert phase([status_of_container], policy, is_finished=True) == expected


@pytest.mark.parametrize("status_of_container", [WAITING, DONE, CRASHED, BACKING_OFF])
def test_a_container_status_is_restored_from_the_pod(status_of_container: ContainerStatus) -> None:
    (status,) = pod_status(pod(), PodState([status_of_container], None, NODE_IP), NOW)[
        "containerStatuses"
    ]
    found = restored_status(ContainerStatus("nodeapp", "node_app:1.0"), status, now=NOW)
    expected = (
        status_of_container
        if isinstance(status_of_container.state, ContainerTerminated)
        else replace(status_of_container, state=found.state)
    )
    assert found == expected


def test_a_restored_running_container_has_terminated_with_unknown_result() -> None:
    (status,) = pod_status(pod(), PodState([RUNNING], None, NODE_IP), NOW)["containerStatuses"]
    found = restored_status(ContainerStatus("nodeapp", "node_app:1.0"), status, now=NOW)
    assert found.state == ContainerTerminated(255, "Unknown", NOW, NOW, "process://c1")


def test_only_runs_after_the_first_are_restarts() -> None:
    again = CRASHED.running(NOW, image_id="", container_id="")
    assert (RUNNING.restarts, again.restarts, again.last) == (0, 1, CRASHED.state)
    assert isinstance(again.state, ContainerRunning)


def test_a_pod_that_has_ended_keeps_its_phase_and_its_reason() -> None:
    why = {"phase": "Failed", "reason": "DeadlineExceeded", "message": "too long"}
    ended = pod({**why, "conditions": []})
    after = pod_status(ended, PodState([DONE], None, NODE_IP, is_finished=True), NOW)
    assert {name: after[name] for name in why} == why
    assert conditions(after)["Ready"] == ("False", "PodFailed")
