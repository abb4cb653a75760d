"""Hashes of pod templates."""

from __future__ import annotations

import re
from typing import Any

import pytest

from canarylab.playground.controllers.template_hash import (
    LABEL,
    same_template,
    template_hash,
    without_hash,
)
from canarylab.playground.kube.api import Object

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
    labels = {**TEMPLATE["metadata"]["labels"], LABEL: "6649665959"}
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
