"""What manifests/kind says, beside what else has to agree with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from canarylab import resources
from canarylab.clusters.kind import MAPPED_INGRESS_PORT, MAPPED_NODE_PORT, NAME, NEEDED_PORTS
from canarylab.clusters.kind_images import config, node_image, traefik_image, traefik_manifest
from canarylab.kube_objects import Object
from canarylab.manifests import load
from canarylab.playground.apiserver.local_api import NAMESPACES
from canarylab.playground.network.gateway_controller import CLASS

MANIFESTS = resources.folder("manifests")
TRAEFIK = {each["kind"]: each for each in load(traefik_manifest())}
POD = TRAEFIK["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
(WEB,) = CONTAINER["ports"]


@pytest.fixture(scope="module")
def written() -> Any:
    return yaml.safe_load(config().read_text())


def test_is_a_configuration_of_kind(written: Any) -> None:
    assert (written["kind"], written["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert written["name"] == NAME


def test_has_one_node_with_an_image_by_digest(written: Any) -> None:
    (node,) = written["nodes"]

    assert node["role"] == "control-plane"
    assert node["image"] == node_image()
    assert re.fullmatch(r"kindest/node:v1\.37\.0@sha256:[0-9a-f]{64}", node["image"])


def test_every_port_opens_to_this_machine_alone(written: Any) -> None:
    ports = written["nodes"][0]["extraPortMappings"]

    assert {port["listenAddress"] for port in ports} == {"127.0.0.1"}
    assert {port["protocol"] for port in ports} == {"TCP"}


def test_the_ports_are_the_node_port_and_the_ingress(written: Any) -> None:
    ports = written["nodes"][0]["extraPortMappings"]

    assert {port["hostPort"]: port["containerPort"] for port in ports} == {32089: 32089, 8080: 80}


def test_preflight_looks_at_every_port(written: Any) -> None:
    ports = written["nodes"][0]["extraPortMappings"]

    assert {number for number, _ in NEEDED_PORTS} == {port["hostPort"] for port in ports}
    assert MAPPED_NODE_PORT in {port["containerPort"] for port in ports}


def test_the_service_of_the_lessons_has_that_node_port() -> None:
    service = yaml.safe_load((config().parents[1] / "02-production" / "service.yaml").read_text())

    assert [port["nodePort"] for port in service["spec"]["ports"]] == [MAPPED_NODE_PORT]


def options() -> dict[str, str]:
    """What Traefik is told, by name in small letters, as it reads them."""
    said = (argument.removeprefix("--").partition("=") for argument in CONTAINER["args"])
    return {name.lower(): value for name, _, value in said}


def rights() -> set[tuple[str, str, str]]:
    """Every verb, group and resource that Traefik may use."""
    return {
        (verb, group, resource)
        for rule in TRAEFIK["ClusterRole"]["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_traefiks_web_entry_point_is_the_mapped_port() -> None:
    (node,) = yaml.safe_load(config().read_text())["nodes"]
    ports = {each["containerPort"]: each["hostPort"] for each in node["extraPortMappings"]}

    assert ports[WEB["hostPort"]] == MAPPED_INGRESS_PORT
    assert options()["entrypoints.web.address"] == f":{WEB['containerPort']}"


def test_the_gateway_of_the_lessons_listens_where_an_entry_point_is() -> None:
    (gateway,) = load(MANIFESTS / "08-gateway-api" / "gateway.yaml")
    (listener,) = gateway["spec"]["listeners"]

    assert listener["port"] == WEB["containerPort"]


def test_a_port_below_1024_is_open_to_a_program_without_root() -> None:
    assert CONTAINER["securityContext"]["runAsNonRoot"] is True
    assert POD["spec"]["securityContext"]["sysctls"] == [
        {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    ]


def test_two_pods_never_want_the_port_of_the_node_at_once() -> None:
    assert TRAEFIK["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}


def test_it_is_asked_whether_it_is_ready_where_it_says_so() -> None:
    asked = CONTAINER["readinessProbe"]["httpGet"]

    assert options()["ping"] == "true"
    assert options()["entrypoints.traefik.address"] == f":{asked['port']}"


def test_it_reads_both_kinds_of_routes() -> None:
    assert options()["providers.kubernetesingressnginx"] == "true"
    assert options()["providers.kubernetesgateway"] == "true"


@pytest.mark.parametrize(
    ("group", "resources"),
    [
        ("", ["services", "secrets", "configmaps", "namespaces"]),
        ("discovery.k8s.io", ["endpointslices"]),
        ("networking.k8s.io", ["ingresses", "ingressclasses"]),
        ("gateway.networking.k8s.io", ["gatewayclasses", "gateways", "referencegrants"]),
        ("gateway.networking.k8s.io", ["httproutes", "grpcroutes", "tlsroutes"]),
        ("gateway.networking.k8s.io", ["backendtlspolicies"]),
    ],
)
def test_it_may_watch_what_its_providers_read(group: str, resources: list[str]) -> None:
    needed = {(verb, group, each) for verb in ("list", "watch") for each in resources}

    assert needed <= rights()


def test_all_that_it_may_change_is_what_it_reports() -> None:
    changing = {right for right in rights() if right[0] not in {"get", "list", "watch"}}

    assert {verb for verb, _, _ in changing} == {"update"}
    assert [resource for _, _, resource in changing if not resource.endswith("/status")] == []


def test_its_account_has_these_rights() -> None:
    binding, account = TRAEFIK["ClusterRoleBinding"], TRAEFIK["ServiceAccount"]["metadata"]

    assert binding["roleRef"]["name"] == TRAEFIK["ClusterRole"]["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", **account}]
    assert POD["spec"]["serviceAccountName"] == account["name"]


def test_the_class_is_the_one_that_the_lessons_name() -> None:
    served = TRAEFIK["IngressClass"]
    named = {each["spec"].get("ingressClassName") for each in _ingresses_of_the_lessons()}

    assert named - {None} == {served["metadata"]["name"]}
    assert served["spec"]["controller"] == "k8s.io/ingress-nginx"


def test_an_ingress_without_a_class_is_served_as_on_the_playground() -> None:
    assert "annotations" not in TRAEFIK["IngressClass"]["metadata"]
    assert options()["providers.kubernetesingressnginx.watchingresswithoutclass"] == "true"


def test_the_image_is_pinned() -> None:
    assert re.fullmatch(r"traefik:v3\.7\.\d+@sha256:[0-9a-f]{64}", traefik_image())


def test_all_of_it_lies_in_a_namespace_of_its_own() -> None:
    name = TRAEFIK["Namespace"]["metadata"]["name"]
    places = {each["metadata"].get("namespace", name) for each in TRAEFIK.values()}

    assert places == {name}
    assert name not in NAMESPACES


def test_its_gateway_class_has_the_name_of_the_playgrounds() -> None:
    (found,) = load(MANIFESTS / "kind" / "gateway-class.yaml")

    assert found["metadata"]["name"] == CLASS
    assert found["spec"]["controllerName"] == "traefik.io/gateway-controller"


def _ingresses_of_the_lessons() -> list[Object]:
    folders = [MANIFESTS / "06-ingress", MANIFESTS / "07-weights"]
    files = [path for folder in folders for path in folder.glob("*.yaml")]
    return [each for path in files for each in load(path) if each["kind"] == "Ingress"]
