"""Service -> Endpoints: the same addresses once more, for clients that still read the old kind.

Kubernetes gave it up in 1.33 in favour of EndpointSlices and still writes it, and `kubectl get
endpoints` is in every tutorial. It has no word for a pod on its way out: such a pod is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

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
from canarylab.playground.kube.api import Api, Key, Object
from canarylab.playground.kube.objects import timestamp

_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
_US = "endpoint-controller"


def plan(
    service: Object | None, pods: list[Object], there: Object | None, now: datetime
) -> Object | None:
    """The Endpoints as they should be: the very same if all is well, None if none should be."""
    if service is None:
        return None if there is None or _is_ours(there) else there
    if not has_selector(service):
        return there
    labels = labels_from(service, **{_MANAGED_BY: _US})
    subsets = _subsets(service, backends(service, pods))
    if there is not None and _says(there, labels, subsets):
        return there
    meta = (there or service)["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion") if there else ("name", "namespace")
    marks = {"labels": labels, "annotations": {CHANGED_AT: timestamp(now)}}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {**{name: meta[name] for name in kept}, **marks},
        **({"subsets": subsets} if subsets else {}),
    }


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Make it so, once."""
    # Look.
    service, there = await find(api, "Service", key), await find(api, "Endpoints", key)
    pods = await api.list("Pod", key.namespace)

    # Decide.
    wanted = plan(service, pods, there, now())

    # Act.
    if wanted is None and there is not None:
        await api.delete("Endpoints", key)
    elif wanted is not None and there is None:
        await api.create(wanted)
    elif wanted is not None and wanted is not there:
        await api.update(wanted)

    # Report. The Endpoints are the report.
    return None


def _subsets(service: Object, found: Sequence[Backend]) -> list[Object]:
    """A subset for every set of ports; in it the pods that are ready and those that are not."""
    present = [one for one in found if publishes_all(service) or not one.is_leaving]
    if service["spec"].get("ports"):
        present = [one for one in present if one.ports]
    return [_subset(service, ports, group) for ports, group in sorted(by_ports(present).items())]


def _subset(service: Object, ports: Sequence[Port], group: Sequence[Backend]) -> Object:
    ready = [one for one in group if publishes_all(service) or one.is_serving]
    parts = {
        "addresses": [_address(service, one) for one in ready],
        "notReadyAddresses": [_address(service, one) for one in group if one not in ready],
        "ports": [_port(port) for port in ports],
    }
    return {name: entries for name, entries in parts.items() if entries}


def _address(service: Object, backend: Backend) -> Object:
    optional = {"hostname": backend.hostname(service), "nodeName": backend.node}
    given = {name: value for name, value in optional.items() if value}
    return {"ip": backend.address, **given, "targetRef": backend.target}


def _port(port: Port) -> Object:
    parts = {"name": port.name, "appProtocol": port.app_protocol}
    given = {name: value for name, value in parts.items() if value}
    return {**given, "port": port.number, "protocol": port.protocol}


def _says(endpoints: Object, labels: dict[str, str], subsets: list[Object]) -> bool:
    has_labels = endpoints["metadata"].get("labels") == labels
    return has_labels and (endpoints.get("subsets") or []) == subsets


def _is_ours(endpoints: Object) -> bool:
    return (endpoints["metadata"].get("labels") or {}).get(_MANAGED_BY) == _US


controller = Controller(
    name="endpoints",
    reconcile=reconcile,
    watches={"Service": itself, "Pod": services_nearby, "Endpoints": itself},
)
