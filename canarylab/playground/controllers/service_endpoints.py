"""The controllers that write the EndpointSlices and the Endpoints of a Service.

Both list the addresses of the pods that a Service selects. The service proxy reads the slices. A
pod that is not ready stays in its slice with that condition, and so does a terminating one, so
that the proxy can choose. Kubernetes deprecated Endpoints in 1.33 in favour of EndpointSlices, but
still writes them, and `kubectl get endpoints` is in every tutorial; they have no condition
terminating, so such a pod is left out.

One slice holds all pods with the same ports; Kubernetes starts another after a hundred pods, which
is more than run here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from canarylab.kube_objects import (
    SERVICE_LABEL,
    Key,
    Now,
    Object,
    is_finished,
    is_ready,
    is_sidecar,
    is_terminating,
    key_of,
    owner_reference,
    timestamp,
    utc_now,
)
from canarylab.playground.controllers.loop import Controller, keys_for_object
from canarylab.playground.kube.api import Api, WatchEvent, find_object
from canarylab.playground.kube.selectors import by_map

CHANGED_AT = "endpoints.kubernetes.io/last-change-trigger-time"
HEADLESS_LABEL = "service.kubernetes.io/headless"
SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"

_SLICE_MANAGER = "endpointslice-controller.k8s.io"
_ENDPOINTS_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
_ENDPOINTS_MANAGER = "endpoint-controller"


class EndpointPort(NamedTuple):
    """A port of a pod, with the name that the Service gives it."""

    name: str
    number: int
    protocol: str
    app_protocol: str = ""


class SelectedPod(NamedTuple):
    """A pod with an address, and the ports of the Service that it has."""

    pod: Object
    ports: tuple[EndpointPort, ...]

    @property
    def address(self) -> str:
        """The IP address of the pod."""
        return str(self.pod["status"]["podIP"])

    @property
    def is_serving(self) -> bool:
        """Whether the pod is ready, even if it is terminating."""
        return is_ready(self.pod)

    @property
    def is_terminating(self) -> bool:
        """Whether the deletion of the pod has been requested."""
        return is_terminating(self.pod)

    def optional_fields(self, service: Object) -> dict[str, str]:
        """The name of the node, and the hostname if it is one below the Service's name."""
        spec = self.pod["spec"]
        is_subdomain = spec.get("subdomain") == service["metadata"]["name"]
        hostname = spec.get("hostname", "") if is_subdomain else ""
        fields = {"hostname": hostname, "nodeName": spec.get("nodeName", "")}
        return {name: value for name, value in fields.items() if value}

    @property
    def target_ref(self) -> Object:
        """The reference to the pod."""
        meta = self.pod["metadata"]
        return {"kind": "Pod", **{name: meta[name] for name in ("name", "namespace", "uid")}}


class EndpointSlicePlan(NamedTuple):
    """The slices to create, to update (as they shall be), and to delete."""

    create: list[Object]
    update: list[Object]
    delete: list[Object]


def plan_slices(
    service: Object | None, pods: list[Object], slices: list[Object], now: datetime
) -> EndpointSlicePlan:
    """Decide how to get from these slices to those that the Service should have."""
    if service is None or not has_selector(service):
        return EndpointSlicePlan([], [], slices)
    changes = plan_changes(_desired_slices(service, pods), slices, partial(_updated, now=now))
    return changes._replace(create=[_with_change_time(new, now) for new in changes.create])


def plan_changes(
    desired: Iterable[Object], existing: Iterable[Object], updated: Callable[..., Object]
) -> EndpointSlicePlan:
    """Decide which slices to change into desired ones, with `updated(old, new)`, and the rest."""
    new, old = sorted(desired, key=_ports_key), sorted(existing, key=_ports_key)
    changed = [(before, updated(before, after)) for before, after in zip(old, new, strict=False)]
    return EndpointSlicePlan(
        create=new[len(old) :],
        update=[after for before, after in changed if after is not before],
        delete=old[len(new) :],
    )


async def reconcile_slices(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Write the EndpointSlices of one Service."""
    # Look.
    service = await find_object(api, "Service", key)
    pods = await api.list("Pod", key.namespace)
    slices = await find_slices(api, key, _SLICE_MANAGER)

    # Decide.
    todo = plan_slices(service, pods, slices, now())

    # Act.
    await write_slices(api, todo)

    return None


async def find_slices(api: Api, service: Key, manager: str) -> list[Object]:
    """The slices of a Service that this manager writes."""
    labels = {SERVICE_LABEL: service.name, SLICE_MANAGED_BY: manager}
    is_managed = by_map(labels)
    return [one for one in await api.list("EndpointSlice", service.namespace) if is_managed(one)]


async def write_slices(api: Api, todo: EndpointSlicePlan) -> None:
    """Carry out a plan."""
    for new in todo.create:
        await api.create(new)
    for changed in todo.update:
        await api.update(changed)
    for slice_ in todo.delete:
        await api.delete("EndpointSlice", key_of(slice_))


def plan_endpoints(
    service: Object | None, pods: list[Object], existing: Object | None, now: datetime
) -> Object | None:
    """Return the Endpoints as they should be: `existing` if they are right, None for none."""
    if service is None:
        return None if existing is None or _is_managed(existing) else existing
    if not has_selector(service):
        return existing
    labels = endpoint_labels(service, **{_ENDPOINTS_MANAGED_BY: _ENDPOINTS_MANAGER})
    subsets = _subsets(service, find_endpoints(service, pods))
    if existing is not None and _is_same(existing, labels, subsets):
        return existing
    meta = (existing or service)["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion") if existing else ("name", "namespace")
    own = {"labels": labels, "annotations": {CHANGED_AT: timestamp(now)}}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {**{name: meta[name] for name in kept}, **own},
        **({"subsets": subsets} if subsets else {}),
    }


async def reconcile_endpoints(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Write the Endpoints of one Service."""
    # Look.
    service = await find_object(api, "Service", key)
    existing = await find_object(api, "Endpoints", key)
    pods = await api.list("Pod", key.namespace)

    # Decide.
    desired = plan_endpoints(service, pods, existing, now())

    # Act.
    if desired is None and existing is not None:
        await api.delete("Endpoints", key)
    elif desired is not None and existing is None:
        await api.create(desired)
    elif desired is not None and desired is not existing:
        await api.update(desired)

    return None


def has_selector(service: Object) -> bool:
    """Whether the controllers find its endpoints. Without a selector, users write them."""
    spec = service["spec"]
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def find_endpoints(service: Object, pods: Iterable[Object]) -> list[SelectedPod]:
    """Return the selected pods that have an address and are not finished, by address."""
    selects = by_map(service["spec"]["selector"])
    selected = [pod for pod in pods if selects(pod) and _has_endpoint(pod)]
    endpoints = [SelectedPod(pod, _ports(service, pod)) for pod in selected]
    return sorted(endpoints, key=lambda endpoint: _octets(endpoint.address))


def group_by_ports(
    endpoints: Iterable[SelectedPod],
) -> dict[tuple[EndpointPort, ...], list[SelectedPod]]:
    """Group pods with the same ports. Only a port given by name can differ between pods."""
    groups: dict[tuple[EndpointPort, ...], list[SelectedPod]] = {}
    for endpoint in endpoints:
        groups.setdefault(endpoint.ports, []).append(endpoint)
    return groups


def endpoint_labels(service: Object, **own: str) -> dict[str, str]:
    """Return the Service's labels, which are copied to its endpoints, with the controller's own."""
    is_headless = service["spec"].get("clusterIP") == "None"
    labels = service["metadata"].get("labels") or {}
    return {**labels, **({HEADLESS_LABEL: ""} if is_headless else {}), **own}


def publishes_not_ready(service: Object) -> bool:
    """Whether pods that are not ready get traffic, too."""
    return bool(service["spec"].get("publishNotReadyAddresses"))


def _ports(service: Object, pod: Object) -> tuple[EndpointPort, ...]:
    """Return the Service's ports that the pod has; a named one must be a port of a container."""
    found = [
        (port, _number(port.get("targetPort", port["port"]), pod, port.get("protocol", "TCP")))
        for port in service["spec"].get("ports") or []
    ]
    return tuple(
        EndpointPort(
            port.get("name", ""), number, port.get("protocol", "TCP"), port.get("appProtocol", "")
        )
        for port, number in found
        if number is not None
    )


def _number(target_port: int | str, pod: Object, protocol: str) -> int | None:
    if isinstance(target_port, int):
        return target_port
    spec = pod["spec"]
    named = [
        int(port["containerPort"])
        for container in (*spec["containers"], *filter(is_sidecar, spec.get("initContainers", [])))
        for port in container.get("ports") or []
        if (port.get("name"), port.get("protocol", "TCP")) == (target_port, protocol)
    ]
    return named[0] if named else None


def _has_endpoint(pod: Object) -> bool:
    status = pod.get("status", {})
    return bool(status.get("podIP")) and not is_finished(pod)


def _octets(address: str) -> list[int]:
    return [int(part) for part in address.split(".")]


def _desired_slices(service: Object, pods: list[Object]) -> list[Object]:
    """Return a slice for every set of ports; one without addresses if there are no pods."""
    groups = group_by_ports(find_endpoints(service, pods)) or {(): []}
    return [_slice(service, *group) for group in groups.items()]


def _slice(
    service: Object, ports: Sequence[EndpointPort], endpoints: Sequence[SelectedPod]
) -> Object:
    own = {SERVICE_LABEL: service["metadata"]["name"], SLICE_MANAGED_BY: _SLICE_MANAGER}
    return new_slice(
        service,
        endpoint_labels(service, **own),
        endpoints=[_slice_endpoint(service, endpoint) for endpoint in endpoints],
        ports=[_slice_port(port) for port in ports],
    )


def new_slice(
    owner: Object, labels: Object, *, endpoints: list[Object], ports: list[Object]
) -> Object:
    """Return a slice that belongs to a Service, or to its Endpoints."""
    meta = owner["metadata"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(owner)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    }


def _slice_endpoint(service: Object, endpoint: SelectedPod) -> Object:
    is_serving, is_terminating = endpoint.is_serving, endpoint.is_terminating
    return {
        "addresses": [endpoint.address],
        "conditions": {
            "ready": publishes_not_ready(service) or (is_serving and not is_terminating),
            "serving": is_serving,
            "terminating": is_terminating,
        },
        **endpoint.optional_fields(service),
        "targetRef": endpoint.target_ref,
    }


def _slice_port(port: EndpointPort) -> Object:
    fields = {"name": port.name, "port": port.number, "protocol": port.protocol}
    return {**fields, "appProtocol": port.app_protocol} if port.app_protocol else fields


def _updated(old: Object, new: Object, now: datetime) -> Object:
    """Return the old slice with the new content, or the old object if nothing differs."""
    content = {name: new[name] for name in ("endpoints", "ports")}
    labels = new["metadata"]["labels"]
    is_same = all((old.get(name) or []) == value for name, value in content.items())
    if is_same and old["metadata"]["labels"] == labels:
        return old
    updated = {**old, **content, "metadata": {**old["metadata"], "labels": labels}}
    return _with_change_time(updated, now)


def _ports_key(slice_: Object) -> str:
    """Order of slices, independent of the order of the fields in their ports."""
    return json.dumps(slice_.get("ports") or [], sort_keys=True)


def _with_change_time(slice_: Object, now: datetime) -> Object:
    annotations = {CHANGED_AT: timestamp(now)}
    return {**slice_, "metadata": {**slice_["metadata"], "annotations": annotations}}


def _subsets(service: Object, endpoints: Sequence[SelectedPod]) -> list[Object]:
    """Return a subset for every set of ports, with ready and not ready addresses."""
    listed = [one for one in endpoints if publishes_not_ready(service) or not one.is_terminating]
    if service["spec"].get("ports"):
        listed = [one for one in listed if one.ports]
    groups = sorted(group_by_ports(listed).items())
    return [_subset(service, ports, group) for ports, group in groups]


def _subset(service: Object, ports: Sequence[EndpointPort], group: Sequence[SelectedPod]) -> Object:
    ready = [one for one in group if publishes_not_ready(service) or one.is_serving]
    parts = {
        "addresses": [_subset_address(service, one) for one in ready],
        "notReadyAddresses": [_subset_address(service, one) for one in group if one not in ready],
        "ports": [_subset_port(port) for port in ports],
    }
    return {name: entries for name, entries in parts.items() if entries}


def _subset_address(service: Object, endpoint: SelectedPod) -> Object:
    fields = endpoint.optional_fields(service)
    return {"ip": endpoint.address, **fields, "targetRef": endpoint.target_ref}


def _subset_port(port: EndpointPort) -> Object:
    optional = {"name": port.name, "appProtocol": port.app_protocol}
    fields = {name: value for name, value in optional.items() if value}
    return {**fields, "port": port.number, "protocol": port.protocol}


def _is_same(endpoints: Object, labels: dict[str, str], subsets: list[Object]) -> bool:
    has_labels = endpoints["metadata"].get("labels") == labels
    return has_labels and (endpoints.get("subsets") or []) == subsets


def _is_managed(endpoints: Object) -> bool:
    labels = endpoints["metadata"].get("labels") or {}
    return bool(labels.get(_ENDPOINTS_MANAGED_BY) == _ENDPOINTS_MANAGER)


async def keys_for_services(api: Api, event: WatchEvent) -> list[Key]:
    """Reconcile all Services of a pod's namespace: any may select it now, or have before."""
    services = await api.list("Service", event.object["metadata"]["namespace"])
    return [key_of(service) for service in services if has_selector(service)]


async def key_for_slice(_: Api, event: WatchEvent) -> list[Key]:
    """Reconcile the Service of a slice."""
    meta = event.object["metadata"]
    name = (meta.get("labels") or {}).get(SERVICE_LABEL)
    return [Key(meta["namespace"], name)] if name else []


slices_controller = Controller(
    name="endpointslice",
    reconcile=reconcile_slices,
    watches={
        "Service": keys_for_object,
        "Pod": keys_for_services,
        "EndpointSlice": key_for_slice,
    },
)

endpoints_controller = Controller(
    name="endpoints",
    reconcile=reconcile_endpoints,
    watches={
        "Service": keys_for_object,
        "Pod": keys_for_services,
        "Endpoints": keys_for_object,
    },
)
