"""The columns of each kind in a Table, and what they show.

The status of a pod is not its phase: the reason of a waiting or terminated container says more.
Columns of custom kinds show one field as it is, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from canarylab.kube_objects import (
    Object,
    find_condition,
    is_default_class,
    is_finished,
    is_ready,
    is_sidecar,
    is_terminating,
    parse_timestamp,
)
from canarylab.playground.apiserver.ages import age
from canarylab.playground.kube.selectors import label_query

NONE = "<none>"
UNKNOWN = "<unknown>"
MAX_METRICS = 2  # in one cell; the rest is counted
MAX_SHOWN = 3  # addresses, ports or hosts in one cell; the rest is counted

_ROLE = "node-role.kubernetes.io/"

Type = Literal["string", "integer", "date"]


class Column(NamedTuple):
    """A column of a Table; `-o wide` alone prints a wide one, which has priority 1."""

    name: str
    cell: Callable[[Object, datetime], Any]
    """What it shows of an object at a time."""
    type: Type = "string"
    wide: bool = False


def _column(
    name: str,
    show: str | Callable[[Object], Any],
    type_: Type = "string",
    *,
    otherwise: Any = "",
    wide: bool = False,
) -> Column:
    """A column that shows a field, or what a function makes of the object.

    `otherwise` stands for a field that is absent or an empty text.
    """
    make = _field(show, otherwise) if isinstance(show, str) else show
    return Column(name, lambda obj, now: make(obj), type_, wide)


def _field(path: str, otherwise: Any) -> Callable[[Object], Any]:
    *parents, last = path.split(".")

    def show(obj: Object) -> Any:
        for name in parents:
            obj = obj.get(name) or {}
        found = obj.get(last)
        return otherwise if found is None or (found == "" and otherwise is not None) else found

    return show


def _age(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


# workloads


def _of_containers(field: str) -> Callable[[Object], str]:
    def show(workload: Object) -> str:
        containers = workload["spec"]["template"]["spec"].get("containers", [])
        return ",".join(container.get(field, "") for container in containers)

    return show


def _selector(workload: Object) -> str:
    return label_query(workload["spec"].get("selector") or {}) or NONE


def _ready_replicas(deployment: Object) -> str:
    ready = deployment.get("status", {}).get("readyReplicas", 0)
    return f"{ready}/{deployment['spec'].get('replicas', 0)}"


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


def _completions(job: Object) -> str:
    spec = job["spec"]
    wanted, parallelism = str(spec.get("completions", 1)), spec.get("parallelism", 1)
    if "completions" not in spec and parallelism > 1:
        wanted = f"1 of {parallelism}"
    return f"{job.get('status', {}).get('succeeded', 0)}/{wanted}"


def _job_duration(job: Object, now: datetime) -> str:
    """The time until the Job was complete; of a failed one it goes on, as in Kubernetes."""
    status = job.get("status", {})
    if "startTime" not in status:
        return ""
    end = status.get("completionTime")
    return age(status["startTime"], parse_timestamp(end) if end else now)


def _metrics(autoscaler: Object) -> str:
    metrics = [_metric_target(metric) for metric in autoscaler["spec"].get("metrics", [])]
    shown = ", ".join(metrics[:MAX_METRICS]) or NONE
    return shown + (f" + {len(metrics) - MAX_METRICS} more..." if metrics[MAX_METRICS:] else "")


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


def _scale_target(autoscaler: Object) -> str:
    target = autoscaler["spec"]["scaleTargetRef"]
    return f"{target['kind']}/{target['name']}"


# pods


def _ready_containers(pod: Object) -> str:
    spec, sidecars = pod.get("spec", {}), _sidecar_names(pod)
    statuses = [] if _initializing_word(pod) else _container_statuses(pod)
    ready = sum(map(_is_ready_and_running, statuses))
    ready += sum(
        bool(each.get("ready")) for each in _init_statuses(pod) if each["name"] in sidecars
    )
    return f"{ready}/{len(spec.get('containers', [])) + len(sidecars)}"


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
    word = _initializing_word(pod) or _running_word(pod, word)
    if is_terminating(pod):
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if not is_finished(pod):
            return "Terminating"
    return str(word)


def _running_word(pod: Object, word: str) -> str:
    """What the containers say; the first one has precedence."""
    statuses = _container_statuses(pod)
    for container in reversed(statuses):
        word = _container_reason(container) or word
    if word == "Completed" and any(map(_is_ready_and_running, statuses)):
        return "Running" if is_ready(pod) else "NotReady"
    return word


def _initializing_word(pod: Object) -> str:
    """What the first init container says that is not done; empty once the pod was initialized.

    >>> _initializing_word({"status": {"initContainerStatuses": [{"name": "one"}]}, "spec": {}})
    'Init:0/0'
    """
    if _condition_status(pod, "Initialized") == "True":
        return ""
    sidecars, init = _sidecar_names(pod), pod.get("spec", {}).get("initContainers", [])
    for number, container in enumerate(_init_statuses(pod)):
        end = container.get("state", {}).get("terminated", {})
        has_started = container["name"] in sidecars and container.get("started")
        if end.get("exitCode") == 0 or has_started:
            continue
        reason = _container_reason(container)
        known = reason if reason not in ("", "PodInitializing") else f"{number}/{len(init)}"
        return f"Init:{known}"
    return ""


def _sidecar_names(pod: Object) -> set[str]:
    return {
        each["name"] for each in filter(is_sidecar, pod.get("spec", {}).get("initContainers", []))
    }


def _init_statuses(pod: Object) -> list[Object]:
    return list(pod.get("status", {}).get("initContainerStatuses", []))


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


def _restarts(pod: Object, now: datetime) -> str:
    statuses, sidecars = _init_statuses(pod), _sidecar_names(pod)
    if not _initializing_word(pod):
        statuses = [each for each in statuses if each["name"] in sidecars]
        statuses += _container_statuses(pod)
    count = sum(container.get("restartCount", 0) for container in statuses)
    ends = [
        container.get("lastState", {}).get("terminated", {}).get("finishedAt") or ""
        for container in statuses
    ]
    last = max(ends, default="")
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _readiness_gates(pod: Object) -> str:
    gates = [gate["conditionType"] for gate in pod.get("spec", {}).get("readinessGates", [])]
    open_gates = sum(_condition_status(pod, gate) == "True" for gate in gates)
    return f"{open_gates}/{len(gates)}" if gates else NONE


# Services and routing


def _service_ports(service: Object) -> str:
    return ",".join(map(_service_port, service["spec"].get("ports", []))) or NONE


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


def _service_selector(service: Object) -> str:
    labels = service["spec"].get("selector", {})
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def _endpoints(endpoints: Object) -> str:
    subsets = endpoints.get("subsets", [])
    every = [address for subset in subsets for address in _addresses(subset)]
    return _shortened_list(every) if subsets else NONE


def _addresses(subset: Object) -> list[str]:
    """Every ready address with every port."""
    addresses = [entry["ip"] for entry in subset.get("addresses", [])]
    ports = [port["port"] for port in subset.get("ports", [])]
    return [f"{one}:{port}" for port in ports for one in addresses] if ports else addresses


def _slice_ports(endpoint_slice: Object) -> str:
    ports = [str(port.get("port", "*")) for port in endpoint_slice.get("ports", [])]
    return _shortened_list(ports) or "<unset>"


def _slice_addresses(endpoint_slice: Object) -> str:
    entries = endpoint_slice.get("endpoints") or []
    return _shortened_list([one for entry in entries for one in entry["addresses"]]) or "<unset>"


def _shortened_list(values: Sequence[str]) -> str:
    listed = ",".join(values[:MAX_SHOWN])
    return f"{listed} + {len(values) - MAX_SHOWN} more..." if len(values) > MAX_SHOWN else listed


def _hosts(ingress: Object) -> str:
    """The first hosts; the remaining rules are counted, with or without a host."""
    rules = ingress["spec"].get("rules", [])
    named = [index for index, rule in enumerate(rules) if rule.get("host")][:MAX_SHOWN]
    listed = ",".join(rules[index]["host"] for index in named) or "*"
    has_more = len(named) == MAX_SHOWN and named[-1] < len(rules) - 1
    return f"{listed} + {len(rules) - MAX_SHOWN} more..." if has_more else listed


def _ingress_addresses(ingress: Object) -> str:
    entries = ingress.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    named = {entry.get("ip") or entry.get("hostname", "") for entry in entries}
    return ",".join(sorted(named - {""}))


def _ingress_ports(ingress: Object) -> str:
    return "80, 443" if ingress["spec"].get("tls") else "80"


def _class_name(ingress_class: Object) -> str:
    name = str(ingress_class["metadata"]["name"])
    return f"{name} (default)" if is_default_class(ingress_class) else name


def _class_parameters(ingress_class: Object) -> str:
    reference = ingress_class["spec"].get("parameters")
    if reference is None:
        return NONE
    group = reference.get("apiGroup")
    return f"{reference['kind']}{f'.{group}' if group else ''}/{reference['name']}"


def _gateway_address(gateway: Object) -> str | None:
    addresses = gateway.get("status", {}).get("addresses", [])
    return addresses[0]["value"] if addresses else None


def _hostnames(route: Object) -> str | None:
    hosts = route["spec"].get("hostnames")
    return None if hosts is None else json.dumps(hosts, separators=(",", ":"))


# nodes and events


def _node_status(node: Object) -> str:
    ready = find_condition(node, "Ready")
    words = ["Unknown"]
    if ready is not None:
        words = ["Ready" if ready["status"] == "True" else "NotReady"]
    if node.get("spec", {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node_roles(node: Object) -> str:
    labels = node["metadata"].get("labels", {})
    roles = {label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE)}
    return ",".join(sorted(roles - {""})) or NONE


def _node_address(type_: str) -> Callable[[Object], str]:
    def show(node: Object) -> str:
        addresses = node.get("status", {}).get("addresses", [])
        found = [entry["address"] for entry in addresses if entry["type"] == type_]
        return str(found[-1]) if found else NONE

    return show


def _kernel(node: Object) -> str:
    machine = node.get("status", {}).get("nodeInfo", {})
    kernel, architecture = machine.get("kernelVersion"), machine.get("architecture")
    return f"{kernel} ({architecture})" if kernel and architecture else kernel or UNKNOWN


def _first_seen(event: Object, now: datetime) -> str:
    return age(event.get("firstTimestamp") or event.get("eventTime"), now)


def _last_seen(event: Object, now: datetime) -> str:
    if series := event.get("series"):
        return age(series.get("lastObservedTime"), now)
    last = event.get("lastTimestamp")
    return age(last, now) if last else _first_seen(event, now)


def _event_object(event: Object) -> str:
    about = event.get("involvedObject", {})
    kind, name = about.get("kind", "").lower(), about.get("name", "")
    return f"{kind}/{name}" if name else kind


def _event_source(event: Object) -> str:
    source = event.get("source", {})
    component = source.get("component") or event.get("reportingComponent", "")
    instance = source.get("host") or event.get("reportingInstance", "")
    return f"{component}, {instance}" if instance else component


def _event_message(event: Object) -> str:
    return str(event.get("message", "")).strip()


def _event_count(event: Object) -> int:
    series = event.get("series")
    return int(series.get("count", 0) if series else event.get("count", 0) or 1)


# configuration, roles and the rest


def _entries(obj: Object) -> int:
    return len(obj.get("data", {})) + len(obj.get("binaryData", {}))


def _bound_role(binding: Object) -> str:
    return f"{binding['roleRef']['kind']}/{binding['roleRef']['name']}"


def _subjects(kind: str) -> Callable[[Object], str]:
    def show(binding: Object) -> str:
        found = [one for one in binding.get("subjects", []) if one.get("kind") == kind]
        return ", ".join(_subject_name(one) for one in found)

    return show


def _subject_name(subject: Object) -> str:
    if subject["kind"] == "ServiceAccount":
        return f"{subject.get('namespace', '')}/{subject['name']}"
    return str(subject["name"])


def _bound(field: str) -> Callable[[Object], str]:
    return lambda budget: str(budget["spec"].get(field, "N/A"))


def _min_pods(autoscaler: Object) -> str:
    return str(autoscaler["spec"].get("minReplicas", "<unset>"))


def _condition_status(obj: Object, type_: str) -> str | None:
    found = find_condition(obj, type_)
    return None if found is None else str(found["status"])


def _condition(type_: str) -> Callable[[Object], str | None]:
    return lambda obj: _condition_status(obj, type_)


_NAME = _column("Name", "metadata.name")
_AGE = Column("Age", _age)
_CUSTOM_AGE = Column("Age", _age, "date")
_CREATED_AT = _column("Created At", "metadata.creationTimestamp", "date", otherwise=None)
_TEMPLATE = (
    _column("Containers", _of_containers("name"), wide=True),
    _column("Images", _of_containers("image"), wide=True),
    _column("Selector", _selector, wide=True),
)
_ROLE_BINDING = (
    _NAME,
    _column("Role", _bound_role),
    _AGE,
    _column("Users", _subjects("User"), wide=True),
    _column("Groups", _subjects("Group"), wide=True),
    _column("ServiceAccounts", _subjects("ServiceAccount"), wide=True),
)
COLUMNS: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        "ClusterRole": (_NAME, _CREATED_AT),
        "ClusterRoleBinding": _ROLE_BINDING,
        "ConfigMap": (_NAME, _column("Data", _entries), _AGE),
        "Deployment": (
            _NAME,
            _column("Ready", _ready_replicas),
            _column("Up-to-date", "status.updatedReplicas", otherwise=0),
            _column("Available", "status.availableReplicas", otherwise=0),
            _AGE,
            *_TEMPLATE,
        ),
        "Endpoints": (_NAME, _column("Endpoints", _endpoints), _AGE),
        "EndpointSlice": (
            _NAME,
            _column("AddressType", "addressType"),
            _column("Ports", _slice_ports),
            _column("Endpoints", _slice_addresses),
            _AGE,
        ),
        "Event": (
            Column("Last Seen", _last_seen),
            _column("Type", "type"),
            _column("Reason", "reason"),
            _column("Object", _event_object),
            _column("Subobject", "involvedObject.fieldPath", wide=True),
            _column("Source", _event_source, wide=True),
            _column("Message", _event_message),
            Column("First Seen", _first_seen, wide=True),
            _column("Count", _event_count, wide=True),
            _column("Name", "metadata.name", wide=True),
        ),
        "Gateway": (
            _NAME,
            _column("Class", "spec.gatewayClassName", otherwise=None),
            _column("Address", _gateway_address),
            _column("Programmed", _condition("Programmed")),
            _CUSTOM_AGE,
        ),
        "GatewayClass": (
            _NAME,
            _column("Controller", "spec.controllerName", otherwise=None),
            _column("Accepted", _condition("Accepted")),
            _CUSTOM_AGE,
            _column("Description", "spec.description", otherwise=None, wide=True),
        ),
        "HorizontalPodAutoscaler": (
            _NAME,
            _column("Reference", _scale_target),
            _column("Targets", _metrics),
            _column("MinPods", _min_pods),
            _column("MaxPods", "spec.maxReplicas"),
            _column("Replicas", "status.currentReplicas", otherwise=0),
            _AGE,
        ),
        "HTTPRoute": (_NAME, _column("Hostnames", _hostnames), _CUSTOM_AGE),
        "Ingress": (
            _NAME,
            _column("Class", "spec.ingressClassName", otherwise=NONE),
            _column("Hosts", _hosts),
            _column("Address", _ingress_addresses),
            _column("Ports", _ingress_ports),
            _AGE,
        ),
        "IngressClass": (
            _column("Name", _class_name),
            _column("Controller", "spec.controller"),
            _column("Parameters", _class_parameters),
            _AGE,
        ),
        "Job": (
            _NAME,
            _column("Status", _job_status),
            _column("Completions", _completions),
            Column("Duration", _job_duration),
            _AGE,
            *_TEMPLATE,
        ),
        "Namespace": (_NAME, _column("Status", "status.phase"), _AGE),
        "Node": (
            _NAME,
            _column("Status", _node_status),
            _column("Roles", _node_roles),
            _AGE,
            _column("Version", "status.nodeInfo.kubeletVersion"),
            _column("Internal-IP", _node_address("InternalIP"), wide=True),
            _column("External-IP", _node_address("ExternalIP"), wide=True),
            _column("OS-Image", "status.nodeInfo.osImage", otherwise=UNKNOWN, wide=True),
            _column("Kernel-Version", _kernel, wide=True),
            _column(
                "Container-Runtime",
                "status.nodeInfo.containerRuntimeVersion",
                otherwise=UNKNOWN,
                wide=True,
            ),
        ),
        "Pod": (
            _NAME,
            _column("Ready", _ready_containers),
            _column("Status", status_column),
            Column("Restarts", _restarts),
            _AGE,
            _column("IP", "status.podIP", otherwise=NONE, wide=True),
            _column("Node", "spec.nodeName", otherwise=NONE, wide=True),
            _column("Nominated Node", "status.nominatedNodeName", otherwise=NONE, wide=True),
            _column("Readiness Gates", _readiness_gates, wide=True),
        ),
        "PodDisruptionBudget": (
            _NAME,
            _column("Min Available", _bound("minAvailable")),
            _column("Max Unavailable", _bound("maxUnavailable")),
            _column("Allowed Disruptions", "status.disruptionsAllowed", "integer", otherwise=0),
            _AGE,
        ),
        "ReferenceGrant": (_NAME, _CUSTOM_AGE),
        "ReplicaSet": (
            _NAME,
            _column("Desired", "spec.replicas", "integer", otherwise=0),
            _column("Current", "status.replicas", "integer", otherwise=0),
            _column("Ready", "status.readyReplicas", "integer", otherwise=0),
            _AGE,
            *_TEMPLATE,
        ),
        "Role": (_NAME, _CREATED_AT),
        "RoleBinding": _ROLE_BINDING,
        "Secret": (_NAME, _column("Type", "type"), _column("Data", _entries, "integer"), _AGE),
        "Service": (
            _NAME,
            _column("Type", "spec.type"),
            _column("Cluster-IP", "spec.clusterIP", otherwise=NONE),
            _column("External-IP", _external_address),
            _column("Port(s)", _service_ports),
            _AGE,
            _column("Selector", _service_selector, wide=True),
        ),
        "ServiceAccount": (_NAME, _AGE),
    }
)
"""The columns of each kind."""
