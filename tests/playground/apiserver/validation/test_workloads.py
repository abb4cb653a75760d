"""Deployments and ReplicaSets that can make pods, and others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import causes, deployment, said, template

MISSES = "`selector` does not match template `labels`"


def replica_set(**spec: Any) -> Object:
    return {**deployment(**spec), "kind": "ReplicaSet"}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"replicas": 0},
        {"selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
        {"strategy": {"type": "Recreate"}},
        {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}},
        {"strategy": {"rollingUpdate": {"maxSurge": "150%", "maxUnavailable": "100%"}}},
        {"minReadySeconds": 5, "progressDeadlineSeconds": 6},
    ],
)
def test_deployments_in_order(spec: Object) -> None:
    assert said(deployment(**spec)) == []


KNOBS = "spec.strategy.rollingUpdate"


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (
            {"replicas": -1},
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"nodeapp","env":"prod"}: '
                + MISSES
            ],
        ),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "Like"}]}},
            [
                'spec.selector.matchExpressions[0].operator: Invalid value: "Like": '
                "not a valid selector operator",
                'spec.selector: Invalid value: {"matchExpressions":[{"key":"app",'
                '"operator":"Like"}]}: invalid label selector',
            ],
        ),
        (
            {"template": template(restartPolicy="Never")},
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Never": '
                'supported values: "Always"'
            ],
        ),
        (
            {"template": template(activeDeadlineSeconds=5)},
            [
                "spec.template.spec.activeDeadlineSeconds: Forbidden: "
                "activeDeadlineSeconds in ReplicaSet is not Supported"
            ],
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            [f"{KNOBS}: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "0%", "maxUnavailable": 0}}},
            [f"{KNOBS}.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
            [f'{KNOBS}.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": -1}}},
            [f"{KNOBS}.maxSurge: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "some"}}},
            [
                f'{KNOBS}.maxSurge: Invalid value: "some": a valid percent string must be a '
                "numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
                "validation is '[0-9]+%')"
            ],
        ),
        (
            {"minReadySeconds": 600},
            [
                "spec.progressDeadlineSeconds: Invalid value: 600: "
                "must be greater than minReadySeconds"
            ],
        ),
        (
            {"revisionHistoryLimit": -1},
            ["spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
        ),
    ],
)
def test_deployments_out_of_order(spec: Object, problems: list[str]) -> None:
    assert said(deployment(**spec)) == problems


def test_an_empty_deployment_lacks_three_things() -> None:
    empty = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "a"}}
    assert said(empty) == [
        "spec.selector: Required value",
        f"spec.template.metadata.labels: Invalid value: null: {MISSES}",
        "spec.template.spec.containers: Required value",
    ]


def test_each_cause_has_its_reason() -> None:
    empty = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "a"}}
    assert [cause.reason for cause in causes(empty)] == [
        "FieldValueRequired",
        "FieldValueInvalid",
        "FieldValueRequired",
    ]


@pytest.mark.parametrize("make", [deployment, replica_set])
def test_a_selector_may_not_change(make: Callable[..., Object]) -> None:
    after = make(selector={"matchLabels": {"app": "nodeapp"}})
    assert said(after, make()) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"nodeapp"}}: field is immutable'
    ]


def test_everything_else_may_change() -> None:
    after = deployment(replicas=5, template=template(terminationGracePeriodSeconds=5))
    assert said(after, deployment()) == []


def test_a_replica_set_in_order() -> None:
    assert said(replica_set(replicas=3)) == []


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds: Invalid value: -1"),
        ({"selector": None}, "spec.selector: Required value"),
    ],
)
def test_replica_sets_out_of_order(spec: Object, problem: str) -> None:
    assert said(replica_set(**spec))[0].startswith(problem)
