"""Tables as a whole."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from canarylab.playground.apiserver.tables import COLUMNS, column_definitions, table_of
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import pod

NOW = datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_columns(kind: str) -> None:
    assert table_of(kind, [], NOW)["columnDefinitions"]


@pytest.mark.parametrize("kind", COLUMNS)
def test_one_column_has_the_format_name(kind: str) -> None:
    marked = [entry["name"] for entry in column_definitions(kind) if entry["format"] == "name"]
    assert marked == ["Name"]


@pytest.mark.parametrize(
    ("kind", "narrow", "wide"),
    [
        ("ConfigMap", "Name Data Age", ""),
        ("Deployment", "Name Ready Up-to-date Available Age", "Containers Images Selector"),
        ("Endpoints", "Name Endpoints Age", ""),
        ("EndpointSlice", "Name AddressType Ports Endpoints Age", ""),
        ("Gateway", "Name Class Address Programmed Age", ""),
        ("GatewayClass", "Name Controller Accepted Age", "Description"),
        ("HTTPRoute", "Name Hostnames Age", ""),
        ("Ingress", "Name Class Hosts Address Ports Age", ""),
        ("IngressClass", "Name Controller Parameters Age", ""),
        ("Namespace", "Name Status Age", ""),
        ("ReplicaSet", "Name Desired Current Ready Age", "Containers Images Selector"),
        ("Service", "Name Type Cluster-IP External-IP Port(s) Age", "Selector"),
    ],
)
def test_columns_of_priority_1_are_for_wide_tables(kind: str, narrow: str, wide: str) -> None:
    shown = {
        priority: " ".join(
            entry["name"] for entry in column_definitions(kind) if entry["priority"] == priority
        )
        for priority in (0, 1)
    }
    assert shown == {0: narrow, 1: wide}


def test_a_table_has_kind_and_version() -> None:
    table = table_of("Pod", [pod()], NOW)
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")


def test_a_row_carries_the_metadata_of_its_object() -> None:
    assert table_of("Pod", [pod()], NOW)["rows"][0]["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "lonely"},
    }


def test_a_row_can_carry_the_whole_object() -> None:
    assert table_of("Pod", [pod()], NOW, full_objects=True)["rows"][0]["object"] == pod()


def test_rows_come_in_the_order_of_the_objects() -> None:
    objects = [{**pod(), "metadata": {"name": name}} for name in ("b", "a")]
    assert [row["cells"][0] for row in table_of("Pod", objects, NOW)["rows"]] == ["b", "a"]


@pytest.mark.parametrize(
    ("phase", "reasons"), [("Running", []), ("Succeeded", ["Succeeded"]), ("Failed", ["Failed"])]
)
def test_the_row_of_a_completed_pod_has_a_condition(phase: str, reasons: list[str]) -> None:
    row = table_of("Pod", [{**pod(), "status": {"phase": phase}}], NOW)["rows"][0]
    assert [entry["reason"] for entry in row.get("conditions", [])] == reasons
