"""What stands in the cells of Gateways and their routes?

Their columns come from a definition, so a cell shows one field as it is, and nothing where there
is none.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from canarylab.playground.apiserver.tables.ages import age
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import find_condition


def of_gateway(gateway: Object, now: datetime) -> list[Any]:
    """Name, Class, Address, Programmed, Age."""
    addresses = gateway.get("status", {}).get("addresses", [])
    return [
        gateway["metadata"]["name"],
        gateway["spec"].get("gatewayClassName"),
        addresses[0]["value"] if addresses else None,
        _status(gateway, "Programmed"),
        _age(gateway, now),
    ]


def of_gateway_class(gateway_class: Object, now: datetime) -> list[Any]:
    """Name, Controller, Accepted, Age, Description."""
    return [
        gateway_class["metadata"]["name"],
        gateway_class["spec"].get("controllerName"),
        _status(gateway_class, "Accepted"),
        _age(gateway_class, now),
        gateway_class["spec"].get("description"),
    ]


def of_http_route(route: Object, now: datetime) -> list[Any]:
    """Name, Hostnames, Age."""
    hosts = route["spec"].get("hostnames")
    return [
        route["metadata"]["name"],
        None if hosts is None else json.dumps(hosts, separators=(",", ":")),
        _age(route, now),
    ]


def _status(obj: Object, type_: str) -> str | None:
    found = find_condition(obj, type_)
    return None if found is None else str(found["status"])


def _age(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)
