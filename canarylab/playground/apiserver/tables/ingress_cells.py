"""Which hosts does an Ingress serve, and where?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from canarylab.playground.apiserver.tables.ages import age
from canarylab.playground.kube.api import Object

NONE = "<none>"
_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
MAX_SHOWN = 3  # hosts in one cell; the rest is counted


def ingress_cells(ingress: Object, now: datetime) -> list[Any]:
    """Name, Class, Hosts, Address, Ports, Age."""
    spec = ingress["spec"]
    return [
        ingress["metadata"]["name"],
        spec.get("ingressClassName", NONE),
        _host_cell(spec.get("rules", [])),
        _ingress_addresses(ingress.get("status", {})),
        "80, 443" if spec.get("tls") else "80",
        age(ingress["metadata"].get("creationTimestamp"), now),
    ]


def ingress_class_cells(ingress_class: Object, now: datetime) -> list[Any]:
    """Name, Controller, Parameters, Age."""
    spec = ingress_class["spec"]
    return [
        _class_name(ingress_class["metadata"]),
        spec.get("controller", ""),
        _parameters_cell(spec.get("parameters")),
        age(ingress_class["metadata"].get("creationTimestamp"), now),
    ]


def _class_name(meta: Object) -> str:
    is_default = meta.get("annotations", {}).get(_DEFAULT_CLASS) == "true"
    return f"{meta['name']} (default)" if is_default else str(meta["name"])


def _host_cell(rules: Sequence[Object]) -> str:
    """The first hosts; what is left over is counted in rules, with a host or without."""
    named = [index for index, rule in enumerate(rules) if rule.get("host")][:MAX_SHOWN]
    listed = ",".join(rules[index]["host"] for index in named) or "*"
    has_more = len(named) == MAX_SHOWN and named[-1] < len(rules) - 1
    return f"{listed} + {len(rules) - MAX_SHOWN} more..." if has_more else listed


def _ingress_addresses(status: Object) -> str:
    entries = status.get("loadBalancer", {}).get("ingress", [])
    named = {entry.get("ip") or entry.get("hostname", "") for entry in entries}
    return ",".join(sorted(named - {""}))


def _parameters_cell(reference: Object | None) -> str:
    if reference is None:
        return NONE
    group = reference.get("apiGroup")
    return f"{reference['kind']}{f'.{group}' if group else ''}/{reference['name']}"
