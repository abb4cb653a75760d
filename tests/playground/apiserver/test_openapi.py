"""OpenAPI documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from canarylab.playground.apiserver import openapi
from canarylab.playground.kube.kinds import KNOWN_KINDS, Kind
from tests.needs import needs
from tests.playground.apiserver.server import Server


def document(path: str) -> Any:
    return json.loads(openapi.document(path) or b"null")


def path_of(kind: Kind) -> str:
    return f"{'apis' if kind.group else 'api'}/{kind.api_version}"


def test_the_index_names_every_group_once() -> None:
    assert json.loads(openapi.index())["paths"].keys() == {path_of(one) for one in KNOWN_KINDS}


def test_the_url_of_a_document_has_its_hash() -> None:
    addresses = json.loads(openapi.index())["paths"]
    assert addresses["apis/apps/v1"] == {
        "serverRelativeURL": f"/openapi/v3/apis/apps/v1?hash={openapi.etag('apis/apps/v1')}"
    }


def test_there_is_no_document_of_an_unknown_group() -> None:
    assert openapi.document("apis/example.com/v1") is None


@pytest.mark.parametrize("kind", KNOWN_KINDS, ids=lambda kind: f"{kind.version}-{kind.kind}")
def test_patch_has_the_parameters_that_kubectl_looks_for(kind: Kind) -> None:
    within = "namespaces/{namespace}/" if kind.namespaced else ""
    path = path_of(kind)
    patch = document(path)["paths"][f"/{path}/{within}{kind.plural}/{{name}}"]["patch"]
    assert {"fieldValidation", "dryRun"} <= {entry["name"] for entry in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"]["kind"] == kind.kind


@pytest.mark.parametrize("path", sorted({path_of(kind) for kind in KNOWN_KINDS}))
def test_every_referred_schema_is_in_the_document(path: str) -> None:
    schemas = document(path)["components"]["schemas"]
    mentioned = set(_references(schemas))
    assert mentioned <= {f"#/components/schemas/{name}" for name in schemas}


def test_enums_are_published() -> None:
    service = document("api/v1")["components"]["schemas"]["io.k8s.api.core.v1.ServiceSpec"]
    types = service["properties"]["type"]["enum"]
    assert types == ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_custom_kind_is_described_in_each_of_its_versions(version: str) -> None:
    found = document(f"apis/gateway.networking.k8s.io/{version}")["components"]["schemas"]
    gateway = found[f"io.k8s.networking.gateway.{version}.Gateway"]
    assert gateway["x-kubernetes-group-version-kind"] == [
        {"group": "gateway.networking.k8s.io", "version": version, "kind": "Gateway"}
    ]
    spec = gateway["properties"]["spec"]
    assert spec["required"] == ["gatewayClassName", "listeners"]
    listener = spec["properties"]["listeners"]["items"]["properties"]
    assert listener["port"]["maximum"] == 65535
    assert listener["allowedRoutes"]["default"] == {"namespaces": {"from": "Same"}}


def test_the_v2_stub_has_only_a_version() -> None:
    assert openapi.V2_STUB == b"\n\x032.0"


@needs("kubectl")
@pytest.mark.parametrize(
    ("field", "lines"),
    [
        (
            "deployment.spec.replicas",
            ["FIELD: replicas <integer>", "Number of desired pods. This is a pointer to"],
        ),
        (
            "pod.spec.containers.readinessProbe",
            ["FIELD: readinessProbe <Probe>", "Periodic probe of container service readiness."],
        ),
        ("service.spec.ports.targetPort", ["FIELD: targetPort <IntOrString>"]),
        ("ingress.spec.rules.http.paths.pathType", ["FIELD: pathType <string>", "    Prefix"]),
        ("httproute.spec.rules.backendRefs.weight", ["FIELD: weight <integer>"]),
        ("gateway.spec.listeners", ["FIELD: listeners <[]Object>"]),
        ("pod.spec.containers.resources.limits", ["FIELD: limits <map[string]Quantity>"]),
    ],
)
async def test_kubectl_explains_a_field(server: Server, field: str, lines: list[str]) -> None:
    response = (await server.kubectl(f"explain {field}")).out
    assert [line for line in lines if line not in response] == []


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [one for item in value for one in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [one for item in value.values() for one in _references(item)]
