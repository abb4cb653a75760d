"""The EndpointSlice mirroring controller: EndpointSlices of the Endpoints that users write.

The Service proxy reads slices alone, so the Endpoints of a Service without a selector are copied
into slices, one for each set of ports. Addresses of IPv6 are left out, for there is IPv4 only.
"""

from __future__ import annotations

import json
from collections import defaultdict

from canarylab.kube_objects import SERVICE_LABEL, Key, Object, is_terminating
from canarylab.playground.controllers.loop import Controller, keys_for_object
from canarylab.playground.controllers.service_endpoints import (
    CHANGED_AT,
    SLICE_MANAGED_BY,
    EndpointSlicePlan,
    find_slices,
    key_for_slice,
    new_slice,
    plan_changes,
    write_slices,
)
from canarylab.playground.kube.api import Api, find_object

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP_LABEL = "endpointslice.kubernetes.io/skip-mirror"
LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
"""Of Endpoints in which programs agreed on a leader, before there were Leases."""

_NOT_COPIED = (CHANGED_AT, "kubectl.kubernetes.io/last-applied-configuration")
_ADDRESS_FIELDS = ("hostname", "nodeName", "targetRef")


def plan(
    service: Object | None, endpoints: Object | None, slices: list[Object]
) -> EndpointSlicePlan:
    """Decide how to get from these slices to those that mirror the Endpoints."""
    if service is None or endpoints is None or not is_mirrored(service, endpoints):
        return EndpointSlicePlan([], [], slices)
    changes = plan_changes(_desired_slices(endpoints), slices, _updated)
    return changes._replace(create=[]) if is_terminating(endpoints) else changes


def is_mirrored(service: Object, endpoints: Object) -> bool:
    """Whether the Endpoints are the user's, and no record of a leader."""
    meta = endpoints["metadata"]
    return (
        not service["spec"].get("selector")
        and (meta.get("labels") or {}).get(SKIP_LABEL) != "true"
        and LEADER_ANNOTATION not in (meta.get("annotations") or {})
    )


async def reconcile(api: Api, key: Key) -> float | None:
    """Write the slices that mirror the Endpoints of one Service."""
    # Look.
    service = await find_object(api, "Service", key)
    endpoints = await find_object(api, "Endpoints", key)
    slices = await find_slices(api, key, MANAGER)

    # Decide.
    todo = plan(service, endpoints, slices)

    # Act.
    await write_slices(api, todo)

    return None


def _desired_slices(endpoints: Object) -> list[Object]:
    """A slice for the addresses of all subsets that have the same ports."""
    groups = defaultdict[str, list[Object]](list)
    for subset in endpoints.get("subsets") or []:
        ports = [{"name": "", **port} for port in subset.get("ports") or []]
        groups[json.dumps(ports, sort_keys=True)] += [
            _endpoint(address, is_ready=is_ready)
            for group, is_ready in (("addresses", True), ("notReadyAddresses", False))
            for address in subset.get(group) or []
            if ":" not in address["ip"]
        ]
    return [_slice(endpoints, json.loads(ports), found) for ports, found in groups.items() if found]


def _endpoint(address: Object, *, is_ready: bool) -> Object:
    copied = {name: address[name] for name in _ADDRESS_FIELDS if name in address}
    return {"addresses": [address["ip"]], "conditions": {"ready": is_ready}, **copied}


def _slice(endpoints: Object, ports: list[Object], found: list[Object]) -> Object:
    meta = endpoints["metadata"]
    given = (meta.get("annotations") or {}).items()
    annotations = {name: text for name, text in given if name not in _NOT_COPIED}
    own = {SERVICE_LABEL: meta["name"], SLICE_MANAGED_BY: MANAGER}
    labels = {**(meta.get("labels") or {}), **own}
    new = new_slice(endpoints, labels, endpoints=found, ports=ports)
    if annotations:
        new["metadata"]["annotations"] = annotations
    return new


def _updated(old: Object, new: Object) -> Object:
    """The old slice with the new content, or the old object if nothing differs."""
    kept = {name: value for name, value in old["metadata"].items() if name != "annotations"}
    updated = {**old, **new, "metadata": {**kept, **new["metadata"]}}
    return old if updated == old else updated


controller = Controller(
    name="endpointslice-mirroring",
    reconcile=reconcile,
    watches={
        "Service": keys_for_object,
        "Endpoints": keys_for_object,
        "EndpointSlice": key_for_slice,
    },
)
