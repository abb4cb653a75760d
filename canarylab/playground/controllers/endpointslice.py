"""Service -> EndpointSlices: the addresses that its traffic may go to.

The service proxy reads nothing else. A pod that is not ready stays in the slice and says so; a
pod on its way out says that too, so that the proxy can choose. One slice holds all pods with the
same ports; Kubernetes starts another after a hundred pods, which is more than we can run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from canarylab.playground.controllers.backends import (
    CHANGED_AT,
    Backend,
    Port,
    backends,
    by_ports,
    has_selector,
    labels_from,
    publishes_all,
    services_nearby,
)
from canarylab.playground.controllers.looking import find, itself
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.controllers.moments import Now, utc_now
from canarylab.playground.kube.api import Api, Key, Object, WatchEvent
from canarylab.playground.kube.objects import key_of, owner_reference, timestamp

SERVICE = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_US = "endpointslice-controller.k8s.io"


class Plan(NamedTuple):
    """Which slices to create, to change (as they shall be), and to delete."""

    create: list[Object]
    update: list[Object]
    delete: list[Object]


def plan(service: Object | None, pods: list[Object], slices: list[Object], now: datetime) -> Plan:
    """How to get from these slices to those that the Service should have."""
    if service is None or not has_selector(service):
        return Plan([], [], slices)
    wanted = _wanted(service, pods)
    there = sorted(slices, key=_by_ports)
    changed = [_changed(old, new, now) for old, new in zip(there, wanted, strict=False)]
    return Plan(
        create=[_dated(new, now) for new in wanted[len(there) :]],
        update=[new for old, new in zip(there, changed, strict=False) if new is not old],
        delete=there[len(wanted) :],
    )


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Make it so, once."""
    # Look.
    service = await find(api, "Service", key)
    pods = await api.list("Pod", key.namespace)
    slices = [one for one in await api.list("EndpointSlice", key.namespace) if _is_of(one, key)]

    # Decide.
    todo = plan(service, pods, slices, now())

    # Act.
    for new in todo.create:
        await api.create(new)
    for changed in todo.update:
        await api.update(changed)
    for useless in todo.delete:
        await api.delete("EndpointSlice", key_of(useless))

    # Report. The slices are the report.
    return None


def _wanted(service: Object, pods: list[Object]) -> list[Object]:
    """A slice for every set of ports; one without addresses if there are no pods."""
    groups = by_ports(backends(service, pods)) or {(): []}
    return sorted((_slice(service, *group) for group in groups.items()), key=_by_ports)


def _slice(service: Object, ports: Sequence[Port], group: Sequence[Backend]) -> Object:
    meta = service["metadata"]
    own = {SERVICE: meta["name"], _MANAGED_BY: _US}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels_from(service, **own),
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(service, backend) for backend in group],
        "ports": [_port(port) for port in ports],
    }


def _endpoint(service: Object, backend: Backend) -> Object:
    is_serving, is_leaving = backend.is_serving, backend.is_leaving
    optional = {"hostname": backend.hostname(service), "nodeName": backend.node}
    return {
        "addresses": [backend.address],
        "conditions": {
            "ready": publishes_all(service) or (is_serving and not is_leaving),
            "serving": is_serving,
            "terminating": is_leaving,
        },
        **{name: value for name, value in optional.items() if value},
        "targetRef": backend.target,
    }


def _port(port: Port) -> Object:
    known = {"name": port.name, "port": port.number, "protocol": port.protocol}
    return {**known, "appProtocol": port.app_protocol} if port.app_protocol else known


def _changed(old: Object, new: Object, now: datetime) -> Object:
    """The old slice with the new content; the very same if it has that already."""
    content = {name: new[name] for name in ("endpoints", "ports")}
    labels = new["metadata"]["labels"]
    is_same = all((old.get(name) or []) == value for name, value in content.items())
    if is_same and old["metadata"]["labels"] == labels:
        return old
    return _dated({**old, **content, "metadata": {**old["metadata"], "labels": labels}}, now)


def _by_ports(slice_: Object) -> str:
    """Puts slices into an order that does not depend on who wrote them down."""
    return json.dumps(slice_.get("ports") or [], sort_keys=True)


def _dated(slice_: Object, now: datetime) -> Object:
    return {
        **slice_,
        "metadata": {**slice_["metadata"], "annotations": {CHANGED_AT: timestamp(now)}},
    }


def _is_of(slice_: Object, service: Key) -> bool:
    labels = slice_["metadata"].get("labels") or {}
    return (labels.get(SERVICE), labels.get(_MANAGED_BY)) == (service.name, _US)


async def service_of(_: Api, event: WatchEvent) -> list[Key]:
    """The Service that a slice is for."""
    meta = event.object["metadata"]
    name = (meta.get("labels") or {}).get(SERVICE)
    return [Key(meta["namespace"], name)] if name else []


controller = Controller(
    name="endpointslice",
    reconcile=reconcile,
    watches={"Service": itself, "Pod": services_nearby, "EndpointSlice": service_of},
)
