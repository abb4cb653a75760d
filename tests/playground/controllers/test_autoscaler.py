"""Autoscalers in a cluster that measures nothing: conditions, events, and the bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from canarylab.kube_objects import Key, Object, find_condition, parse_timestamp
from canarylab.playground.controllers import autoscaler
from canarylab.playground.controllers.autoscaler import SYNC_PERIOD_S, plan
from tests.playground.controllers.builders import SPACE, deployment, event_messages
from tests.playground.fake_api import FakeApi

WEB = Key(SPACE, "web")
NO_METRICS = (
    "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch "
    "metrics from resource metrics API: the server could not find the requested resource "
    "(get pods.metrics.k8s.io)"
)


def metric(kind: str = "Resource", **target: Any) -> Object:
    named = {"name": "cpu"} if "Resource" in kind else {"metric": {"name": "hits"}}
    source = {**named, "target": target}
    return {"type": kind, f"{kind[0].lower()}{kind[1:]}": source}


def scaler(**spec: Any) -> Object:
    given = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 2,
        "maxReplicas": 5,
        "metrics": [metric(averageUtilization=80)],
        **spec,
    }
    meta = {"name": "web", "namespace": SPACE}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta,
        "spec": given,
    }


def test_without_metrics_scaling_is_not_active() -> None:
    able, active = plan(scaler(), 3).conditions
    assert (able.type, able.status, able.reason) == ("AbleToScale", "True", "SucceededGetScale")
    assert (active.type, active.status, active.reason) == (
        "ScalingActive",
        "False",
        "FailedGetResourceMetric",
    )
    assert active.message == f"the HPA was unable to compute the replica count: {NO_METRICS}"


def test_without_metrics_two_events_say_so() -> None:
    first, second = plan(scaler(), 3).events
    assert (first.reason, first.message) == ("FailedGetResourceMetric", NO_METRICS)
    assert (second.reason, second.message) == (
        "FailedComputeMetricsReplicas",
        "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric "
        f"value: {NO_METRICS}",
    )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Pods", "FailedGetPodsMetric"),
        ("Object", "FailedGetObjectMetric"),
        ("External", "FailedGetExternalMetric"),
        ("ContainerResource", "FailedGetContainerResourceMetric"),
    ],
)
def test_each_type_of_metric_has_its_reason(kind: str, reason: str) -> None:
    assert plan(scaler(metrics=[metric(kind, averageValue="1")]), 3).conditions[1].reason == reason


@pytest.mark.parametrize(("now", "then", "bound"), [(1, 2, "below"), (9, 5, "above")])
def test_the_bounds_hold_without_metrics(now: int, then: int, bound: str) -> None:
    todo = plan(scaler(), now)
    assert todo.replicas == then
    assert todo.events[0].message.startswith(f"New size: {then}; reason: Current number of")
    assert bound in todo.events[0].message


def test_a_target_of_no_replicas_is_left_alone() -> None:
    todo = plan(scaler(), 0)
    assert (todo.replicas, todo.conditions[1].reason) == (None, "ScalingDisabled")


def test_a_missing_target_is_named() -> None:
    todo = plan(scaler(), None)
    assert todo.conditions[0].reason == "FailedGetScale"
    assert todo.events[0].message == 'deployments.apps "web" not found'


async def test_it_waits_for_one_period_and_then_looks() -> None:
    api = FakeApi()
    await api.create(deployment(9))
    made = await api.create(scaler())
    born = parse_timestamp(made["metadata"]["creationTimestamp"])
    wait_s = await autoscaler.reconcile(api, WEB, now=lambda: born + timedelta(seconds=5))
    assert wait_s == SYNC_PERIOD_S - 5
    assert (await api.get("Deployment", WEB))["spec"]["replicas"] == 9
    later = born + timedelta(seconds=SYNC_PERIOD_S)
    assert await autoscaler.reconcile(api, WEB, now=lambda: later) == SYNC_PERIOD_S
    assert (await api.get("Deployment", WEB))["spec"]["replicas"] == 5
    status = (await api.get("HorizontalPodAutoscaler", WEB))["status"]
    assert (status["desiredReplicas"], status["currentMetrics"]) == (5, None)
    assert len(await event_messages(api, "SuccessfulRescale")) == 1


async def test_an_autoscaler_without_a_target_says_so() -> None:
    api = FakeApi()
    made = await api.create(scaler())
    later = parse_timestamp(made["metadata"]["creationTimestamp"]) + timedelta(seconds=60)
    await autoscaler.reconcile(api, WEB, now=lambda: later)
    found = find_condition(await api.get("HorizontalPodAutoscaler", WEB), "AbleToScale")
    assert found is not None
    assert (found["status"], found["reason"]) == ("False", "FailedGetScale")
