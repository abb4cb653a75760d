"""Revisions of a Deployment, and the hash of a template."""

from __future__ import annotations

import re
from typing import Any

import pytest

from canarylab.kube_objects import REVISION_ANNOTATION, Object, is_controlled_by
from canarylab.playground.controllers.revisions import (
    DESIRED_REPLICAS,
    HASH_LABEL,
    MAX_REPLICAS,
    REVISION_HISTORY,
    beyond_history_limit,
    new_and_old,
    new_replica_set,
    revision_of,
    same_template,
    template_hash,
    with_revision,
    with_size,
    without_hash,
)
from tests.playground.controllers.builders import deployment, meta, replica_set, template

WEB = meta(deployment(3), uid="d-1", generation=1)
OTHER = template("node_app:2.0")


def numbered(number: int, *, history: str | None = None, replicas: int = 0) -> Object:
    own = {REVISION_ANNOTATION: str(number)} | ({REVISION_HISTORY: history} if history else {})
    at_rest = {"replicas": replicas, "observedGeneration": 1}
    one = meta(replica_set(replicas, f"web-{number}"), annotations=own, generation=1)
    return {**one, "status": at_rest}


def annotations_of(obj: Object) -> dict[str, str]:
    return dict(obj["metadata"]["annotations"])


def test_the_new_replica_set_is_that_of_the_current_template_however_old() -> None:
    first = meta(replica_set(name="web-1"), creationTimestamp="2026-11-22T21:00:00Z")
    second = meta(
        replica_set(name="web-2", template=OTHER), creationTimestamp="2026-11-22T22:00:00Z"
    )
    assert new_and_old(WEB, [second, first]) == (first, [second])


def test_of_two_with_the_same_template_the_older_is_the_new_one() -> None:
    one = meta(replica_set(name="web-1"), creationTimestamp="2026-11-22T21:00:00Z")
    two = meta(replica_set(name="web-2"), creationTimestamp="2026-11-22T22:00:00Z")
    assert new_and_old(WEB, [two, one]) == (one, [two])


def test_there_is_no_new_replica_set_before_the_first_rollout() -> None:
    old = replica_set(template=OTHER)
    assert new_and_old(WEB, [old]) == (None, [old])


def test_a_new_replica_set_has_the_hash_in_its_name_and_labels() -> None:
    new = new_replica_set(WEB, [], size=3, max_replicas=4)
    own_hash = new["metadata"]["labels"][HASH_LABEL]
    assert new["metadata"]["name"] == f"web-{own_hash}"
    assert new["spec"]["selector"]["matchLabels"][HASH_LABEL] == own_hash
    assert new["spec"]["template"]["metadata"]["labels"][HASH_LABEL] == own_hash
    assert is_controlled_by(new, WEB)


def test_a_new_replica_set_has_the_next_revision_and_the_recorded_sizes() -> None:
    new = new_replica_set(WEB, [numbered(1), numbered(4)], size=1, max_replicas=4)
    assert annotations_of(new) == {
        REVISION_ANNOTATION: "5",
        DESIRED_REPLICAS: "3",
        MAX_REPLICAS: "4",
    }
    assert new["spec"]["replicas"] == 1


def test_after_a_collision_the_name_differs() -> None:
    collided = {**WEB, "status": {"collisionCount": 1}}
    names = {
        new_replica_set(one, [], size=1, max_replicas=1)["metadata"]["name"]
        for one in (WEB, collided)
    }
    assert len(names) == 2


def test_annotations_are_copied_except_those_of_the_deployment_itself() -> None:
    own = {"kubectl.kubernetes.io/last-applied-configuration": "{}", REVISION_ANNOTATION: "7"}
    web = meta(WEB, annotations={**own, "kubernetes.io/change-cause": "version 2.0"})
    assert annotations_of(with_revision(numbered(1), web, [])) == {
        REVISION_ANNOTATION: "1",
        "kubernetes.io/change-cause": "version 2.0",
    }


def test_a_rolled_back_replica_set_gets_the_next_revision_and_keeps_the_old_in_its_history() -> (
    None
):
    back = with_revision(numbered(2), WEB, [numbered(1), numbered(3)])
    assert annotations_of(back) == {REVISION_ANNOTATION: "4", REVISION_HISTORY: "2"}


def test_the_history_keeps_all_earlier_revisions() -> None:
    back = with_revision(numbered(4, history="2"), WEB, [numbered(5)])
    assert annotations_of(back)[REVISION_HISTORY] == "2,4"


def test_a_long_history_loses_its_oldest_revisions() -> None:
    long = ",".join(str(number) for number in range(1000, 1400))
    history = annotations_of(with_revision(numbered(1400, history=long), WEB, [numbered(1500)]))[
        REVISION_HISTORY
    ]
    assert history.endswith(",1399,1400")
    assert 1990 < len(history) <= 2000


def test_a_numbered_replica_set_does_not_change() -> None:
    once = with_revision(numbered(2), WEB, [numbered(1)])
    assert with_revision(once, WEB, [numbered(1)]) == once


@pytest.mark.parametrize("seconds", [0, 5])
def test_min_ready_seconds_are_copied(seconds: int) -> None:
    web = deployment(3, minReadySeconds=seconds)
    assert with_revision(numbered(1), web, [])["spec"].get("minReadySeconds", 0) == seconds


def test_a_size_is_recorded_with_the_desired_replicas() -> None:
    other = with_size(numbered(1), WEB, size=2, max_replicas=4)
    assert other["spec"]["replicas"] == 2
    assert annotations_of(other) == {
        REVISION_ANNOTATION: "1",
        DESIRED_REPLICAS: "3",
        MAX_REPLICAS: "4",
    }


@pytest.mark.parametrize("limit", range(5))
def test_the_lowest_revisions_are_beyond_the_limit(limit: int) -> None:
    olds = [numbered(number) for number in (3, 1, 4, 2)]
    going = sorted(map(revision_of, beyond_history_limit(olds, limit)))
    assert going == list(range(1, 5 - limit))


def test_replica_sets_with_pods_or_an_outdated_status_stay() -> None:
    unseen = meta(numbered(2), generation=2)
    assert beyond_history_limit([numbered(1, replicas=1), unseen, numbered(3)], 0) == [numbered(3)]


def test_an_object_without_a_number_has_revision_zero() -> None:
    assert revision_of(replica_set()) == 0
    assert revision_of(meta(replica_set(), annotations={REVISION_ANNOTATION: "seven"})) == 0


PROBE = {
    "httpGet": {"path": "/", "port": 3333, "scheme": "HTTP"},
    "failureThreshold": 3,
    "periodSeconds": 1,
    "successThreshold": 1,
    "timeoutSeconds": 1,
}
CONTAINER = {
    "image": "node_app:1.0",
    "imagePullPolicy": "IfNotPresent",
    "name": "nodeapp",
    "readinessProbe": PROBE,
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
TEMPLATE: Object = {
    "metadata": {"labels": {"app": "nodeapp", "env": "prod"}},
    "spec": {
        "containers": [CONTAINER],
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 5,
    },
}
"""A template as the API server completes it."""


def with_container(**fields: Any) -> Object:
    return with_spec(containers=[{**CONTAINER, **fields}])


def with_spec(**fields: Any) -> Object:
    return {**TEMPLATE, "spec": {**TEMPLATE["spec"], **fields}}


def test_a_hash_is_at_most_ten_characters_of_the_safe_alphabet() -> None:
    assert re.fullmatch("[bcdfghjklmnpqrstvwxz2456789]{1,10}", template_hash(TEMPLATE))


def test_the_hash_label_itself_does_not_count() -> None:
    labels = {**TEMPLATE["metadata"]["labels"], HASH_LABEL: "6649665959"}
    labelled = {**TEMPLATE, "metadata": {"labels": labels}}
    assert template_hash(labelled) == template_hash(TEMPLATE)
    assert same_template(labelled, TEMPLATE)
    assert without_hash(labelled) == TEMPLATE


def test_nothing_and_empty_are_the_same() -> None:
    empty = with_container(env=[], ports=[], lifecycle=None, volumeMounts=[])
    empty["metadata"]["creationTimestamp"] = None
    assert template_hash(empty) == template_hash(TEMPLATE)
    assert same_template(empty, TEMPLATE)


@pytest.mark.parametrize(
    "template",
    [
        with_container(env=[{"name": "APP_VERSION", "value": "1.0"}]),
        with_container(env=[{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}]),
        with_container(envFrom=[{"configMapRef": {"name": "colours", "optional": True}}]),
        with_container(ports=[{"containerPort": 3333, "name": "http", "protocol": "TCP"}]),
        with_container(livenessProbe={"tcpSocket": {"port": "http"}}),
        with_container(livenessProbe={"exec": {"command": ["true"]}, "initialDelaySeconds": 3}),
        with_container(lifecycle={"preStop": {"sleep": {"seconds": 3}}}),
        with_container(resources={"limits": {"cpu": "500m", "memory": "64Mi"}}),
        with_container(securityContext={"capabilities": {"drop": ["ALL"]}, "runAsUser": 1000}),
        with_container(volumeMounts=[{"name": "colours", "mountPath": "/etc/colours"}]),
        with_container(command=["node", "app.js"]),
        with_spec(volumes=[{"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}}]),
        with_spec(volumes=[{"name": "colours", "configMap": {"name": "colours"}}]),
        with_spec(nodeSelector={"kubernetes.io/hostname": "playground"}),
        with_spec(tolerations=[{"operator": "Exists", "tolerationSeconds": 3}]),
        with_spec(imagePullSecrets=[{"name": "secret"}]),
        with_spec(securityContext={"runAsNonRoot": True, "supplementalGroups": [1, 2]}),
        with_spec(affinity={"nodeAffinity": {"required": 1}}),
        with_spec(fieldOfTomorrow=True),
    ],
)
def test_whatever_differs_gives_another_hash_and_always_the_same_one(template: Object) -> None:
    assert template_hash(template) == template_hash(template) != template_hash(TEMPLATE)
    assert not same_template(template, TEMPLATE)


def test_a_collision_is_resolved_by_a_salt() -> None:
    assert len({template_hash(TEMPLATE, collisions) for collisions in range(10)}) == 10
