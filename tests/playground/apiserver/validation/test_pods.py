"""Pods that can be run, and changes that can be made to them."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import container, deployment, pod, said, template


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"restartPolicy": "Never", "activeDeadlineSeconds": 60},
        {"hostname": "here", "subdomain": "there", "nodeName": "playground"},
        {"volumes": [{"name": "a"}, {"name": "b", "configMap": {"name": "c"}}]},
        {"nodeSelector": {"kubernetes.io/os": "linux"}},
    ],
)
def test_pods_in_order(spec: Object) -> None:
    assert said(pod(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"containers": []}, ["spec.containers: Required value"]),
        (
            {"restartPolicy": "Maybe"},
            [
                'spec.restartPolicy: Unsupported value: "Maybe": '
                'supported values: "Always", "OnFailure", "Never"'
            ],
        ),
        (
            {"dnsPolicy": "Guess"},
            [
                'spec.dnsPolicy: Unsupported value: "Guess": supported values: '
                '"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'
            ],
        ),
        (
            {"activeDeadlineSeconds": 0},
            [
                "spec.activeDeadlineSeconds: Invalid value: 0: "
                "must be between 1 and 2147483647, inclusive"
            ],
        ),
        ({"hostname": "a.b"}, ['spec.hostname: Invalid value: "a.b": must not contain dots']),
        ({"volumes": [{}]}, ["spec.volumes[0].name: Required value"]),
        (
            {"volumes": [{"name": "a"}, {"name": "a"}]},
            ['spec.volumes[1].name: Duplicate value: "a"'],
        ),
    ],
)
def test_pods_out_of_order(spec: Object, problems: list[str]) -> None:
    assert said(pod(**spec)) == problems


def test_the_labels_of_a_template_are_named_as_kubernetes_names_them() -> None:
    labelled = {**template(), "metadata": {"labels": {"app": "nodeapp", "env": "a b"}}}
    fields = [sentence.partition(":")[0] for sentence in said(deployment(template=labelled))]
    assert "spec.template.labels" in fields


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [container(image="node_app:2.0")]},
        {"activeDeadlineSeconds": 60},
        {"terminationGracePeriodSeconds": 1},
        {"tolerations": [{"operator": "Exists"}]},
    ],
)
def test_little_of_a_pod_may_change(change: dict[str, Any]) -> None:
    assert said(pod(**change), pod()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [container(env=[{"name": "A"}])]},
        {"containers": [container(name="other")]},
        {"hostname": "other"},
        {"restartPolicy": "Never"},
    ],
)
def test_the_rest_of_a_pod_may_not_change(change: dict[str, Any]) -> None:
    [problem] = said(pod(**change), pod())
    assert problem.startswith(
        "spec: Forbidden: pod updates may not change fields other than "
        "`spec.containers[*].image`,`spec.initContainers[*].image`,"
    )


def test_a_pod_gets_no_more_containers() -> None:
    more = pod(containers=[container(), container(name="side")])
    assert said(more, pod()) == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]
