"""How do objects look in a table?

`kubectl get` does not know our kinds: it asks the server for a Table and prints the cells as they
come. So what learners see in a terminal is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from canarylab.playground.apiserver.tables import cells, gateway_cells, ingress_cells, pod_cells
from canarylab.playground.apiserver.tables.columns import column_definitions
from canarylab.playground.kube.api import Object

_CELLS: Mapping[str, Callable[[Object, datetime], list[Any]]] = MappingProxyType(
    {
        "ConfigMap": cells.config_map_cells,
        "Deployment": cells.deployment_cells,
        "Endpoints": cells.endpoints_cells,
        "EndpointSlice": cells.endpoint_slice_cells,
        "Event": cells.event_cells,
        "Gateway": gateway_cells.gateway_cells,
        "GatewayClass": gateway_cells.gateway_class_cells,
        "HTTPRoute": gateway_cells.http_route_cells,
        "Ingress": ingress_cells.ingress_cells,
        "IngressClass": ingress_cells.ingress_class_cells,
        "Namespace": cells.namespace_cells,
        "Node": cells.node_cells,
        "Pod": pod_cells.pod_cells,
        "ReplicaSet": cells.replica_set_cells,
        "Service": cells.service_cells,
    }
)


def table_of(
    kind: str, objects: Sequence[Object], now: datetime, *, full_objects: bool = False
) -> Object:
    """A Table of these objects; each row carries its object's metadata, or the whole of it."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": column_definitions(kind),
        "rows": [_row(kind, obj, now, full_object=full_objects) for obj in objects],
    }


def _row(kind: str, obj: Object, now: datetime, *, full_object: bool) -> Object:
    row: Object = {"cells": _CELLS[kind](obj, now)}
    conditions = pod_cells.pod_row_conditions(obj) if kind == "Pod" else []
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
