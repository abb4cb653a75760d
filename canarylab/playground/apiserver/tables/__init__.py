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
from canarylab.playground.apiserver.tables.columns import definitions
from canarylab.playground.kube.api import Object

_CELLS: Mapping[str, Callable[[Object, datetime], list[Any]]] = MappingProxyType(
    {
        "ConfigMap": cells.of_config_map,
        "Deployment": cells.of_deployment,
        "Endpoints": cells.of_endpoints,
        "EndpointSlice": cells.of_endpoint_slice,
        "Event": cells.of_event,
        "Gateway": gateway_cells.of_gateway,
        "GatewayClass": gateway_cells.of_gateway_class,
        "HTTPRoute": gateway_cells.of_http_route,
        "Ingress": ingress_cells.of_ingress,
        "IngressClass": ingress_cells.of_ingress_class,
        "Namespace": cells.of_namespace,
        "Node": cells.of_node,
        "Pod": pod_cells.of_pod,
        "ReplicaSet": cells.of_replica_set,
        "Service": cells.of_service,
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
        "columnDefinitions": definitions(kind),
        "rows": [_row(kind, obj, now, full_object=full_objects) for obj in objects],
    }


def _row(kind: str, obj: Object, now: datetime, *, full_object: bool) -> Object:
    row: Object = {"cells": _CELLS[kind](obj, now)}
    conditions = pod_cells.row_conditions(obj) if kind == "Pod" else []
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
