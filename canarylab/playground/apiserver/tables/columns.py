"""Columns of `kubectl get`, for each kind.

The server decides which ones there are. Those with priority 1 are printed by `-o wide` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple


class Column(NamedTuple):
    """One column of a Table."""

    name: str
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False


_NAME = Column("Name")
_AGE = Column("Age")
_CONTAINERS = Column("Containers", wide=True)
_IMAGES = Column("Images", wide=True)
_CREATED = Column("Age", type="date")

COLUMNS: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        "ConfigMap": (_NAME, Column("Data"), _AGE),
        "Deployment": (
            _NAME,
            Column("Ready"),
            Column("Up-to-date"),
            Column("Available"),
            _AGE,
            _CONTAINERS,
            _IMAGES,
            Column("Selector", wide=True),
        ),
        "Endpoints": (_NAME, Column("Endpoints"), _AGE),
        "EndpointSlice": (
            _NAME,
            Column("AddressType"),
            Column("Ports"),
            Column("Endpoints"),
            _AGE,
        ),
        "Event": (
            Column("Last Seen"),
            Column("Type"),
            Column("Reason"),
            Column("Object"),
            Column("Subobject", wide=True),
            Column("Source", wide=True),
            Column("Message"),
            Column("First Seen", wide=True),
            Column("Count", wide=True),
            Column("Name", wide=True),
        ),
        "Gateway": (
            _NAME,
            Column("Class"),
            Column("Address"),
            Column("Programmed"),
            _CREATED,
        ),
        "GatewayClass": (
            _NAME,
            Column("Controller"),
            Column("Accepted"),
            _CREATED,
            Column("Description", wide=True),
        ),
        "HTTPRoute": (_NAME, Column("Hostnames"), _CREATED),
        "Ingress": (
            _NAME,
            Column("Class"),
            Column("Hosts"),
            Column("Address"),
            Column("Ports"),
            _AGE,
        ),
        "IngressClass": (
            _NAME,
            Column("Controller"),
            Column("Parameters"),
            _AGE,
        ),
        "Namespace": (_NAME, Column("Status"), _AGE),
        "Node": (
            _NAME,
            Column("Status"),
            Column("Roles"),
            _AGE,
            Column("Version"),
            Column("Internal-IP", wide=True),
            Column("External-IP", wide=True),
            Column("OS-Image", wide=True),
            Column("Kernel-Version", wide=True),
            Column("Container-Runtime", wide=True),
        ),
        "Pod": (
            _NAME,
            Column("Ready"),
            Column("Status"),
            Column("Restarts"),
            _AGE,
            Column("IP", wide=True),
            Column("Node", wide=True),
            Column("Nominated Node", wide=True),
            Column("Readiness Gates", wide=True),
        ),
        "ReplicaSet": (
            _NAME,
            Column("Desired", type="integer"),
            Column("Current", type="integer"),
            Column("Ready", type="integer"),
            _AGE,
            _CONTAINERS,
            _IMAGES,
            Column("Selector", wide=True),
        ),
        "Service": (
            _NAME,
            Column("Type"),
            Column("Cluster-IP"),
            Column("External-IP"),
            Column("Port(s)"),
            _AGE,
            Column("Selector", wide=True),
        ),
    }
)


@cache
def definitions(kind: str) -> list[dict[str, Any]]:
    """The columns of a kind as a Table has them. Shared: read it, never change it."""
    return [_definition(column) for column in COLUMNS[kind]]


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": "",
        "priority": int(column.wide),
    }
