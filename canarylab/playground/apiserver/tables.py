"""Tables: what `kubectl get` prints.

kubectl asks the server for a Table and prints its cells as they are. Columns of priority 1 are
printed by `-o wide` only. The status of a pod is not its phase: the reason of a waiting or
terminated container says more. Cells of custom kinds show one field as it is, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from canarylab.kube_objects import (
    Object,
    find_condition,
    is_default_class,
    is_finished,
    is_ready,
    is_terminating,
    parse_timestamp,
)
from canarylab.playground.kube.selectors import label_query

NONE = "<none>"
MAX_METRICS = 2  # in one cell; the rest is counted
MAX_SHOWN = 3  # addresses, ports or hosts in one cell; the rest is counted

_ROLE = "node-role.kubernetes.io/"
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400  # seconds


def build_table(
    kind: str, objects: Sequence[Object], now: datetime, *, full_objects: bool = False
) -> Object:
    """A Table of these objects; each row carries the metadata of its object, or all of it."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": column_definitions(kind),
        "rows": [_row(kind, obj, now, full_object=full_objects) for obj in objects],
    }


def _row(kind: str, obj: Object, now: datetime, *, full_object: bool) -> Object:
    row: Object = {"cells": _CELLS[kind](obj, now)}
    conditions = pod_row_conditions(obj) if kind == "Pod" else []
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


class Column(NamedTuple):
    """A column of a Table."""

    name: str
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False


_CREATED = Column("Age", type="date")
_TEMPLATE = (
    Column("Containers", wide=True), Column("Images", wide=True), Column("Selector", wide=True),
)  # fmt: skip
_SUBJECTS = tuple(Column(name, wide=True) for name in ("Users", "Groups", "ServiceAccounts"))
_INTEGERS = (
    Column("Desired", type="integer"),
    Column("Current", type="integer"),
    Column("Ready", type="integer"),
)
COLUMNS: Mapping[str, tuple[str | Column, ...]] = MappingProxyType(
    {
        "ConfigMap": ("Name", "Data", "Age"),
        "Deployment": ("Name", "Ready", "Up-to-date", "Available", "Age", *_TEMPLATE),
        "Endpoints": ("Name", "Endpoints", "Age"),
        "EndpointSlice": ("Name", "AddressType", "Ports", "Endpoints", "Age"),
        "Event": (
            "Last Seen", "Type", "Reason", "Object", Column("Subobject", wide=True),
            Column("Source", wide=True), "Message", Column("First Seen", wide=True),
            Column("Count", wide=True), Column("Name", wide=True),
        ),
        "Gateway": ("Name", "Class", "Address", "Programmed", _CREATED),
        "GatewayClass": (
            "Name", "Controller", "Accepted", _CREATED, Column("Description", wide=True),
        ),
        "HTTPRoute": ("Name", "Hostnames", _CREATED),
        "ReferenceGrant": ("Name", _CREATED),
        "ClusterRole": ("Name", Column("Created At", type="date")),
        "ClusterRoleBinding": ("Name", "Role", "Age", *_SUBJECTS),
        "HorizontalPodAutoscaler": (
            "Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age",
        ),
        "Job": ("Name", "Status", "Completions", "Duration", "Age", *_TEMPLATE),
        "PodDisruptionBudget": (
            "Name", "Min Available", "Max Unavailable",
            Column("Allowed Disruptions", type="integer"), "Age",
        ),
        "Role": ("Name", Column("Created At", type="date")),
        "RoleBinding": ("Name", "Role", "Age", *_SUBJECTS),
        "ServiceAccount": ("Name", "Age"),
        "Ingress": ("Name", "Class", "Hosts", "Address", "Ports", "Age"),
        "IngressClass": ("Name", "Controller", "Parameters", "Age"),
        "Namespace": ("Name", "Status", "Age"),
        "Node": (
            "Name", "Status", "Roles", "Age", "Version", Column("Internal-IP", wide=True),
            Column("External-IP", wide=True), Column("OS-Image", wide=True),
            Column("Kernel-Version", wide=True), Column("Container-Runtime", wide=True),
        ),
        "Pod": (
            "Name", "Ready", "Status", "Restarts", "Age", Column("IP", wide=True),
            Column("Node", wide=True), Column("Nominated Node", wide=True),
            Column("Readiness Gates", wide=True),
        ),
        "ReplicaSet": ("Name", *_INTEGERS, "Age", *_TEMPLATE),
        "Secret": ("Name", "Type", Column("Data", type="integer"), "Age"),
        "Service": (
            "Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age",
            Column("Selector", wide=True),
        ),
    }
)  # fmt: skip
"""The columns of each kind; a plain name is a string column of priority 0."""


@cache
def column_definitions(kind: str) -> list[dict[str, Any]]:
    """The columns of a kind, as in a Table. Cached: do not change them."""
    return [
        _definition(Column(column) if isinstance(column, str) else column)
        for column in COLUMNS[kind]
    ]


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": "",
        "priority": int(column.wide),
    }


def config_map_cells(config_map: Object, now: datetime) -> list[Any]:
    """Name, Data, Age."""
    entries = len(config_map.get("data", {})) + len(config_map.get("binaryData", {}))
    return [_name(config_map), entries, _age(config_map, now)]


def secret_cells(secret: Object, now: datetime) -> list[Any]:
    """Name, Type, Data, Age."""
    return [_name(secret), secret.get("type", ""), len(secret.get("data", {})), _age(secret, now)]


def deployment_cells(deployment: Object, now: datetime) -> list[Any]:
    """Name, Ready, Up-to-date, Available, Age, Containers, Images, Selector."""
    spec, status = deployment["spec"], deployment.get("status", {})
    return [
        _name(deployment),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _age(deployment, now),
        *_template_cells(spec),
    ]


def replica_set_cells(replica_set: Object, now: datetime) -> list[Any]:
    """Name, Desired, Current, Ready, Age, Containers, Images, Selector."""
    spec, status = replica_set["spec"], replica_set.get("status", {})
    return [
        _name(replica_set),
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        _age(replica_set, now),
        *_template_cells(spec),
    ]


def service_cells(service: Object, now: datetime) -> list[Any]:
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


def endpoints_cells(endpoints: Object, now: datetime) -> list[Any]:
    """Name, Endpoints, Age."""
    subsets = endpoints.get("subsets", [])
    every = [address for subset in subsets for address in _addresses(subset)]
    return [_name(endpoints), _shortened_list(every) if subsets else NONE, _age(endpoints, now)]


def endpoint_slice_cells(endpoint_slice: Object, now: datetime) -> list[Any]:
    """Name, AddressType, Ports, Endpoints, Age."""
    addresses = [
        one for entry in endpoint_slice.get("endpoints") or [] for one in entry["addresses"]
    ]
    ports = [str(port.get("port", "*")) for port in endpoint_slice.get("ports", [])]
    return [
        _name(endpoint_slice),
        endpoint_slice["addressType"],
        _shortened_list(ports) or "<unset>",
        _shortened_list(addresses) or "<unset>",
        _age(endpoint_slice, now),
    ]


def namespace_cells(namespace: Object, now: datetime) -> list[Any]:
    """Name, Status, Age."""
    phase = namespace.get("status", {}).get("phase", "")
    return [_name(namespace), phase, _age(namespace, now)]


def node_cells(node: Object, now: datetime) -> list[Any]:
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


def event_cells(event: Object, now: datetime) -> list[Any]:
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


def _template_cells(spec: Object) -> list[str]:
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


def _shortened_list(values: Sequence[str]) -> str:
    listed = ",".join(values[:MAX_SHOWN])
    return f"{listed} + {len(values) - MAX_SHOWN} more..." if len(values) > MAX_SHOWN else listed


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


def pod_cells(pod: Object, now: datetime) -> list[Any]:
    """Name, Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates."""
    spec, status = pod.get("spec", {}), pod.get("status", {})
    ready = sum(1 for container in _container_statuses(pod) if _is_ready_and_running(container))
    return [
        pod["metadata"]["name"],
        f"{ready}/{len(spec.get('containers', []))}",
        status_column(pod),
        _restart_cell(pod, now),
        age(pod["metadata"].get("creationTimestamp"), now),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _readiness_gates_cell(pod),
    ]


def pod_row_conditions(pod: Object) -> list[Object]:
    """The conditions of the row of a completed pod."""
    sentences = {
        "Succeeded": "The pod has completed successfully.",
        "Failed": "The pod failed.",
    }
    phase = pod.get("status", {}).get("phase")
    if phase not in sentences:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": sentences[phase]}]


def status_column(pod: Object) -> str:
    """The STATUS of a pod: `Running`, `CrashLoopBackOff`, `Terminating`, ...

    >>> status_column({"metadata": {}, "status": {"phase": "Pending"}})
    'Pending'
    """
    status = pod.get("status", {})
    word = status.get("reason") or status.get("phase", "")
    scheduled = find_condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("reason") == "SchedulingGated":
        word = "SchedulingGated"
    # The first container has precedence.
    for container in reversed(_container_statuses(pod)):
        word = _container_reason(container) or word
    if word == "Completed" and any(_is_ready_and_running(one) for one in _container_statuses(pod)):
        word = "Running" if is_ready(pod) else "NotReady"
    if is_terminating(pod):
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if not is_finished(pod):
            return "Terminating"
    return str(word)


def _container_reason(container: Object) -> str:
    state = container.get("state", {})
    waiting, terminated = state.get("waiting", {}), state.get("terminated")
    if waiting.get("reason"):
        return str(waiting["reason"])
    if terminated is None:
        return ""
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _container_statuses(pod: Object) -> list[Object]:
    return list(pod.get("status", {}).get("containerStatuses", []))


def _is_ready_and_running(container: Object) -> bool:
    """Whether a container is ready and running."""
    return (
        bool(container.get("ready"))
        and "running" in container.get("state", {})
        and not _container_reason(container)
    )


def _restart_cell(pod: Object, now: datetime) -> str:
    count = sum(container.get("restartCount", 0) for container in _container_statuses(pod))
    ends = [
        container.get("lastState", {}).get("terminated", {}).get("finishedAt") or ""
        for container in _container_statuses(pod)
    ]
    last = max(ends, default="")
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _readiness_gates_cell(pod: Object) -> str:
    gates = pod.get("spec", {}).get("readinessGates", [])
    if not gates:
        return NONE
    open_gates = sum(
        1
        for gate in gates
        if (find_condition(pod, gate["conditionType"]) or {}).get("status") == "True"
    )
    return f"{open_gates}/{len(gates)}"


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
        _class_name(ingress_class),
        spec.get("controller", ""),
        _parameters_cell(spec.get("parameters")),
        age(ingress_class["metadata"].get("creationTimestamp"), now),
    ]


def _class_name(ingress_class: Object) -> str:
    name = str(ingress_class["metadata"]["name"])
    return f"{name} (default)" if is_default_class(ingress_class) else name


def _host_cell(rules: Sequence[Object]) -> str:
    """The first hosts; the remaining rules are counted, with or without a host."""
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


def gateway_cells(gateway: Object, now: datetime) -> list[Any]:
    """Name, Class, Address, Programmed, Age."""
    addresses = gateway.get("status", {}).get("addresses", [])
    return [
        gateway["metadata"]["name"],
        gateway["spec"].get("gatewayClassName"),
        addresses[0]["value"] if addresses else None,
        _condition_status(gateway, "Programmed"),
        _age(gateway, now),
    ]


def gateway_class_cells(gateway_class: Object, now: datetime) -> list[Any]:
    """Name, Controller, Accepted, Age, Description."""
    return [
        gateway_class["metadata"]["name"],
        gateway_class["spec"].get("controllerName"),
        _condition_status(gateway_class, "Accepted"),
        _age(gateway_class, now),
        gateway_class["spec"].get("description"),
    ]


def reference_grant_cells(grant: Object, now: datetime) -> list[Any]:
    """Name, Age."""
    return [grant["metadata"]["name"], _age(grant, now)]


def http_route_cells(route: Object, now: datetime) -> list[Any]:
    """Name, Hostnames, Age."""
    hosts = route["spec"].get("hostnames")
    return [
        route["metadata"]["name"],
        None if hosts is None else json.dumps(hosts, separators=(",", ":")),
        _age(route, now),
    ]


def autoscaler_cells(autoscaler: Object, now: datetime) -> list[Any]:
    """Name, Reference, Targets, MinPods, MaxPods, Replicas, Age."""
    spec, target = autoscaler["spec"], autoscaler["spec"]["scaleTargetRef"]
    metrics = [_metric_target(metric) for metric in spec.get("metrics", [])]
    shown = ", ".join(metrics[:MAX_METRICS]) or NONE
    if len(metrics) > MAX_METRICS:
        shown += f" + {len(metrics) - MAX_METRICS} more..."
    return [
        _name(autoscaler),
        f"{target['kind']}/{target['name']}",
        shown,
        str(spec.get("minReplicas", "<unset>")),
        spec["maxReplicas"],
        autoscaler.get("status", {}).get("currentReplicas", 0),
        _age(autoscaler, now),
    ]


def _metric_target(metric: Object) -> str:
    """The target of a metric; its current value is unknown, since nobody measures it."""
    kind = metric["type"]
    source = metric.get(f"{kind[:1].lower()}{kind[1:]}", {})
    target = source.get("target", {})
    if kind in ("Resource", "ContainerResource"):
        percent = target.get("averageUtilization")
        wanted = target.get("averageValue") or ("<auto>" if percent is None else f"{percent}%")
        return f"{source.get('name', '')}: <unknown>/{wanted}"
    if kind != "Pods" and "averageValue" in target:
        return f"<unknown>/{target['averageValue']} (avg)"
    return f"<unknown>/{target.get('averageValue') or target.get('value', '')}"


def job_cells(job: Object, now: datetime) -> list[Any]:
    """Name, Status, Completions, Duration, Age, Containers, Images, Selector."""
    spec, status = job["spec"], job.get("status", {})
    return [
        _name(job),
        _job_status(job),
        f"{status.get('succeeded', 0)}/{_wanted_completions(spec)}",
        _job_duration(job, now),
        _age(job, now),
        *_template_cells(spec),
    ]


def _job_status(job: Object) -> str:
    for type_ in ("Complete", "Failed"):
        if _condition_status(job, type_) == "True":
            return type_
    if is_terminating(job):
        return "Terminating"
    for type_ in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if _condition_status(job, type_) == "True":
            return type_
    return "Running"


def _wanted_completions(spec: Object) -> str:
    if "completions" in spec:
        return str(spec["completions"])
    parallelism = spec.get("parallelism", 1)
    return f"1 of {parallelism}" if parallelism > 1 else "1"


def _job_duration(job: Object, now: datetime) -> str:
    status = job.get("status", {})
    if "startTime" not in status:
        return ""
    failed = (find_condition(job, "Failed") or {}).get("lastTransitionTime")
    end = status.get("completionTime") or failed
    return age(status["startTime"], parse_timestamp(end) if end else now)


def disruption_budget_cells(budget: Object, now: datetime) -> list[Any]:
    """Name, Min Available, Max Unavailable, Allowed Disruptions, Age."""
    spec = budget["spec"]
    return [
        _name(budget),
        str(spec.get("minAvailable", "N/A")),
        str(spec.get("maxUnavailable", "N/A")),
        budget.get("status", {}).get("disruptionsAllowed", 0),
        _age(budget, now),
    ]


def role_cells(role: Object, now: datetime) -> list[Any]:
    """Name, Created At."""
    return [_name(role), role["metadata"].get("creationTimestamp")]


def role_binding_cells(binding: Object, now: datetime) -> list[Any]:
    """Name, Role, Age, Users, Groups, ServiceAccounts."""
    role, subjects = binding["roleRef"], binding.get("subjects", [])
    accounts = [
        f"{one.get('namespace', '')}/{one['name']}"
        for one in subjects
        if _is(one, "ServiceAccount")
    ]
    return [
        _name(binding),
        f"{role['kind']}/{role['name']}",
        _age(binding, now),
        ", ".join(one["name"] for one in subjects if _is(one, "User")),
        ", ".join(one["name"] for one in subjects if _is(one, "Group")),
        ", ".join(accounts),
    ]


def _is(subject: Object, kind: str) -> bool:
    return bool(subject.get("kind") == kind)


def service_account_cells(account: Object, now: datetime) -> list[Any]:
    """Name, Age."""
    return [_name(account), _age(account, now)]


def _condition_status(obj: Object, type_: str) -> str | None:
    found = find_condition(obj, type_)
    return None if found is None else str(found["status"])


def age(since: str | None, now: datetime) -> str:
    """The time since a timestamp.

    >>> age("2026-11-22T21:42:09Z", datetime(2026, 11, 22, 21, 45, 23, tzinfo=UTC))
    '3m14s'
    """
    if not since:
        return "<unknown>"
    return human_duration(now - datetime.fromisoformat(since).astimezone(UTC))


def human_duration(length: timedelta) -> str:
    """A duration as kubectl writes it: two units at most, the smaller one only if it matters.

    >>> [human_duration(timedelta(seconds=s)) for s in (45, 194, 720, 19800, 183600)]
    ['45s', '3m14s', '12m', '5h30m', '2d3h']
    """
    seconds = int(length.total_seconds())
    if seconds < -1:
        return "<invalid>"
    if seconds < 2 * _MINUTE:
        return f"{max(seconds, 0)}s"
    # Each row: the end of the range, the larger unit, and the smaller one if it is shown.
    for end, large, small in (
        (10 * _MINUTE, (_MINUTE, "m"), (1, "s")),
        (3 * _HOUR, (_MINUTE, "m"), None),
        (8 * _HOUR, (_HOUR, "h"), (_MINUTE, "m")),
        (2 * _DAY, (_HOUR, "h"), None),
        (8 * _DAY, (_DAY, "d"), (_HOUR, "h")),
        (2 * _YEAR, (_DAY, "d"), None),
        (8 * _YEAR, (_YEAR, "y"), (_DAY, "d")),
    ):
        if seconds < end:
            return _in_units(seconds, large, small)
    return f"{seconds // _YEAR}y"


def _in_units(seconds: int, large: tuple[int, str], small: tuple[int, str] | None) -> str:
    whole, rest = divmod(seconds, large[0])
    text = f"{whole}{large[1]}"
    if small is None or rest // small[0] == 0:
        return text
    return f"{text}{rest // small[0]}{small[1]}"


_CELLS: Mapping[str, Callable[[Object, datetime], list[Any]]] = MappingProxyType(
    {
        "ConfigMap": config_map_cells,
        "Deployment": deployment_cells,
        "Endpoints": endpoints_cells,
        "EndpointSlice": endpoint_slice_cells,
        "Event": event_cells,
        "Gateway": gateway_cells,
        "GatewayClass": gateway_class_cells,
        "HTTPRoute": http_route_cells,
        "ReferenceGrant": reference_grant_cells,
        "ClusterRole": role_cells,
        "ClusterRoleBinding": role_binding_cells,
        "HorizontalPodAutoscaler": autoscaler_cells,
        "Job": job_cells,
        "PodDisruptionBudget": disruption_budget_cells,
        "Role": role_cells,
        "RoleBinding": role_binding_cells,
        "ServiceAccount": service_account_cells,
        "Ingress": ingress_cells,
        "IngressClass": ingress_class_cells,
        "Namespace": namespace_cells,
        "Node": node_cells,
        "Pod": pod_cells,
        "ReplicaSet": replica_set_cells,
        "Secret": secret_cells,
        "Service": service_cells,
    }
)
