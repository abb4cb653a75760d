"""Containers that can be run, and others."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import container, pod, said

FIRST = "spec.containers[0]."


def about(**fields: Any) -> list[str]:
    """What is said about a pod whose container has these fields."""
    document = pod(containers=[container(**fields)], volumes=[{"name": "here"}])
    return [sentence.removeprefix(FIRST) for sentence in said(document)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ports": [{"containerPort": 3333, "name": "http", "hostPort": 8080}]},
        {"env": [{"name": "A"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "a"}}}]},
        {"envFrom": [{"configMapRef": {"name": "settings"}}]},
        {"volumeMounts": [{"name": "here", "mountPath": "/a"}]},
        {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "500m", "memory": "1Gi"}}},
        {"resources": {"limits": {"example.com/gpu": "1", "hugepages-2Mi": "0"}}},
        {"imagePullPolicy": "Never"},
    ],
)
def test_containers_in_order(fields: Object) -> None:
    assert about(**fields) == []


TYPES_OF_PORTS = 'supported values: "SCTP", "TCP", "UDP"'
SOURCES = (
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or "
    "`fileKeyRef`"
)


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"name": ""}, ["name: Required value"]),
        ({"name": "node-app-1.0"}, ['name: Invalid value: "node-app-1.0": must not contain dots']),
        ({"image": ""}, ["image: Required value"]),
        (
            {"image": " node_app:1.0"},
            ['image: Invalid value: " node_app:1.0": must not have leading or trailing whitespace'],
        ),
        (
            {"imagePullPolicy": "Sometimes"},
            [
                'imagePullPolicy: Unsupported value: "Sometimes": '
                'supported values: "Always", "IfNotPresent", "Never"'
            ],
        ),
        (
            {"terminationMessagePolicy": "Shout"},
            [
                'terminationMessagePolicy: Unsupported value: "Shout": '
                'supported values: "File", "FallbackToLogsOnError"'
            ],
        ),
        ({"ports": [{}]}, ["ports[0].containerPort: Required value"]),
        (
            {"ports": [{"containerPort": 99999}]},
            [
                "ports[0].containerPort: Invalid value: 99999: "
                "must be between 1 and 65535, inclusive"
            ],
        ),
        (
            {"ports": [{"containerPort": 1, "hostPort": -1, "protocol": "tcp"}]},
            [
                "ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive",
                f'ports[0].protocol: Unsupported value: "tcp": {TYPES_OF_PORTS}',
            ],
        ),
        (
            {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
            ['ports[1].name: Duplicate value: "a"'],
        ),
        ({"env": [{"value": "x"}]}, ["env[0].name: Required value"]),
        (
            {"env": [{"name": "A=B"}]},
            [
                'env[0].name: Invalid value: "A=B": a valid environment variable name must '
                "consist only of printable ASCII characters other than '='"
            ],
        ),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            [f'env[0].valueFrom: Invalid value: "": {SOURCES}'],
        ),
        (
            {"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {}}}]},
            ['env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {}, "secretKeyRef": {}}}]},
            [
                'env[0].valueFrom: Invalid value: "": '
                "may not have more than one field specified at a time"
            ],
        ),
        (
            {"envFrom": [{"prefix": "A"}]},
            ['envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
        ),
        (
            {"volumeMounts": [{"name": "there", "mountPath": "/a"}]},
            ['volumeMounts[0].name: Not found: "there"'],
        ),
        (
            {"volumeMounts": [{}]},
            ["volumeMounts[0].name: Required value", "volumeMounts[0].mountPath: Required value"],
        ),
        (
            {"volumeMounts": [{"name": "here", "mountPath": "/a"}] * 2},
            ['volumeMounts[1].mountPath: Invalid value: "/a": must be unique'],
        ),
        (
            {"resources": {"limits": {"cpu": "-1"}, "requests": {"cpu": "-2"}}},
            [
                'resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
                'resources.requests[cpu]: Invalid value: "-2": must be greater than or equal to 0',
            ],
        ),
        (
            {"resources": {"limits": {"cpu": "100m"}, "requests": {"cpu": "0.2"}}},
            [
                'resources.requests: Invalid value: "200m": '
                "must be less than or equal to cpu limit of 100m"
            ],
        ),
        (
            {"resources": {"requests": {"ram": "1Gi"}}},
            [
                'resources.requests[ram]: Invalid value: "ram": '
                "must be a standard resource type or fully qualified",
                'resources.requests[ram]: Invalid value: "ram": '
                "must be a standard resource for containers",
            ],
        ),
    ],
)
def test_containers_out_of_order(fields: Object, problems: list[str]) -> None:
    assert about(**fields) == problems


def test_two_containers_of_one_name() -> None:
    assert said(pod(containers=[container(), container()])) == [
        'spec.containers[1].name: Duplicate value: "nodeapp"'
    ]
