"""Tables: what `kubectl get` prints.

kubectl asks the server for a Table and prints its cells as they are. Columns of priority 1 are
printed by `-o wide` only. The cells are in `table_cells.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from canarylab.playground.apiserver import table_cells
from canarylab.playground.kube.api import Object

_CELLS: Mapping[str, Callable[[Object, datetime], list[Any]]] = MappingProxyType(
    {
        "ConfigMap": table_cells.config_map_cells,
        "Deployment": table_cells.deployment_cells,
        "Endpoints": table_cells.endpoints_cells,
        "EndpointSlice": table_cells.endpoint_slice_cells,
        "Event": table_cells.event_cells,
        "Gateway": table_cells.gateway_cells,
        "GatewayClass": table_cells.gateway_class_cells,
        "HTTPRoute": table_cells.http_route_cells,
        "Ingress": table_cells.ingress_cells,
        "IngressClass": table_cells.ingress_class_cells,
        "Namespace": table_cells.namespace_cells,
        "Node": table_cells.node_cells,
        "Pod": table_cells.pod_cells,
        "ReplicaSet": table_cells.replica_set_cells,
        "Service": table_cells.service_cells,
    }
)


def table_of(
    kind: str, objects: Sequence[Object], now: datetime, *, full_objects: bool = False
) -> Object:
    """A Table of these objects; each row carries the metadata of its object, or all of it."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": column_definitions(kind),
        "rows": [_row(kind, obj, now, full_object=full_objects) for obj in objects],
    }


def _row(kind: str, obj: Object, now: datetime, *, full_object: bool) -> Object:
    row: Object = {"cells": _CELLS[kind](obj, now)}
    conditions = table_cells.pod_row_conditions(obj) if kind == "Pod" else []
    if conditions:
        row["conditions"] = conditions
    row["object"] = obj if full_object else _metadata_only(obj)
    return row


def _metadata_only(obj: Object) -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


class Column(NamedTuple):
    """A column of a Table."""

    name: str
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False


_CREATED = Column("Age", type="date")
_TEMPLATE = (
    Column("Containers", wide=True), Column("Images", wide=True), Column("Selector", wide=True),
)  # fmt: skip
_INTEGERS = (
    Column("Desired", type="integer"),
    Column("Current", type="integer"),
    Column("Ready", type="integer"),
)

COLUMNS: Mapping[str, tuple[str | Column, ...]] = MappingProxyType(
    {
        "ConfigMap": ("Name", "Data", "Age"),
        "Deployment": ("Name", "Ready", "Up-to-date", "Available", "Age", *_TEMPLATE),
        "Endpoints": ("Name", "Endpoints", "Age"),
        "EndpointSlice": ("Name", "AddressType", "Ports", "Endpoints", "Age"),
        "Event": (
            "Last Seen", "Type", "Reason", "Object", Column("Subobject", wide=True),
            Column("Source", wide=True), "Message", Column("First Seen", wide=True),
            Column("Count", wide=True), Column("Name", wide=True),
        ),
        "Gateway": ("Name", "Class", "Address", "Programmed", _CREATED),
        "GatewayClass": (
            "Name", "Controller", "Accepted", _CREATED, Column("Description", wide=True),
        ),
        "HTTPRoute": ("Name", "Hostnames", _CREATED),
        "Ingress": ("Name", "Class", "Hosts", "Address", "Ports", "Age"),
        "IngressClass": ("Name", "Controller", "Parameters", "Age"),
        "Namespace": ("Name", "Status", "Age"),
        "Node": (
            "Name", "Status", "Roles", "Age", "Version", Column("Internal-IP", wide=True),
            Column("External-IP", wide=True), Column("OS-Image", wide=True),
            Column("Kernel-Version", wide=True), Column("Container-Runtime", wide=True),
        ),
        "Pod": (
            "Name", "Ready", "Status", "Restarts", "Age", Column("IP", wide=True),
            Column("Node", wide=True), Column("Nominated Node", wide=True),
            Column("Readiness Gates", wide=True),
        ),
        "ReplicaSet": ("Name", *_INTEGERS, "Age", *_TEMPLATE),
        "Service": (
            "Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age",
            Column("Selector", wide=True),
        ),
    }
)  # fmt: skip
"""The columns of each kind; a plain name is a string column of priority 0."""


@cache
def column_definitions(kind: str) -> list[dict[str, Any]]:
    """The columns of a kind, as in a Table. Cached: do not change them."""
    return [
        _definition(Column(column) if isinstance(column, str) else column)
        for column in COLUMNS[kind]
    ]


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": "",
        "priority": int(column.wide),
    }
