"""Messages and reasons are those recorded from Kubernetes 1.36."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from canarylab.kube_objects import Object, find_condition_in, parse_timestamp
from canarylab.playground.controllers.deployment_status import (
    count_replicas,
    deployment_status,
    requeue_after_s,
)
from tests.playground.controllers.builders import THEN, deployment, meta, replica_set, template

NOW = parse_timestamp(THEN)


def web(said: Object | None = None, **spec: Any) -> Object:
    return {**meta(deployment(**spec), uid="d-1", generation=1), "status": said or {}}


def new(asked: int = 3, **said: int) -> Object:
    return {**replica_set(asked, "web-1"), "status": {"observedGeneration": 1, **said}}


def all_there(replicas: int = 3) -> Object:
    names = ("replicas", "readyReplicas", "availableReplicas")
    return new(replicas, **dict.fromkeys(names, replicas))


def progressing(reason: str, word: str = "True", *, updated: str = THEN) -> Object:
    return {
        "type": "Progressing",
        "status": word,
        "reason": reason,
        "message": "",
        "lastUpdateTime": updated,
        "lastTransitionTime": updated,
    }


def said_of(report: Object, kind: str) -> tuple[str, str, str]:
    entry = find_condition_in(report["conditions"], kind) or {}
    return entry["status"], entry["reason"], entry["message"]


def test_zeros_are_left_out_except_for_terminating_pods() -> None:
    nothing = count_replicas(web(replicas=0), [])
    assert nothing == {"observedGeneration": 1, "terminatingReplicas": 0}


def test_counts_add_up_all_versions_and_updated_is_the_new_one_alone() -> None:
    old = {**replica_set(2, "web-0", template=template("old")), "status": all_there(2)["status"]}
    assert count_replicas(web(replicas=4), [old, new(3, replicas=3, terminatingReplicas=1)]) == {
        "availableReplicas": 2,
        "observedGeneration": 1,
        "readyReplicas": 2,
        "replicas": 5,
        "terminatingReplicas": 1,
        "unavailableReplicas": 3,
        "updatedReplicas": 3,
    }


def test_a_created_replica_set_is_reported() -> None:
    made = new(3)
    report = deployment_status(web(), [made], made, NOW)
    words = 'Created new replica set "web-1"'
    assert said_of(report, "Progressing") == ("True", "NewReplicaSetCreated", words)


def test_a_found_replica_set_is_reported() -> None:
    report = deployment_status(web(), [new(3)], None, NOW)
    words = 'Found new replica set "web-1"'
    assert said_of(report, "Progressing") == ("True", "FoundNewReplicaSet", words)


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        (
            2,
            (
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            ),
        ),
        (3, ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")),
    ],
)
def test_available_allows_max_unavailable_pods_to_be_missing(
    available: int, expected: tuple[str, str, str]
) -> None:
    report = deployment_status(web(), [new(3, availableReplicas=available)], None, NOW)
    assert said_of(report, "Available") == expected


def test_more_updated_pods_are_progress() -> None:
    before = {"conditions": [progressing("NewReplicaSetCreated")]}
    report = deployment_status(web(before), [new(3, replicas=3)], None, NOW)
    words = 'ReplicaSet "web-1" is progressing.'
    assert said_of(report, "Progressing") == ("True", "ReplicaSetUpdated", words)


def test_every_progress_moves_the_deadline() -> None:
    before = {"replicas": 3, "conditions": [progressing("ReplicaSetUpdated")]}
    later = NOW + timedelta(seconds=30)
    report = deployment_status(web(before), [new(3, replicas=3)], None, later)
    condition = find_condition_in(report["conditions"], "Progressing") or {}
    assert condition["lastUpdateTime"] != condition["lastTransitionTime"] == THEN


def test_the_rollout_is_complete_when_all_are_available() -> None:
    before = {"conditions": [progressing("ReplicaSetUpdated")]}
    report = deployment_status(web(before), [all_there()], None, NOW)
    words = 'ReplicaSet "web-1" has successfully progressed.'
    assert said_of(report, "Progressing") == ("True", "NewReplicaSetAvailable", words)


def test_a_lost_pod_after_completion_is_no_rollout() -> None:
    before = {"replicas": 3, "conditions": [progressing("NewReplicaSetAvailable")]}
    lost = new(3, replicas=3, readyReplicas=2, availableReplicas=2)
    report = deployment_status(web(before), [lost], None, NOW + timedelta(hours=1))
    assert said_of(report, "Progressing")[1] == "NewReplicaSetAvailable"


def stuck(reason: str = "ReplicaSetUpdated", word: str = "True") -> Object:
    said = {"replicas": 3, "updatedReplicas": 3, "observedGeneration": 1}
    return web({**said, "conditions": [progressing(reason, word)]}, progressDeadlineSeconds=3)


def test_without_progress_the_deadline_passes() -> None:
    report = deployment_status(stuck(), [new(3, replicas=3)], None, NOW + timedelta(seconds=4))
    words = 'ReplicaSet "web-1" has timed out progressing.'
    assert said_of(report, "Progressing") == ("False", "ProgressDeadlineExceeded", words)


def test_up_to_the_deadline_nothing_has_timed_out() -> None:
    report = deployment_status(stuck(), [new(3, replicas=3)], None, NOW + timedelta(seconds=3))
    assert said_of(report, "Progressing")[1] == "ReplicaSetUpdated"


def test_progress_after_the_deadline_is_reported() -> None:
    late = stuck("ProgressDeadlineExceeded", "False")
    one_more = new(3, replicas=3, readyReplicas=1)
    report = deployment_status(late, [one_more], None, NOW + timedelta(hours=1))
    assert said_of(report, "Progressing")[:2] == ("True", "ReplicaSetUpdated")


def test_without_a_deadline_there_is_no_progressing_condition() -> None:
    forever = web(
        {"conditions": [progressing("ReplicaSetUpdated")]}, progressDeadlineSeconds=2147483647
    )
    report = deployment_status(forever, [new(3, replicas=3)], None, NOW)
    assert find_condition_in(report["conditions"], "Progressing") is None


def test_pausing_and_resuming_are_reported() -> None:
    over = {"conditions": [progressing("NewReplicaSetAvailable")], "replicas": 3}
    paused = deployment_status(web(over, paused=True), [all_there()], None, NOW)
    assert said_of(paused, "Progressing") == ("Unknown", "DeploymentPaused", "Deployment is paused")
    unfinished = [new(3, replicas=3)]
    before = {**paused, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
    resumed = deployment_status(web(before), unfinished, None, NOW)
    words = "Deployment is resumed"
    assert said_of(resumed, "Progressing") == ("Unknown", "DeploymentResumed", words)


def test_conditions_keep_the_order_in_which_they_last_changed() -> None:
    made = new(3)
    first = deployment_status(web(), [made], made, NOW)
    second = deployment_status(web(first), [new(3, replicas=3)], None, NOW)
    assert [entry["type"] for entry in second["conditions"]] == ["Available", "Progressing"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("ReplicaSetUpdated", 2.1),
        ("NewReplicaSetAvailable", None),
        ("ProgressDeadlineExceeded", None),
    ],
)
def test_a_rollout_that_can_time_out_is_reconciled_again(
    reason: str, expected: float | None
) -> None:
    obj = stuck(reason)
    when = requeue_after_s(obj, obj["status"], NOW + timedelta(seconds=1))
    assert when == pytest.approx(expected)


@pytest.mark.parametrize("missing", ["reason", "lastUpdateTime", "lastTransitionTime", "status"])
def test_a_condition_that_a_client_left_incomplete_is_written_anew(missing: str) -> None:
    before = progressing("ReplicaSetUpdated")
    del before[missing]
    report = deployment_status(web({"conditions": [before]}), [new(3)], None, NOW)
    assert said_of(report, "Progressing")[1] == "FoundNewReplicaSet"


def test_pods_that_are_refused_are_a_condition_as_long_as_they_are() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "m"}
    failing = {**new(3), "status": {"conditions": [refused]}}
    report = deployment_status(web(), [failing], None, NOW)
    assert said_of(report, "ReplicaFailure") == ("True", "FailedCreate", "m")
    after = deployment_status(web(report), [new(3)], None, NOW)
    assert find_condition_in(after["conditions"], "ReplicaFailure") is None
