"""What stands in the cells of a row, for every kind but pods?

Pods have a file of their own: `pod_cells.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from canarylab.playground.apiserver.tables.ages import age
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import find_condition
from canarylab.playground.kube.selectors import label_query

NONE = "<none>"
SHOWN = 3  # addresses or ports in one cell; the rest is counted

_ROLE = "node-role.kubernetes.io/"


def of_config_map(config_map: Object, now: datetime) -> list[Any]:
    """Name, Data, Age."""
    entries = len(config_map.get("data", {})) + len(config_map.get("binaryData", {}))
    return [_name(config_map), entries, _age(config_map, now)]


def of_deployment(deployment: Object, now: datetime) -> list[Any]:
    """Name, Ready, Up-to-date, Available, Age, Containers, Images, Selector."""
    spec, status = deployment["spec"], deployment.get("status", {})
    return [
        _name(deployment),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _age(deployment, now),
        *_template(spec),
    ]


def of_replica_set(replica_set: Object, now: datetime) -> list[Any]:
    """Name, Desired, Current, Ready, Age, Containers, Images, Selector."""
    spec, status = replica_set["spec"], replica_set.get("status", {})
    return [
        _name(replica_set),
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        _age(replica_set, now),
        *_template(spec),
    ]


def of_service(service: Object, now: datetime) -> list[Any]:
    """Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector."""
    spec = service["spec"]
    return [
        _name(service),
        spec.get("type", ""),
        spec.get("clusterIP") or NONE,
        _external_address(service),
        ",".join(_service_port(port) for port in spec.get("ports", [])) or NONE,
        _age(service, now),
        _labels(spec.get("selector", {})),
    ]


def of_endpoints(endpoints: Object, now: datetime) -> list[Any]:
    """Name, Endpoints, Age."""
    subsets = endpoints.get("subsets", [])
    every = [address for subset in subsets for address in _addresses(subset)]
    return [_name(endpoints), _first_few(every) if subsets else NONE, _age(endpoints, now)]


def of_endpoint_slice(piece: Object, now: datetime) -> list[Any]:
    """Name, AddressType, Ports, Endpoints, Age."""
    addresses = [one for entry in piece.get("endpoints") or [] for one in entry["addresses"]]
    ports = [str(port.get("port", "*")) for port in piece.get("ports", [])]
    return [
        _name(piece),
        piece["addressType"],
        _first_few(ports) or "<unset>",
        _first_few(addresses) or "<unset>",
        _age(piece, now),
    ]


def of_namespace(namespace: Object, now: datetime) -> list[Any]:
    """Name, Status, Age."""
    phase = namespace.get("status", {}).get("phase", "")
    return [_name(namespace), phase, _age(namespace, now)]


def of_node(node: Object, now: datetime) -> list[Any]:
    """Name, Status, Roles, Age, Version, addresses, and what it runs on."""
    machine = node.get("status", {}).get("nodeInfo", {})
    addresses = {
        entry["type"]: entry["address"] for entry in node.get("status", {}).get("addresses", [])
    }
    kernel, architecture = machine.get("kernelVersion"), machine.get("architecture")
    return [
        _name(node),
        _node_status(node),
        _roles(node["metadata"].get("labels", {})),
        _age(node, now),
        machine.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        machine.get("osImage") or "<unknown>",
        f"{kernel} ({architecture})" if kernel and architecture else kernel or "<unknown>",
        machine.get("containerRuntimeVersion") or "<unknown>",
    ]


def of_event(event: Object, now: datetime) -> list[Any]:
    """Last Seen, Type, Reason, Object, Subobject, Source, Message, First Seen, Count, Name."""
    about, series = event.get("involvedObject", {}), event.get("series", {})
    first = age(event.get("firstTimestamp") or event.get("eventTime"), now)
    last = age(event["lastTimestamp"], now) if event.get("lastTimestamp") else first
    if series:
        last = age(series.get("lastObservedTime"), now)
    kind, name = about.get("kind", "").lower(), about.get("name", "")
    return [
        last,
        event.get("type", ""),
        event.get("reason", ""),
        f"{kind}/{name}" if name else kind,
        about.get("fieldPath", ""),
        _event_source(event),
        event.get("message", "").strip(),
        first,
        series.get("count", 0) if series else event.get("count", 0) or 1,
        _name(event),
    ]


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def _template(spec: Object) -> list[str]:
    containers = spec["template"]["spec"].get("containers", [])
    return [
        ",".join(container["name"] for container in containers),
        ",".join(container.get("image", "") for container in containers),
        label_query(spec.get("selector") or {}) or NONE,
    ]


def _service_port(port: Object) -> str:
    number = f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else str(port["port"])
    return f"{number}/{port.get('protocol', 'TCP')}"


def _external_address(service: Object) -> str:
    spec, kind = service["spec"], service["spec"].get("type")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    addresses = list(spec.get("externalIPs", []))
    if kind == "LoadBalancer":
        balancer = service.get("status", {}).get("loadBalancer", {}).get("ingress", [])
        addresses = [entry.get("ip") or entry.get("hostname") for entry in balancer] + addresses
        return ",".join(addresses) or "<pending>"
    return ",".join(addresses) or NONE


def _addresses(subset: Object) -> list[str]:
    """Every ready address with every port."""
    addresses = [entry["ip"] for entry in subset.get("addresses", [])]
    ports = [port["port"] for port in subset.get("ports", [])]
    return [f"{one}:{port}" for port in ports for one in addresses] if ports else addresses


def _first_few(every: Sequence[str]) -> str:
    listed = ",".join(every[:SHOWN])
    return f"{listed} + {len(every) - SHOWN} more..." if len(every) > SHOWN else listed


def _node_status(node: Object) -> str:
    ready = find_condition(node, "Ready")
    words = ["Unknown"]
    if ready is not None:
        words = ["Ready" if ready["status"] == "True" else "NotReady"]
    if node.get("spec", {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(labels: Mapping[str, str]) -> str:
    roles = {label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE)}
    return ",".join(sorted(roles - {""})) or NONE


def _event_source(event: Object) -> str:
    source = event.get("source", {})
    component = source.get("component") or event.get("reportingComponent", "")
    instance = source.get("host") or event.get("reportingInstance", "")
    return f"{component}, {instance}" if instance else component
