"""Schemas of built-in kinds, and the Go types of their fields.

The schemas are made from the official client (`tools/make_schema.py`) and packed into
`schema.json.gz`; they are loaded on first use, in 0.02 s. Two more things are visible to clients: a
zero, `false` or `""` is omitted if the field is a plain Go value and kept if it is a pointer
(`replicas: 0` stays, `minReadySeconds: 0` goes), and errors name the Go type of a field. Fields are
named `Structure.field`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

Schema = Mapping[str, Any]
_REFERENCE = "#/components/schemas/"
_OMITTED_FIELDS = {
    "Container": "stdin stdinOnce tty",
    "ContainerPort": "hostPort",
    "ContainerStateTerminated": "signal",
    "DeploymentSpec": "minReadySeconds paused",
    "DeploymentStatus": "observedGeneration replicas updatedReplicas readyReplicas "
    "availableReplicas unavailableReplicas",
    "EphemeralContainer": "stdin stdinOnce tty",
    "Event": "count",
    "EventSeries": "count",
    "Condition": "observedGeneration",
    "HorizontalPodAutoscalerStatus": "currentReplicas",
    "JobStatus": "active succeeded failed",
    "NodeSpec": "unschedulable",
    "ObjectMeta": "generation",
    "PodCondition": "observedGeneration",
    "PodDisruptionBudgetStatus": "observedGeneration",
    "PodSpec": "hostNetwork hostPID hostIPC",
    "PodStatus": "observedGeneration",
    "Probe": "initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold",
    "ReplicaSetSpec": "minReadySeconds",
    "ReplicaSetStatus": "fullyLabeledReplicas readyReplicas availableReplicas observedGeneration",
    "ScaleSpec": "replicas",
    "ServiceBackendPort": "number",
    "ServicePort": "nodePort",
    "ServiceSpec": "healthCheckNodePort publishNotReadyAddresses",
    "VolumeMount": "readOnly",
    "PersistentVolumeClaimVolumeSource": "readOnly",
    "NFSVolumeSource": "readOnly",
}
OMITTED_WHEN_ZERO = frozenset(
    f"{name}.{field}" for name, fields in _OMITTED_FIELDS.items() for field in fields.split()
)
"""Numbers and booleans that are omitted if zero or false."""
KEPT_WHEN_EMPTY = frozenset(
    {
        "Event.reportingComponent", "Event.reportingInstance", "EndpointPort.name",
        "IngressClassParametersReference.apiGroup", "IngressClassParametersReference.namespace",
        "IngressClassParametersReference.scope", "IngressSpec.ingressClassName",
        "ServiceSpec.ipFamilyPolicy", "TypedLocalObjectReference.apiGroup",
    }
)  # fmt: skip
"""Optional strings that are kept if empty: pointers, and fields that are always written."""
_CONTAINER_LISTS = {
    "env": "name",
    "ports": "containerPort protocol",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
}
_MERGED_LISTS = {
    "Container": _CONTAINER_LISTS,
    "ContainerStatus": {"allocatedResourcesStatus": "name", "volumeMounts": "mountPath"},
    "DeploymentStatus": {"conditions": "type"},
    "EphemeralContainer": _CONTAINER_LISTS,
    "HorizontalPodAutoscalerStatus": {"conditions": "type"},
    "JobStatus": {"conditions": "type"},
    "NamespaceStatus": {"conditions": "type"},
    "NodeSpec": {"podCIDRs": ""},
    "NodeStatus": {"addresses": "type", "conditions": "type"},
    "ObjectMeta": {"finalizers": "", "ownerReferences": "uid"},
    "PodDisruptionBudgetStatus": {"conditions": "type"},
    "PodSpec": {
        "containers": "name",
        "ephemeralContainers": "name",
        "hostAliases": "ip",
        "imagePullSecrets": "name",
        "initContainers": "name",
        "resourceClaims": "name",
        "schedulingGates": "name",
        "topologySpreadConstraints": "topologyKey whenUnsatisfiable",
        "volumes": "name",
    },
    "PodStatus": {
        "conditions": "type",
        "hostIPs": "ip",
        "podIPs": "ip",
        "resourceClaimStatuses": "name",
    },
    "ReplicaSetStatus": {"conditions": "type"},
    "ServiceAccount": {"secrets": "name"},
    "ServiceSpec": {"ports": "port protocol"},
    "ServiceStatus": {"conditions": "type"},
}
LIST_KEYS: Mapping[str, tuple[str, ...]] = {
    f"{structure}.{field}": tuple(keys.split())
    for structure, fields in _MERGED_LISTS.items()
    for field, keys in fields.items()
}
"""The keys of the items of each list that is merged; none for a list of primitives.

A strategic merge patch knows the first key alone, server-side apply all of them.
"""
_NAMED_STRINGS = {
    "Container.imagePullPolicy": "v1.PullPolicy",
    "Container.terminationMessagePolicy": "v1.TerminationMessagePolicy",
    "ContainerPort.protocol": "v1.Protocol",
    "DeploymentCondition.status": "v1.ConditionStatus",
    "DeploymentCondition.type": "v1.DeploymentConditionType",
    "DeploymentStrategy.type": "v1.DeploymentStrategyType",
    "EndpointSlice.addressType": "v1.AddressType",
    "HTTPGetAction.scheme": "v1.URIScheme",
    "HTTPIngressPath.pathType": "v1.PathType",
    "LabelSelectorRequirement.operator": "v1.LabelSelectorOperator",
    "NamespaceStatus.phase": "v1.NamespacePhase",
    "ObjectMeta.uid": "types.UID",
    "OwnerReference.uid": "types.UID",
    "PodSpec.dnsPolicy": "v1.DNSPolicy",
    "PodSpec.restartPolicy": "v1.RestartPolicy",
    "PodStatus.phase": "v1.PodPhase",
    "ServicePort.protocol": "v1.Protocol",
    "ServiceSpec.externalTrafficPolicy": "v1.ServiceExternalTrafficPolicy",
    "ServiceSpec.internalTrafficPolicy": "v1.ServiceInternalTrafficPolicy",
    "ServiceSpec.ipFamilyPolicy": "v1.IPFamilyPolicy",
    "ServiceSpec.sessionAffinity": "v1.ServiceAffinity",
    "ServiceSpec.type": "v1.ServiceType",
    "Toleration.effect": "v1.TaintEffect",
    "Toleration.operator": "v1.TolerationOperator",
}
_BY_FORM = {
    "boolean": "bool",
    "int32": "int32",
    "int64": "int64",
    "int-or-string": "intstr.IntOrString",
    "quantity": "resource.Quantity",
    "object": "interface {}",
}


@cache
def schemas() -> Mapping[str, Schema]:
    """Every schema by its full name, `io.k8s.api.apps.v1.Deployment`."""
    packed = files("canarylab.playground.apiserver.schema").joinpath("schema.json.gz").read_bytes()
    return cast("Mapping[str, Schema]", json.loads(gzip.decompress(packed))["schemas"])


def structure_schema(name: str) -> Schema:
    """The schema of a full name.

    >>> sorted(structure_schema("io.k8s.api.apps.v1.DeploymentSpec")["required"])
    ['selector', 'template']
    """
    return schemas()[name]


def schema_name(kind: str, api_version: str) -> str:
    """The full name of the schema of a kind.

    >>> schema_name("Deployment", "apps/v1")
    'io.k8s.api.apps.v1.Deployment'
    """
    return _kinds()[kind, api_version]


def referenced_schema(schema: Schema) -> str | None:
    """The full name of the structure that a field, or each item of its list, refers to."""
    inner = schema.get("items", schema.get("additionalProperties", schema))
    reference = inner.get("$ref") or next((part["$ref"] for part in inner.get("allOf", [])), None)
    return reference.removeprefix(_REFERENCE) if reference else None


def go_name(name: str) -> str:
    """The last part of a full name, which is the name of the Go structure.

    >>> go_name("io.k8s.api.apps.v1.Deployment")
    'Deployment'
    """
    return name.rpartition(".")[2]


@cache
def _kinds() -> Mapping[tuple[str, str], str]:
    found = {}
    for name, entry in schemas().items():
        for identity in entry.get("x-kubernetes-group-version-kind", []):
            version = "/".join(filter(None, (identity["group"], identity["version"])))
            found[identity["kind"], version] = name
    return found


def go_type(schema: Mapping[str, Any], field: str) -> str:
    """The Go type of a field.

    >>> go_type({"type": "array", "items": {"type": "string"}}, "Container.args")
    '[]string'
    """
    if "items" in schema:
        return f"[]{go_type(schema['items'], '')}"
    if "additionalProperties" in schema:
        values = go_type(schema["additionalProperties"], "")
        return "v1.ResourceList" if values == "resource.Quantity" else f"map[string]{values}"
    if (structure := referenced_schema(schema)) is not None:
        return ".".join(structure.split(".")[-2:])
    if schema.get("type") == "string":
        return _NAMED_STRINGS.get(field, "string")
    return _BY_FORM[schema.get("format") or schema["type"]]
