"""Errors of autoscalers, disruption budgets, Jobs and roles, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Object
from tests.playground.apiserver.documents import (
    autoscaler,
    complete,
    container,
    disruption_budget,
    errors_of,
    job,
    role,
    role_binding,
)

BY_PODS = {"type": "Pods", "value": 1, "periodSeconds": 60}


def of_restart_policy(policy: str) -> Object:
    return {"spec": {"containers": [container()], "restartPolicy": policy}}


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (
            autoscaler(minReplicas=5, maxReplicas=2),
            "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
        ),
        (
            autoscaler(minReplicas=0),
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
        ),
        (
            autoscaler(scaleTargetRef={"kind": "Deployment"}),
            "spec.scaleTargetRef.name: Required value",
        ),
        (
            autoscaler(metrics=[{"type": "Resource"}]),
            "spec.metrics[0].resource: Required value: "
            "must populate information for the given metric source",
        ),
        (
            autoscaler(behavior={"scaleUp": {"selectPolicy": "Some"}}),
            'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Some": supported values: '
            '"Disabled", "Max", "Min"',
        ),
        (
            autoscaler(behavior={"scaleUp": {"policies": [{**BY_PODS, "type": "Some"}]}}),
            'spec.behavior.scaleUp.policies[0].type: Unsupported value: "Some": supported values: '
            '"Percent", "Pods"',
        ),
        (
            autoscaler(behavior={"scaleUp": {"policies": [{**BY_PODS, "value": 0}]}}),
            "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
        ),
        (
            autoscaler(behavior={"scaleUp": {"policies": [{**BY_PODS, "periodSeconds": 0}]}}),
            "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 0: must be greater "
            "than zero",
        ),
        (
            autoscaler(behavior={"scaleUp": {"policies": [{**BY_PODS, "periodSeconds": 1801}]}}),
            "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less "
            "than or equal to 1800",
        ),
        (
            disruption_budget(minAvailable=1, maxUnavailable=1),
            'spec: Invalid value: {"selector":{"matchLabels":{"app":"nodeapp","env":"prod"}},'
            '"minAvailable":1,"maxUnavailable":1}: '
            "minAvailable and maxUnavailable cannot be both set",
        ),
        (
            disruption_budget(minAvailable=-1),
            "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            disruption_budget(minAvailable="200%"),
            'spec.minAvailable: Invalid value: "200%": must not be greater than 100%',
        ),
        (
            role({"verbs": ["get"], "resources": ["pods"]}),
            "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        ),
        (
            role_binding({"kind": "ServiceAccount", "name": "robot"}),
            "subjects[0].namespace: Required value",
        ),
    ],
)
def test_it_is_refused(document: Object, error: str) -> None:
    assert errors_of(document) == [error]


def test_a_job_that_would_never_end_is_refused() -> None:
    assert errors_of(job_of(template=of_restart_policy("Always"))) == [
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'
    ]


def test_a_selector_of_a_job_that_is_wrong_is_refused() -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": "Foo"}]}
    assert errors_of(job_of(selector=selector)) == [
        'spec.selector.matchExpressions[0].operator: Invalid value: "Foo": '
        "not a valid selector operator"
    ]


def job_of(**spec: Any) -> Object:
    selector = spec.pop("selector", {"matchLabels": {"app": "smoke"}})
    template = spec.pop("template", of_restart_policy("Never"))
    labelled = {**template, "metadata": {"labels": {"app": "smoke"}}}
    return job(manualSelector=True, selector=selector, template=labelled, **spec)


@pytest.mark.parametrize("name", ["parallelism", "completions", "backoffLimit"])
def test_a_number_of_a_job_is_not_negative(name: str) -> None:
    problem = "must be greater than or equal to 0"
    assert errors_of(job_of(**{name: -1})) == [f"spec.{name}: Invalid value: -1: {problem}"]


def test_the_template_of_a_job_never_changes() -> None:
    [error] = errors_of(job_of(template=of_restart_policy("OnFailure")), job_of())
    assert error.startswith("spec.template: Invalid value: ")
    assert error.endswith(": field is immutable")


def test_the_role_of_a_binding_never_changes() -> None:
    [error] = errors_of(role_binding(name="other"), role_binding())
    assert error.endswith(": cannot change roleRef")


@pytest.mark.parametrize(
    ("spec", "defaults"),
    [
        ({}, {"completions": 1, "parallelism": 1, "backoffLimit": 6, "suspend": False}),
        ({"parallelism": 2}, {"parallelism": 2, "backoffLimit": 6}),
        ({"completions": 3}, {"parallelism": 1, "completions": 3}),
    ],
)
def test_the_defaults_of_a_job(spec: Object, defaults: Object) -> None:
    found = complete(job(**spec))["spec"]
    assert {name: found[name] for name in defaults} == defaults
    assert ("completions" in found) is ("completions" in defaults)


def test_an_autoscaler_without_metrics_watches_the_processor() -> None:
    target = {"type": "Utilization", "averageUtilization": 80}
    assert complete(autoscaler())["spec"]["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    ]


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"completionMode": "Indexed"}, "spec.completionMode: Forbidden: Indexed"),
        ({"backoffLimitPerIndex": 1}, "spec.backoffLimitPerIndex: Forbidden: this field"),
        ({"successPolicy": {"rules": []}}, "spec.successPolicy: Forbidden: this field"),
    ],
)
def test_a_field_of_a_job_that_nothing_serves_is_refused(spec: Object, what: str) -> None:
    advice = "is not served by the playground; leave it out, or use a cluster on kind"
    assert errors_of(job_of(**spec)) == [f"{what} {advice}"]
