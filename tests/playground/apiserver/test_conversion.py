"""Conversion between the versions of a kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.conversion import cpu_utilization, in_version
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import autoscaler, complete
from tests.playground.apiserver.server import Server

V2 = KINDS["HorizontalPodAutoscaler"]
V1 = replace(V2, version="v1")
MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "100Mi"}},
}
AUTOSCALERS = "namespaces/default/horizontalpodautoscalers"


def test_the_percentage_of_v1_is_a_metric_of_v2() -> None:
    old = in_version(complete(autoscaler(metrics=[cpu_utilization(70)])), V1)
    assert old["spec"]["targetCPUUtilizationPercentage"] == 70
    assert in_version(old, V2)["spec"]["metrics"] == [cpu_utilization(70)]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"metrics": [MEMORY]},
        {"metrics": [cpu_utilization(50), MEMORY]},
        {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}},
    ],
)
def test_nothing_is_lost_on_the_way_through_v1(spec: Object) -> None:
    made = complete(autoscaler(**spec))
    status = {"desiredReplicas": 0, "conditions": [{"type": "AbleToScale", "status": "True"}]}
    back = in_version(in_version({**made, "status": status}, V1), V2)
    assert back["spec"] == made["spec"]
    assert back["status"]["conditions"] == status["conditions"]
    assert "annotations" not in back["metadata"]


@pytest.mark.parametrize("text", ["{", "7", '"x"', "[" * 5_000])
def test_an_annotation_with_anything_else_in_it_is_left_out(text: str) -> None:
    old = in_version(complete(autoscaler()), V1)
    old["metadata"]["annotations"] = {"autoscaling.alpha.kubernetes.io/metrics": text}
    assert in_version(old, V2)["spec"]["metrics"] == [cpu_utilization(80)]


async def test_an_autoscaler_of_v1_is_stored_in_v2(server: Server) -> None:
    spec = {**autoscaler()["spec"], "targetCPUUtilizationPercentage": 60}
    made = {**autoscaler(), "apiVersion": "autoscaling/v1", "spec": spec}
    answer = await server.request("POST", f"/apis/autoscaling/v1/{AUTOSCALERS}", made)
    assert answer.body["apiVersion"] == "autoscaling/v1"
    assert answer.body["spec"]["targetCPUUtilizationPercentage"] == 60
    stored = await server.get(f"/apis/autoscaling/v2/{AUTOSCALERS}/some")
    assert stored["spec"]["metrics"] == [cpu_utilization(60)]
    listed = await server.get(f"/apis/autoscaling/v1/{AUTOSCALERS}")
    assert listed["items"][0]["spec"]["targetCPUUtilizationPercentage"] == 60
