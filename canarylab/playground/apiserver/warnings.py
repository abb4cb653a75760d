"""Warnings: what the API server says of an object that it takes, as pkg/api/pod in Kubernetes.

They are for people, so an update has some only if it changes what the controllers have to do. A pod
has them when it is made; they are not computed again each time the kubelet writes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from canarylab.kube_objects import INGRESS_CLASS_ANNOTATION, Object
from canarylab.playground.apiserver.validation.names import (
    dns_label_problems,
    label_value_problems,
)
from canarylab.playground.kube.quantities import parse_quantity

_TEMPLATES = frozenset({"Deployment", "Job", "ReplicaSet"})
"""Kinds that have a pod template."""
_NAME_USE: Mapping[str, str] = MappingProxyType(
    {"Pod": "the Pod's hostname", **dict.fromkeys(_TEMPLATES, "Pod names and hostnames")}
)
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_WHOLE_BYTES = ("memory", "ephemeral-storage")
_NO_SELECTOR = "a null labelSelector results in matching no pod"
_SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
_CONTAINER_SECCOMP = "container.seccomp.security.alpha.kubernetes.io/"
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
# The backslashes are Kubernetes' own.
_NO_SECCOMP = r"non-functional in v1.27+; use the \"seccompProfile\" field instead"
_NO_APP_ARMOR = r"deprecated since v1.30; use the \"appArmorProfile\" field instead"
_NO_SYSCTLS = r"non-functional in v1.11+; use the \"sysctls\" field instead"
_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        r"non-functional in v1.16+; use the \"priorityClassName\" field instead"
    ),
    "security.alpha.kubernetes.io/sysctls": _NO_SYSCTLS,
    "security.alpha.kubernetes.io/unsafe-sysctls": _NO_SYSCTLS,
}
_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_WITH_ITEMS = {"configMap": "ConfigMap", "secret": "Secret", "downwardAPI": "DownwardAPI"}
"""Sources of files that have items, and their names in warnings."""
_OLD_HINTS = "service.kubernetes.io/topology-aware-hints"
_TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"
_NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": (
        'deprecated since v1.17; use "topology.kubernetes.io/region" instead'
    ),
    "failure-domain.beta.kubernetes.io/zone": (
        'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
    ),
    "beta.kubernetes.io/instance-type": (
        'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'
    ),
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": (
        "deprecated since v1.22; use Taints and Tolerations instead"
    ),
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}


def creation_warnings(obj: Object) -> list[str]:
    """The warnings for the creator of an object."""
    kind = obj["kind"]
    if kind == "Ingress":
        return list(_ingress_class(obj))
    if kind == "Service":
        return _service(obj)
    if kind not in _NAME_USE:
        return []
    warnings = []
    if problems := dns_label_problems(obj["metadata"]["name"]):
        warnings.append(
            f"metadata.name: this is used in {_NAME_USE[kind]}, which can result in surprising "
            f"behavior; a DNS label is recommended: [{' '.join(problems)}]"
        )
    return [*warnings, *(_pod(obj, "") if kind == "Pod" else _template(obj))]


def update_warnings(obj: Object, before: Object) -> list[str]:
    """The warnings for who has changed an object."""
    if obj["kind"] == "Service":
        return _service(obj)
    generations = {each["metadata"].get("generation") for each in (obj, before)}
    if obj["kind"] not in _TEMPLATES or len(generations) == 1:
        return []
    return list(_template(obj))


def _ingress_class(ingress: Object) -> Iterator[str]:
    annotations = ingress["metadata"].get("annotations", {})
    if INGRESS_CLASS_ANNOTATION in annotations and "ingressClassName" not in ingress["spec"]:
        yield (
            f'annotation "{INGRESS_CLASS_ANNOTATION}" is deprecated, '
            "please use 'spec.ingressClassName' instead"
        )


def _service(service: Object) -> list[str]:
    """The warnings of a Service, as pkg/api/service in Kubernetes."""
    spec, annotations = service["spec"], service["metadata"].get("annotations") or {}
    is_headless = spec["type"] == "ClusterIP" and spec.get("clusterIP") == "None"
    is_name, addresses = spec["type"] == "ExternalName", bool(spec.get("externalIPs"))
    ignored = "is ignored for headless services"
    warnings = {
        f"annotation {_OLD_HINTS} is deprecated, please use {_TOPOLOGY_MODE} instead": (
            _OLD_HINTS in annotations
        ),
        f"spec.loadBalancerIP {ignored}": is_headless and bool(spec.get("loadBalancerIP")),
        f"spec.externalIPs {ignored}": is_headless and addresses,
        f"spec.SessionAffinity {ignored}": is_headless and spec["sessionAffinity"] != "None",
        "spec.externalIPs is deprecated": addresses,
        'spec.externalIPs is ignored when spec.type is "ExternalName"': is_name and addresses,
        'spec.externalName is ignored when spec.type is not "ExternalName"': (
            not is_name and bool(spec.get("externalName"))
        ),
        'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"': (
            spec.get("trafficDistribution") == "PreferClose"
        ),
    }
    return [warning for warning, is_given in warnings.items() if is_given]


def _template(obj: Object) -> Iterator[str]:
    return _pod(obj["spec"]["template"], "spec.template.")


def _pod(pod: Object, path: str) -> Iterator[str]:
    """The warnings of a pod, or of a template at a path, in the order of Kubernetes."""
    spec, field = pod["spec"], f"{path}spec"
    annotations = _Annotations((pod.get("metadata") or {}).get("annotations") or {}, path)
    containers = [
        _Container(f"{field}.{group}[{index}]", container)
        for group in _CONTAINERS
        for index, container in enumerate(spec.get(group) or [])
    ]
    yield from _node_labels(spec, field)
    for key, message in _ANNOTATIONS.items():
        yield from annotations.warning(key, message)
    yield from _volumes(spec, field)
    yield from _overlaps(spec)
    yield from _duplicates(spec, field, "hostAliases", "ip")
    yield from _duplicates(spec, field, "imagePullSecrets", "name")
    for index, secret in enumerate(spec.get("imagePullSecrets") or []):
        if not secret.get("name"):
            yield f'{field}.imagePullSecrets[{index}].name: invalid empty name ""'
    for resource in _WHOLE_BYTES:
        yield from _fraction(f"{field}.overhead", spec.get("overhead"), resource)
    security = spec.get("securityContext") or {}
    if "seccompProfile" not in security:
        yield from annotations.warning(_SECCOMP, _NO_SECCOMP)
    for container in containers:
        yield from _container(container, annotations, security)
    yield from _ports(containers)
    yield from _port_names(containers)
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        yield (
            f"{field}.terminationGracePeriodSeconds: must be >= 0; "
            "negative values are invalid and will be treated as 1"
        )
    yield from _affinities(spec, field)


class _Container(NamedTuple):
    field: str
    spec: Object


class _Annotations(NamedTuple):
    given: Mapping[str, str]
    path: str

    def warning(self, key: str, message: str) -> Iterator[str]:
        """The warning of an annotation, if it is there."""
        if key in self.given:
            yield f"{self.path}metadata.annotations[{key}]: {message}"


def _node_labels(spec: Object, field: str) -> Iterator[str]:
    for key in sorted((spec.get("nodeSelector") or {}).keys() & _NODE_LABELS.keys()):
        yield f"{field}.nodeSelector[{key}]: {_NODE_LABELS[key]}"
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required, preferred = (
        f"{kind}DuringSchedulingIgnoredDuringExecution" for kind in ("required", "preferred")
    )
    terms = {
        f"{required}.nodeSelectorTerms[{index}]": term
        for index, term in enumerate((affinity.get(required) or {}).get("nodeSelectorTerms") or [])
    } | {
        f"{preferred}[{index}].preference": weighted.get("preference") or {}
        for index, weighted in enumerate(affinity.get(preferred) or [])
    }
    for where, term in terms.items():
        for index, expression in enumerate(term.get("matchExpressions") or []):
            at = f"{field}.affinity.nodeAffinity.{where}.matchExpressions[{index}]"
            yield from _node_label(f"{at}.key", expression["key"])
            for number, value in enumerate(expression.get("values") or []):
                for problem in label_value_problems(value) if where.startswith(preferred) else ():
                    yield f"{at}.values[{number}]: {value} is invalid, {problem}"
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or []):
        at = f"{field}.topologySpreadConstraints[{index}]"
        yield from _node_label(f"{at}.topologyKey", constraint["topologyKey"])
        if "labelSelector" not in constraint:
            yield f"{at}.labelSelector: {_NO_SELECTOR}"


def _node_label(field: str, key: str) -> Iterator[str]:
    if key in _NODE_LABELS:
        yield f"{field}: {key} is {_NODE_LABELS[key]}"


def _volumes(spec: Object, field: str) -> Iterator[str]:
    for index, volume in enumerate(spec.get("volumes") or []):
        for source in _VOLUMES.keys() & volume.keys():
            shown = source.replace("storageos", "storageOS")  # as in the Go type
            yield f"{field}.volumes[{index}].{shown}: {_VOLUMES[source]}"


def _overlaps(spec: Object) -> Iterator[str]:
    """Files of a volume that have the same path, or one of which is a folder of the other."""
    for volume in spec.get("volumes") or []:
        start = f'volume "{volume.get("name", "")}"'
        for name, shown in _WITH_ITEMS.items():
            source = volume.get(name) or {}
            of = _source(shown, source.get("secretName" if name == "secret" else "name"))
            for overlap in _overlapping(_files(source, "")):
                yield f"{start} ({of}): overlapping paths: {overlap}"
        projected = (volume.get("projected") or {}).get("sources") or []
        if {} in projected:
            yield f"{start} (Projected) has no sources provided"
        for overlap in _overlapping([file for part in projected for file in _projected(part)]):
            yield f"{start} (Projected): overlapping paths: {overlap}"


class _File(NamedTuple):
    path: str
    source: str

    def __str__(self) -> str:
        return f'"{self.path}" ({self.source})' if self.source else f'"{self.path}"'


def _files(source: Object, shown: str) -> list[_File]:
    return [_File(item["path"].rstrip("/"), shown) for item in source.get("items") or []]


def _projected(source: Object) -> list[_File]:
    if "serviceAccountToken" in source:
        return [_File(source["serviceAccountToken"]["path"], "ServiceAccountToken")]
    return [
        file
        for name, shown in _WITH_ITEMS.items()
        if name in source
        for file in _files(source[name], _source(shown, source[name].get("name")))
    ]


def _source(kind: str, name: str | None) -> str:
    return kind if kind == "DownwardAPI" else f'{kind} "{name or ""}"'


def _overlapping(files: list[_File]) -> Iterator[str]:
    for index, file in enumerate(files):
        for earlier in files[:index]:
            short, long = sorted((f"{file.path}/", f"{earlier.path}/"), key=len)
            if long.startswith(short) and short != "/":
                yield f"{file} with {earlier}"


def _duplicates(spec: Object, field: str, name: str, key: str) -> Iterator[str]:
    """The items of a list whose key an earlier one has."""
    seen = set()
    for index, item in enumerate(spec.get(name) or []):
        value = item.get(key, "")
        if value in seen:
            yield f'{field}.{name}[{index}].{key}: duplicate {key} "{value}"'
        seen.add(value)


def _fraction(field: str, amounts: Mapping[str, str] | None, resource: str) -> Iterator[str]:
    amount = (amounts or {}).get(resource, "0")
    if math.ceil(parse_quantity(amount) * 1000) % 1000:
        problem = f'fractional byte value "{amount}" is invalid, must be an integer'
        yield f"{field}[{resource}]: {problem}"


def _container(
    container: _Container, annotations: _Annotations, pod_security: Object
) -> Iterator[str]:
    field, spec = container
    name, security = spec["name"], spec.get("securityContext") or {}
    if "seccompProfile" not in security:
        yield from annotations.warning(f"{_CONTAINER_SECCOMP}{name}", _NO_SECCOMP)
    if annotations.path and "appArmorProfile" not in {**pod_security, **security}:
        yield from annotations.warning(f"{_APP_ARMOR}{name}", _NO_APP_ARMOR)
    resources = spec.get("resources") or {}
    for resource in _WHOLE_BYTES:
        for part in ("limits", "requests"):
            yield from _fraction(f"{field}.resources.{part}", resources.get(part), resource)
    yield from _environment(field, spec.get("env") or [])


def _environment(field: str, variables: list[Object]) -> Iterator[str]:
    """Variables that replace an earlier one of their name, instead of adding to it."""
    seen = set()
    for index, variable in enumerate(variables):
        name, value = variable["name"], variable.get("value", "")
        reference = f"$({name})"
        adds = "valueFrom" not in variable and reference in value and value != reference
        if name in seen and not adds:
            hides = f'hides previous definition of "{name}"'
            yield f"{field}.env[{index}]: {hides}, which may be dropped when using apply"
        seen.add(name)


class _Port(NamedTuple):
    field: str
    host_ip: str
    host_port: int


def _ports(containers: list[_Container]) -> Iterator[str]:
    """Ports of all containers that are defined twice."""
    known = defaultdict[tuple[Any, Any], list[_Port]](list)
    for field, spec in containers:
        for index, given in enumerate(spec.get("ports") or []):
            port = _Port(
                f"{field}.ports[{index}]", given.get("hostIP", ""), given.get("hostPort", 0)
            )
            if port.host_ip and not port.host_port:
                yield f"{port.field}: hostIP set without hostPort: {_go_port(given)}"
            others = known[given["containerPort"], given.get("protocol", "TCP")]
            for other in others:
                if problem := _port_problem(port, other):
                    yield f"{port.field}: {problem} port definition with {other.field}"
            others.append(port)


def _port_names(containers: list[_Container]) -> Iterator[str]:
    """Names of ports that several containers have: a Service means the first."""
    known: dict[str, str] = {}
    for field, spec in containers:
        for index, port in enumerate(spec.get("ports") or []):
            name, at = port.get("name", ""), f"{field}.ports[{index}]"
            if name and (first := known.setdefault(name, at)) != at:
                used = f"services and probes that select ports by name will use {first}"
                yield f'{at}: duplicate port name "{name}" with {first}, {used}'


def _port_problem(port: _Port, other: _Port) -> str:
    if port[1:] == other[1:]:
        return "duplicate"
    if not port.host_port or not other.host_port:
        return "overlapping"
    if port.host_port == other.host_port and bool(port.host_ip) != bool(other.host_ip):
        return "dangerously ambiguous"
    return ""


def _go_port(port: Object) -> str:
    return (
        f"{{Name:{port.get('name', '')} HostPort:{port.get('hostPort', 0)} "
        f"ContainerPort:{port['containerPort']} Protocol:{port.get('protocol', '')} "
        f"HostIP:{port.get('hostIP', '')}}}"
    )


def _affinities(spec: Object, field: str) -> Iterator[str]:
    for kind in ("podAffinity", "podAntiAffinity"):
        affinity = (spec.get("affinity") or {}).get(kind) or {}
        for when, inner in (("required", ""), ("preferred", "podAffinityTerm")):
            name = f"{when}DuringSchedulingIgnoredDuringExecution"
            for index, given in enumerate(affinity.get(name) or []):
                term = given.get(inner) or {} if inner else given
                if "labelSelector" not in term:
                    at = ".".join(filter(None, [f"{kind}.{name}[{index}]", inner, "labelSelector"]))
                    yield f"{field}.affinity.{at}: {_NO_SELECTOR}"
