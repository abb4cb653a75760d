"""Discovery and the meta endpoints."""

from __future__ import annotations

import pytest

from canarylab.playground.apiserver import discovery
from canarylab.playground.apiserver.discovery import api_versions
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.server import Server

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList,application/json"


async def test_the_version_is_a_kubernetes_version(server: Server) -> None:
    response = await server.get("/version")
    assert response["gitVersion"] == "v1.36.2"
    assert all(isinstance(value, str) for value in response.values())


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
@pytest.mark.parametrize("path", ["/api", "/apis"])
async def test_aggregated_discovery_has_its_content_type(
    server: Server, path: str, version: str
) -> None:
    response = await server.request("GET", path, Accept=AGGREGATED.format(version))
    assert response.headers["Content-Type"] == (
        f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    )
    assert response.body["apiVersion"] == f"apidiscovery.k8s.io/{version}"


def test_every_kind_is_discovered() -> None:
    found = set()
    for core in (True, False):
        for group in discovery.aggregated_discovery(core=core, version="v2")["items"]:
            kinds = group["versions"][0]["resources"]
            found |= {entry["responseKind"]["kind"] for entry in kinds}
    assert found >= set(KINDS)


@pytest.mark.parametrize("api_version", api_versions())
async def test_each_group_has_a_resource_list(server: Server, api_version: str) -> None:
    root = "/api" if api_version == "v1" else "/apis"
    response = await server.get(f"{root}/{api_version}")
    assert response["groupVersion"] == api_version
    assert response["resources"]  # an empty group would never be cached by kubectl


async def test_groups_are_listed(server: Server) -> None:
    assert (await server.get("/api"))["versions"] == ["v1"]
    names = [group["name"] for group in (await server.get("/apis"))["groups"]]
    assert names == [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "gateway.networking.k8s.io",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    ]
    assert (await server.get("/apis/apps"))["preferredVersion"]["groupVersion"] == "apps/v1"


def test_versions_of_one_group_come_in_one_entry() -> None:
    groups = discovery.aggregated_discovery(core=False, version="v2")["items"]
    versions = {
        group["metadata"]["name"]: [one["version"] for one in group["versions"]] for group in groups
    }
    assert versions["gateway.networking.k8s.io"] == ["v1", "v1beta1"]
    assert versions["autoscaling"] == ["v2", "v1"]
    assert versions["apps"] == ["v1"]


async def test_drain_and_scale_find_their_subresources(server: Server) -> None:
    core = await server.get("/api/v1")
    apps = await server.get("/apis/apps/v1")
    by_name = {entry["name"]: entry for entry in core["resources"] + apps["resources"]}
    assert by_name["pods/eviction"]["group"] == "policy"
    assert by_name["deployments/scale"]["kind"] == "Scale"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_kinds_of_the_gateway_api_have_their_names(server: Server, version: str) -> None:
    response = await server.get(f"/apis/gateway.networking.k8s.io/{version}")
    served = [entry for entry in response["resources"] if entry["verbs"]]
    names = {entry["name"]: entry.get("shortNames") for entry in served}
    assert names == {
        "gatewayclasses": ["gc"],
        "gatewayclasses/status": None,
        "gateways": ["gtw"],
        "gateways/status": None,
        "httproutes": None,
        "httproutes/status": None,
        "referencegrants": ["refgrant"],
    }


async def test_openapi_documents_can_be_cached(server: Server) -> None:
    index = await server.get("/openapi/v3")
    url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    response = await server.request("GET", url)
    assert "io.k8s.api.apps.v1.Deployment" in response.body["components"]["schemas"]
    assert response.headers["Cache-Control"].startswith("public, immutable")


async def test_openapi_v2_is_a_stub(server: Server) -> None:
    async with server.session() as session, session.get("/openapi/v2") as response:
        assert await response.read() == bytes.fromhex("0a03322e30")
        assert "@" not in response.headers["Content-Type"]


async def test_an_access_review_is_allowed(server: Server) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    response = await server.request("POST", path, {})
    assert (response.code, response.body["status"]) == (201, {"allowed": True})
