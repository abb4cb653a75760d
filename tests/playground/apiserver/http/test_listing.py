"""Reading objects over HTTP."""

from __future__ import annotations

import pytest

from tests.playground.apiserver.serving import Server, config_map, deployment, pod

PODS = "/api/v1/namespaces/default/pods"
AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def test_a_list_says_its_kind_once(server: Server) -> None:
    await server.api.create(pod())
    said = await server.get(PODS)
    assert (said["kind"], said["apiVersion"]) == ("PodList", "v1")
    assert {"kind", "apiVersion"} & said["items"][0].keys() == set()


async def test_a_list_says_its_version(server: Server) -> None:
    await server.api.create(pod())
    said = await server.get(PODS)
    assert said["metadata"] == {"resourceVersion": str(server.api.store.version)}


async def test_an_empty_list_is_a_list(server: Server) -> None:
    assert (await server.get(PODS))["items"] == []


async def test_all_namespaces_are_listed_at_once(server: Server) -> None:
    elsewhere = {**config_map(), "metadata": {"name": "far", "namespace": "kube-public"}}
    for obj in (config_map(), elsewhere):
        await server.api.create(obj)
    items = (await server.get("/api/v1/configmaps"))["items"]
    assert [item["metadata"]["namespace"] for item in items] == ["default", "kube-public"]


async def test_selectors_choose(server: Server) -> None:
    await server.api.create(pod("one"))
    await server.api.create(pod("two", nodeName="another"))
    chosen = f"{PODS}?labelSelector=app%3Dnodeapp&fieldSelector=spec.nodeName%3Danother&limit=500"
    items = (await server.get(chosen))["items"]
    assert [item["metadata"]["name"] for item in items] == ["two"]


async def test_kubectl_gets_a_table(server: Server) -> None:
    await server.api.create(deployment())
    path = "/apis/apps/v1/namespaces/default/deployments"
    table = await server.get(path, Accept=AS_TABLE)
    assert table["kind"] == "Table"
    assert [row["cells"][0] for row in table["rows"]] == ["web"]
    assert table["metadata"] == {"resourceVersion": str(server.api.store.version)}


@pytest.mark.parametrize(
    ("asked", "kind"), [("", "PartialObjectMetadata"), ("?includeObject=Object", "Deployment")]
)
async def test_a_row_carries_its_object(server: Server, asked: str, kind: str) -> None:
    await server.api.create(deployment())
    path = f"/apis/apps/v1/namespaces/default/deployments/web{asked}"
    table = await server.get(path, Accept=AS_TABLE)
    assert table["rows"][0]["object"]["kind"] == kind


async def test_who_reads_endpoints_is_warned(server: Server) -> None:
    reply = await server.ask("GET", "/api/v1/namespaces/default/endpoints")
    assert reply.headers["Warning"] == (
        '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
    )
