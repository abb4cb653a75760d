"""Evictions, and the disruption budgets that refuse them."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import StatusError
from canarylab.kube_objects import Key, Object
from canarylab.playground.apiserver.eviction import use_budget
from tests.playground.apiserver.documents import LABELS, disruption_budget
from tests.playground.apiserver.server import Server, pod

HEALTHY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
SICK = {"phase": "Running", "conditions": []}


def web(status: Object = HEALTHY, **meta: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "lab", "labels": LABELS, **meta},
        "status": status,
    }


def budget(allowed: int = 1, *, healthy: int = 3, desired: int = 2, **spec: Any) -> Object:
    made = disruption_budget(**spec)
    meta = {"name": "half", "namespace": "lab", "generation": 1}
    status = {
        "observedGeneration": 1,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
    }
    return {**made, "metadata": meta, "status": status}


def eviction(name: str, namespace: str = "default") -> Object:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}


def test_an_eviction_takes_one_disruption() -> None:
    left = use_budget(web(), [budget(2)])
    assert left is not None
    assert left["status"]["disruptionsAllowed"] == 1


@pytest.mark.parametrize(
    "one",
    [
        web({"phase": "Pending"}),
        web({"phase": "Succeeded"}),
        web({"phase": "Failed"}),
        web(deletionTimestamp="2026-11-22T00:00:30Z"),
    ],
)
def test_a_pod_that_does_not_run_needs_no_budget(one: Object) -> None:
    assert use_budget(one, [budget(0)]) is None


def test_a_pod_of_another_namespace_or_label_is_not_in_the_budget() -> None:
    assert use_budget(web(namespace="other"), [budget(0)]) is None
    assert use_budget(web(labels={}), [budget(0)]) is None


def test_a_pod_that_is_not_ready_may_go_while_enough_others_are() -> None:
    assert use_budget(web(SICK), [budget(0, healthy=2)]) is None
    with pytest.raises(StatusError):
        use_budget(web(SICK), [budget(0, healthy=1)])
    always = budget(0, healthy=1, minAvailable=2, unhealthyPodEvictionPolicy="AlwaysAllow")
    assert use_budget(web(SICK), [always]) is None


def test_several_budgets_are_refused() -> None:
    with pytest.raises(StatusError, match="more than one PodDisruptionBudget") as refused:
        use_budget(web(), [budget(), budget()])
    assert refused.value.code == 500


async def test_a_budget_refuses_an_eviction_in_kubernetes_words(server: Server) -> None:
    await server.api.create(
        {**pod("web"), "metadata": {**pod("web")["metadata"], "labels": LABELS}}
    )
    one = await server.api.get("Pod", Key("default", "web"))
    await server.api.update_status({**one, "status": HEALTHY})
    meta = {"name": "half", "namespace": "default"}
    made = await server.api.create({**disruption_budget(minAvailable=1), "metadata": meta})
    counts = {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    await server.api.update_status({**made, "status": {"observedGeneration": 1, **counts}})
    path = "/api/v1/namespaces/default/pods/web/eviction"
    answer = await server.request("POST", path, eviction("web"))
    assert (answer.code, answer.body) == (
        429,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "Cannot evict pod as it would violate the pod's disruption budget.",
            "reason": "TooManyRequests",
            "details": {
                "causes": [
                    {
                        "reason": "DisruptionBudget",
                        "message": "The disruption budget half needs 1 healthy pods and has 1 "
                        "currently",
                    }
                ]
            },
            "code": 429,
        },
    )


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (eviction("db"), "name in URL does not match name in Eviction object"),
        ({"apiVersion": "policy/v1"}, "name in URL does not match name in Eviction object"),
        (eviction("web", "lab"), "the namespace of the provided object does not match"),
    ],
)
async def test_an_eviction_of_another_pod_than_the_path_s_is_refused(
    server: Server, sent: Object, words: str
) -> None:
    await server.api.create(pod("web"))
    answer = await server.request("POST", "/api/v1/namespaces/default/pods/web/eviction", sent)
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")
    assert answer.body["message"].startswith(words)
    assert [each["metadata"]["name"] for each in await server.api.list("Pod")] == ["web"]
