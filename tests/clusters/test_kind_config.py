"""manifests/kind/cluster.yaml is what the lessons rely on."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from canarylab.clusters.kind.cluster import MAPPED_NODE_PORT
from canarylab.clusters.kind.preflight import PORTS
from canarylab.clusters.kind.program import NAME, config, node_image


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


def test_every_door_opens_to_this_machine_alone(written: Any) -> None:
    doors = written["nodes"][0]["extraPortMappings"]

    assert {door["listenAddress"] for door in doors} == {"127.0.0.1"}
    assert {door["protocol"] for door in doors} == {"TCP"}


def test_the_doors_are_the_node_port_and_the_ingress(written: Any) -> None:
    doors = written["nodes"][0]["extraPortMappings"]

    assert {door["hostPort"]: door["containerPort"] for door in doors} == {32089: 32089, 8080: 80}


def test_preflight_looks_at_every_door(written: Any) -> None:
    doors = written["nodes"][0]["extraPortMappings"]

    assert {number for number, _ in PORTS} == {door["hostPort"] for door in doors}
    assert MAPPED_NODE_PORT in {door["containerPort"] for door in doors}


def test_the_service_of_the_lessons_has_that_node_port() -> None:
    service = yaml.safe_load((config().parents[1] / "2-production" / "service.yaml").read_text())

    assert [port["nodePort"] for port in service["spec"]["ports"]] == [MAPPED_NODE_PORT]
