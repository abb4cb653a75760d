"""The hashes here were given by Kubernetes 1.36.2 to these very templates."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.controllers.template_hash import (
    LABEL,
    same_template,
    template_hash,
    without_hash,
)
from canarylab.playground.kube.api import Object


def recorded(image: str, *, grace_s: int) -> Object:
    """A template as the API server completed it."""
    probe = {
        "httpGet": {"path": "/", "port": 3333, "scheme": "HTTP"},
        "failureThreshold": 3,
        "periodSeconds": 1,
        "successThreshold": 1,
        "timeoutSeconds": 1,
    }
    container = {
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "name": "nodeapp",
        "readinessProbe": probe,
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    return {
        "metadata": {"labels": {"app": "nodeapp", "env": "prod"}},
        "spec": {
            "containers": [container],
            "dnsPolicy": "ClusterFirst",
            "restartPolicy": "Always",
            "schedulerName": "default-scheduler",
            "securityContext": {},
            "terminationGracePeriodSeconds": grace_s,
        },
    }


def with_container(**fields: Any) -> Object:
    template = recorded("node_app:1.0", grace_s=5)
    container = {**template["spec"]["containers"][0], **fields}
    return {**template, "spec": {**template["spec"], "containers": [container]}}


def with_spec(**fields: Any) -> Object:
    template = recorded("node_app:1.0", grace_s=5)
    return {**template, "spec": {**template["spec"], **fields}}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (recorded("node_app:1.0", grace_s=2), "57ccfdb8d4"),
        (recorded("node_app:1.0", grace_s=5), "6649665959"),
        (recorded("node_app:2.0", grace_s=5), "c4564dd4b"),
        (recorded("no-such-image:9.9", grace_s=5), "567955d5f7"),
        (recorded("node_app:1.0", grace_s=30), "b754bfd67"),
    ],
)
def test_it_is_the_hash_that_kubernetes_gives(template: Object, expected: str) -> None:
    assert template_hash(template) == expected


def test_the_hash_label_itself_does_not_count() -> None:
    template = recorded("node_app:1.0", grace_s=5)
    labels = {**template["metadata"]["labels"], LABEL: "6649665959"}
    labelled = {**template, "metadata": {"labels": labels}}
    assert template_hash(labelled) == "6649665959"
    assert same_template(labelled, template)
    assert without_hash(labelled) == template


def test_nothing_and_empty_are_the_same() -> None:
    empty = with_container(env=[], ports=[], lifecycle=None, volumeMounts=[])
    empty["metadata"]["creationTimestamp"] = None
    assert template_hash(empty) == "6649665959"
    assert same_template(empty, recorded("node_app:1.0", grace_s=5))


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
    own = template_hash(template)
    assert own == template_hash(template) != "6649665959"
    assert not same_template(template, recorded("node_app:1.0", grace_s=5))


def test_a_collision_is_resolved_by_a_salt() -> None:
    template = recorded("node_app:1.0", grace_s=5)
    assert len({template_hash(template, collisions) for collisions in range(10)}) == 10
