"""The official Python client against the server, as notebooks use it."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import kubernetes
import pytest
from kubernetes.client import ApiException
from kubernetes.stream import stream

from canarylab.kube_objects import Key
from tests.playground.apiserver.documents import http_route, ingress, rule, weighted
from tests.playground.apiserver.server import Server, deployment, pod, python


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Any]:
    """The client, with the server's kubeconfig."""
    made = await asyncio.to_thread(kubernetes.config.new_client_from_config, str(server.kubeconfig))
    yield made
    await asyncio.to_thread(made.close)
    with warnings.catch_warnings():
        # After a refusal and after a command the client forgets to close its connection.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def in_thread(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The client blocks, and the server lives in this test's loop."""
    async with asyncio.timeout(20):
        return await asyncio.to_thread(work, *args, **kwargs)


async def test_a_deployment_is_created_read_and_scaled(server: Server, client: Any) -> None:
    apps = kubernetes.client.AppsV1Api(client)
    made = await in_thread(apps.create_namespaced_deployment, "default", deployment(replicas=3))
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    scale = {"spec": {"replicas": 5}}
    patched = await in_thread(apps.patch_namespaced_deployment_scale, "web", "default", scale)
    assert patched.spec.replicas == 5
    read = await in_thread(apps.read_namespaced_deployment, "web", "default")
    assert read.spec.replicas == 5


async def test_counts_that_are_zero_are_none(server: Server, client: Any) -> None:
    await server.api.create(deployment())
    apps = kubernetes.client.AppsV1Api(client)
    read = await in_thread(apps.read_namespaced_deployment, "web", "default")
    assert read.status.ready_replicas is None


async def test_lists_are_objects(server: Server, client: Any) -> None:
    await server.api.create(pod())
    core = kubernetes.client.CoreV1Api(client)
    listed = await in_thread(core.list_namespaced_pod, "default", label_selector="app=nodeapp")
    assert [item.metadata.name for item in listed.items] == ["web"]
    assert listed.metadata.resource_version == str(server.api.store.version)


async def test_a_patch_of_a_map_and_a_patch_of_steps(server: Server, client: Any) -> None:
    await server.api.create(deployment())
    apps = kubernetes.client.AppsV1Api(client)
    for patch in (
        {"spec": {"replicas": 2}},
        [{"op": "replace", "path": "/spec/replicas", "value": 3}],
    ):
        await in_thread(apps.patch_namespaced_deployment, "web", "default", patch)
    stored = await server.api.get("Deployment", Key("default", "web"))
    assert stored["spec"]["replicas"] == 3


async def test_a_watch_yields_changes(server: Server, client: Any) -> None:
    await server.api.create(pod())
    core = kubernetes.client.CoreV1Api(client)

    def watched() -> list[tuple[str, str]]:
        watch = kubernetes.watch.Watch()
        events = watch.stream(core.list_namespaced_pod, "default", timeout_seconds=1)
        return [(event["type"], event["object"].metadata.name) for event in events]

    assert await in_thread(watched) == [("ADDED", "web")]


async def test_a_refusal_keeps_the_servers_words(server: Server, client: Any) -> None:
    apps = kubernetes.client.AppsV1Api(client)
    with pytest.raises(ApiException) as refused:
        await in_thread(apps.read_namespaced_deployment, "nobody", "default")
    assert refused.value.status == 404
    assert 'deployments.apps \\"nobody\\" not found' in str(refused.value.body)


async def test_a_deletion_is_accepted(server: Server, client: Any) -> None:
    await server.api.create(deployment())
    apps = kubernetes.client.AppsV1Api(client)
    await in_thread(
        apps.delete_namespaced_deployment, "web", "default", propagation_policy="Background"
    )
    assert await server.api.list("Deployment") == []


async def test_logs_are_text(server: Server, client: Any) -> None:
    await server.api.create(pod())
    server.kubelet.written = [b"Server started\n"]
    core = kubernetes.client.CoreV1Api(client)
    assert await in_thread(core.read_namespaced_pod_log, "web", "default") == "Server started\n"


async def test_a_command_runs_in_a_pod(server: Server, client: Any) -> None:
    await server.api.create(pod())
    core = kubernetes.client.CoreV1Api(client)
    response = await in_thread(
        stream,
        core.connect_get_namespaced_pod_exec,
        "web",
        "default",
        command=python("print('hello')"),
        stdout=True,
        stderr=True,
    )
    assert response == "hello\n"


async def test_the_dynamic_client_discovers_the_kinds(server: Server, client: Any) -> None:
    await server.api.create(deployment(replicas=3))

    def replicas() -> Any:
        dynamic = kubernetes.dynamic.DynamicClient(client)
        deployments = dynamic.resources.get(api_version="apps/v1", kind="Deployment")
        return deployments.get(name="web", namespace="default").spec.replicas

    assert await in_thread(replicas) == 3


async def test_an_ingress_is_created_and_gets_an_address(server: Server, client: Any) -> None:
    networking = kubernetes.client.NetworkingV1Api(client)
    await in_thread(networking.create_namespaced_ingress, "default", ingress())
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}}
    name = ingress()["metadata"]["name"]
    await in_thread(networking.patch_namespaced_ingress_status, name, "default", status)
    read = await in_thread(networking.read_namespaced_ingress, name, "default")
    assert read.status.load_balancer.ingress[0].ip == "127.0.0.1"
    assert read.spec.rules[0].http.paths[0].path_type == "Prefix"


async def test_a_weight_of_a_route_is_patched(server: Server, client: Any) -> None:
    custom = kubernetes.client.CustomObjectsApi(client)
    place = ("gateway.networking.k8s.io", "v1", "default", "httproutes")
    await in_thread(custom.create_namespaced_custom_object, *place, http_route())
    rules = {"spec": {"rules": [rule(backendRefs=[weighted(10)])]}}
    made = await in_thread(custom.patch_namespaced_custom_object, *place, "canarylab", rules)
    assert made["spec"]["rules"][0]["backendRefs"][0]["weight"] == 10
