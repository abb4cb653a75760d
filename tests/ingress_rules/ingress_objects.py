"""Ingresses, Services and EndpointSlices in one line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from canarylab.ingress_rules.annotations import PREFIX
from canarylab.ingress_rules.ingress_spec import (
    INGRESS_CONTROLLER,
    parse_ingresses,
)
from canarylab.ingress_rules.server_table import BuildResult, build_server_table
from canarylab.kube_objects import EndpointIndex, Object

SPACE = "lab"
HOST = "foo.bar.com"
CLASS: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "nginx"},
    "spec": {"controller": INGRESS_CONTROLLER},
}

Rule = tuple[str, str]
"""A path of foo.bar.com, and the Service it leads to."""


def ingress(name: str, *rules: Rule, age_s: int = 0, **annotations: str) -> Object:
    """One of class nginx; `canary_weight="10"` is the annotation of that name."""
    paths = [
        {
            "path": path,
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": 80}}},
        }
        for path, service in rules
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": SPACE,
            "creationTimestamp": f"2026-11-22T21:42:{30 - age_s:02}Z",
            "annotations": {
                PREFIX + key.replace("_", "-"): value for key, value in annotations.items()
            },
        },
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": HOST, "http": {"paths": paths}}],
        },
    }


def service(name: str, *, port: int = 80, target: int = 3333) -> Object:
    """With one port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"ports": [{"port": port, "targetPort": target, "protocol": "TCP"}]},
    }


def slice_of(name: str, *addresses: str, port: int = 3333, **conditions: bool) -> Object:
    """The endpoints of a Service, all ready unless `conditions` say otherwise."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-x",
            "namespace": SPACE,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": port, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [address], "conditions": conditions or {"ready": True}}
            for address in addresses
        ],
    }


def built(*ingresses: Object, services: Iterable[str] = ("prod", "canary", "other")) -> BuildResult:
    """The table of these, where each Service has a ready endpoint."""
    names = list(services)
    slices = [slice_of(name, f"127.64.0.{n}") for n, name in enumerate(names, start=2)]
    return build_server_table(
        parse_ingresses(ingresses), EndpointIndex(map(service, names), slices)
    )


def canary(name: str, *rules: Rule, **annotations: Any) -> Object:
    """A canary Ingress, with a weight of 10 unless the annotations choose requests otherwise."""
    chosen = any(each.startswith("canary_") for each in annotations)
    weight: dict[str, Any] = {} if chosen else {"canary_weight": "10"}
    return ingress(name, *rules, canary="true", **weight, **annotations)
