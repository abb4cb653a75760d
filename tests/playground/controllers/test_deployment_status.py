"""The sentences and reasons here are those that Kubernetes 1.36 gave while it was watched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from canarylab.playground.controllers.conditions import find_condition
from canarylab.playground.controllers.deployment_status import counts, next_look_s, status
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import parse_timestamp
from tests.playground.controllers.world import THEN, deployment, meta, replica_set, template

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
    entry = find_condition(report["conditions"], kind) or {}
    return entry["status"], entry["reason"], entry["message"]


def test_a_zero_is_said_only_of_ending_pods() -> None:
    nothing = counts(web(replicas=0), [])
    assert nothing == {"observedGeneration": 1, "terminatingReplicas": 0}


def test_counts_add_up_over_all_versions_and_updated_is_the_newest_alone() -> None:
    old = {**replica_set(2, "web-0", template=template("old")), "status": all_there(2)["status"]}
    assert counts(web(replicas=4), [old, new(3, replicas=3, terminatingReplicas=1)]) == {
        "availableReplicas": 2,
        "observedGeneration": 1,
        "readyReplicas": 2,
        "replicas": 5,
        "terminatingReplicas": 1,
        "unavailableReplicas": 3,
        "updatedReplicas": 3,
    }


def test_a_replica_set_just_made_is_news() -> None:
    made = new(3)
    report = status(web(), [made], made, NOW)
    words = 'Created new replica set "web-1"'
    assert said_of(report, "Progressing") == ("True", "NewReplicaSetCreated", words)


def test_one_that_was_found_is_news_once() -> None:
    report = status(web(), [new(3)], None, NOW)
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
def test_available_means_no_fewer_than_may_be_missing(
    available: int, expected: tuple[str, str, str]
) -> None:
    report = status(web(), [new(3, availableReplicas=available)], None, NOW)
    assert said_of(report, "Available") == expected


def test_more_updated_pods_are_progress() -> None:
    before = {"conditions": [progressing("NewReplicaSetCreated")]}
    report = status(web(before), [new(3, replicas=3)], None, NOW)
    words = 'ReplicaSet "web-1" is progressing.'
    assert said_of(report, "Progressing") == ("True", "ReplicaSetUpdated", words)


def test_every_progress_moves_the_deadline() -> None:
    before = {"replicas": 3, "conditions": [progressing("ReplicaSetUpdated")]}
    later = NOW + timedelta(seconds=30)
    report = status(web(before), [new(3, replicas=3)], None, later)
    condition = find_condition(report["conditions"], "Progressing") or {}
    assert condition["lastUpdateTime"] != condition["lastTransitionTime"] == THEN


def test_when_all_are_available_the_rollout_is_over() -> None:
    before = {"conditions": [progressing("ReplicaSetUpdated")]}
    report = status(web(before), [all_there()], None, NOW)
    words = 'ReplicaSet "web-1" has successfully progressed.'
    assert said_of(report, "Progressing") == ("True", "NewReplicaSetAvailable", words)


def test_after_it_is_over_a_lost_pod_is_no_rollout() -> None:
    before = {"replicas": 3, "conditions": [progressing("NewReplicaSetAvailable")]}
    lost = new(3, replicas=3, readyReplicas=2, availableReplicas=2)
    report = status(web(before), [lost], None, NOW + timedelta(hours=1))
    assert said_of(report, "Progressing")[1] == "NewReplicaSetAvailable"


def stuck(reason: str = "ReplicaSetUpdated", word: str = "True") -> Object:
    said = {"replicas": 3, "updatedReplicas": 3, "observedGeneration": 1}
    return web({**said, "conditions": [progressing(reason, word)]}, progressDeadlineSeconds=3)


def test_without_progress_the_deadline_passes() -> None:
    report = status(stuck(), [new(3, replicas=3)], None, NOW + timedelta(seconds=4))
    words = 'ReplicaSet "web-1" has timed out progressing.'
    assert said_of(report, "Progressing") == ("False", "ProgressDeadlineExceeded", words)


def test_up_to_the_deadline_nothing_is_late() -> None:
    report = status(stuck(), [new(3, replicas=3)], None, NOW + timedelta(seconds=3))
    assert said_of(report, "Progressing")[1] == "ReplicaSetUpdated"


def test_late_progress_takes_the_blame_back() -> None:
    late = stuck("ProgressDeadlineExceeded", "False")
    one_more = new(3, replicas=3, readyReplicas=1)
    report = status(late, [one_more], None, NOW + timedelta(hours=1))
    assert said_of(report, "Progressing")[:2] == ("True", "ReplicaSetUpdated")


def test_without_a_deadline_nothing_is_said_of_progress() -> None:
    forever = web(
        {"conditions": [progressing("ReplicaSetUpdated")]}, progressDeadlineSeconds=2147483647
    )
    report = status(forever, [new(3, replicas=3)], None, NOW)
    assert find_condition(report["conditions"], "Progressing") is None


def test_a_pause_and_its_end_are_said() -> None:
    over = {"conditions": [progressing("NewReplicaSetAvailable")], "replicas": 3}
    paused = status(web(over, paused=True), [all_there()], None, NOW)
    assert said_of(paused, "Progressing") == ("Unknown", "DeploymentPaused", "Deployment is paused")
    unfinished = [new(3, replicas=3)]
    before = {**paused, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
    resumed = status(web(before), unfinished, None, NOW)
    words = "Deployment is resumed"
    assert said_of(resumed, "Progressing") == ("Unknown", "DeploymentResumed", words)


def test_conditions_keep_the_order_in_which_they_last_changed() -> None:
    made = new(3)
    first = status(web(), [made], made, NOW)
    second = status(web(first), [new(3, replicas=3)], None, NOW)
    assert [entry["type"] for entry in second["conditions"]] == ["Available", "Progressing"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("ReplicaSetUpdated", 2.1),
        ("NewReplicaSetAvailable", None),
        ("ProgressDeadlineExceeded", None),
    ],
)
def test_who_may_become_late_is_looked_at_again(reason: str, expected: float | None) -> None:
    obj = stuck(reason)
    when = next_look_s(obj, obj["status"], NOW + timedelta(seconds=1))
    assert when == pytest.approx(expected)
