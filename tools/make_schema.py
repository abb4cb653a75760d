"""Write the schemas of built-in kinds, from the models of the installed `kubernetes` client.

They go, as OpenAPI schemas, to `schema.json.gz` in `canarylab/playground/apiserver/schema`. The
daemon reads that file and never imports the client: it stays small, and does not depend on the
client that a learner has.

Run it as `python tools/make_schema.py` after an update of the client. What the models do not have
is here and in `schema_additions.json`: which numbers are int64, which strings are quantities, the
descriptions of fields that hold a structure, and enums.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kubernetes.client import models

from canarylab.playground.kube.kinds import SERVED_KINDS

ADDITIONS = Path(__file__).with_name("schema_additions.json")
TARGET = Path(__file__).parents[1] / "canarylab/playground/apiserver/schema/schema.json.gz"

Schema = dict[str, Any]

_MODELS = {"v1": "CoreV1Event", "events.k8s.io/v1": "EventsV1Event"}
ROOTS = {
    _MODELS[kind.api_version] if kind.kind == "Event" else f"{kind.version.title()}{kind.kind}": (
        kind.group,
        kind.version,
    )
    for kind in SERVED_KINDS
    if not kind.is_custom
} | {
    "V1Binding": ("", "v1"),
    "V1DeleteOptions": ("", "v1"),
    "V1Eviction": ("policy", "v1"),
    "V1Scale": ("autoscaling", "v1"),
    "V1Status": ("", "v1"),
}
"""The kinds with their group and version. All structures that they refer to are written, too."""

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_PACKAGES = {
    "io.k8s.api.apps.v1": "Deployment* ReplicaSet* RollingUpdateDeployment",
    "io.k8s.api.autoscaling.v1": "CrossVersionObjectReference HorizontalPodAutoscaler* Scale "
    "ScaleSpec ScaleStatus",
    "io.k8s.api.batch.v1": "Job* PodFailurePolicy* SuccessPolicy* UncountedTerminatedPods",
    "io.k8s.api.policy.v1": "Eviction PodDisruptionBudget*",
    "io.k8s.api.rbac.v1": "AggregationRule ClusterRole* PolicyRule Role RoleBinding RoleRef",
    "io.k8s.api.discovery.v1": "Endpoint EndpointConditions EndpointHints EndpointSlice For*",
    "io.k8s.api.networking.v1": "Ingress* HTTPIngress* ServiceBackendPort",
    _META: "Condition DeleteOptions LabelSelector* ListMeta ManagedFieldsEntry ObjectMeta "
    "OwnerReference Preconditions ShardInfo Status StatusCause StatusDetails",
}
_CORE = "io.k8s.api.core.v1"
_RENAMED = {
    "CoreV1EndpointPort": f"{_CORE}.EndpointPort",
    "CoreV1Event": f"{_CORE}.Event",
    "CoreV1EventSeries": f"{_CORE}.EventSeries",
    "EventsV1Event": "io.k8s.api.events.v1.Event",
    "EventsV1EventSeries": "io.k8s.api.events.v1.EventSeries",
    "CoreV1ResourceClaim": f"{_CORE}.ResourceClaim",
    "RbacV1Subject": "io.k8s.api.rbac.v1.Subject",
    "DiscoveryV1EndpointPort": "io.k8s.api.discovery.v1.EndpointPort",
}

INT_OR_STRING = {
    "HTTPGetAction.port", "TCPSocketAction.port", "ServicePort.targetPort",
    "RollingUpdateDeployment.maxSurge", "RollingUpdateDeployment.maxUnavailable",
    "PodDisruptionBudgetSpec.maxUnavailable", "PodDisruptionBudgetSpec.minAvailable",
}  # fmt: skip
QUANTITIES = {
    "ResourceRequirements.limits", "ResourceRequirements.requests",
    "VolumeResourceRequirements.limits", "VolumeResourceRequirements.requests",
    "PodSpec.overhead", "EmptyDirVolumeSource.sizeLimit", "ResourceFieldSelector.divisor",
    "NodeStatus.allocatable", "NodeStatus.capacity", "ContainerStatus.allocatedResources",
    "PodStatus.allocatedResources", "HPAScalingRules.tolerance", "MetricTarget.averageValue",
    "MetricTarget.value", "MetricValueStatus.averageValue", "MetricValueStatus.value",
}  # fmt: skip
INT64 = {
    "Condition.observedGeneration", "ContainerImage.sizeBytes",
    "DeleteOptions.gracePeriodSeconds", "DeploymentStatus.observedGeneration",
    "HorizontalPodAutoscalerStatus.observedGeneration", "JobSpec.activeDeadlineSeconds",
    "LinuxContainerUser.gid", "LinuxContainerUser.uid", "LinuxContainerUser.supplementalGroups",
    "ListMeta.remainingItemCount", "NodeSwapStatus.capacity",
    "ObjectMeta.deletionGracePeriodSeconds", "ObjectMeta.generation",
    "PodCondition.observedGeneration", "PodDisruptionBudgetStatus.observedGeneration",
    "PodSecurityContext.fsGroup",
    "PodSecurityContext.runAsGroup", "PodSecurityContext.runAsUser",
    "PodSecurityContext.supplementalGroups", "PodSpec.activeDeadlineSeconds",
    "PodSpec.terminationGracePeriodSeconds", "PodStatus.observedGeneration",
    "Probe.terminationGracePeriodSeconds", "ReplicaSetStatus.observedGeneration",
    "SecurityContext.runAsGroup", "SecurityContext.runAsUser",
    "ServiceAccountTokenProjection.expirationSeconds", "SleepAction.seconds",
    "Toleration.tolerationSeconds",
}  # fmt: skip
NEWER = {"HorizontalPodAutoscalerCondition.observedGeneration", "JobSpec.scheduling"}
"""Fields of the client that the served version of Kubernetes does not have."""

_LIST = re.compile(r"^[Ll]ist\[(.+)\]$")
_MAP = re.compile(r"^[Dd]ict\[str, (.+)\]$")
_SCALARS: dict[str, Schema] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "datetime": {"type": "string", "format": "date-time"},
    "bytes": {"type": "string", "format": "byte"},
    "object": {"type": "object"},
}


def build() -> Schema:
    """The content of the file."""
    added = json.loads(ADDITIONS.read_text())
    found = {_full_name(model): _schema(model) for model in sorted(_reachable())}
    return {
        "client": version("kubernetes"),
        "schemas": {
            name: _with_additions(schema, added.get(name, {})) for name, schema in found.items()
        },
    }


def packed(content: Schema) -> bytes:
    """The bytes of the file, without a timestamp: two builds are identical."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return gzip.compress(text.encode(), 9, mtime=0)


def _reachable() -> set[str]:
    seen: set[str] = set()
    waiting = list(ROOTS)
    while waiting:
        model = waiting.pop()
        if model not in seen:
            seen.add(model)
            waiting += _named_in(model)
    return seen


def _named_in(model: str) -> Iterator[str]:
    for type_name in _fields(model).values():
        yield from (word for word in re.findall(r"\w+", type_name) if hasattr(models, word))


def _fields(model: str) -> dict[str, str]:
    """The type of each field, by its name in JSON."""
    cls, short = getattr(models, model), _full_name(model).rsplit(".", 1)[1]
    return {
        key: cls.openapi_types[attribute]
        for attribute, key in cls.attribute_map.items()
        if f"{short}.{key}" not in NEWER
    }


def _schema(model: str) -> Schema:
    cls, short = getattr(models, model), _full_name(model).rsplit(".", 1)[1]
    fields = {field.serialization_alias or name: field for name, field in cls.model_fields.items()}
    schema: Schema = {
        "type": "object",
        "description": _first_paragraph(cls.__doc__),
        "properties": {
            key: _property(type_name, f"{short}.{key}", fields[key].description)
            for key, type_name in _fields(model).items()
        },
    }
    required = sorted(key for key in cls.attribute_map.values() if fields[key].is_required())
    if required:
        schema["required"] = required
    if model in ROOTS:
        group, api_version = ROOTS[model]
        identity = {"group": group, "version": api_version, "kind": short}
        schema["x-kubernetes-group-version-kind"] = [identity]
    return schema


def _property(type_name: str, field: str, description: str | None) -> Schema:
    described = {"description": description} if description else {}
    return {**_shape(type_name, field), **described}


def _with_additions(schema: Schema, added: Schema) -> Schema:
    fields = {key: {**shape, **added.get(key, {})} for key, shape in schema["properties"].items()}
    return {**schema, "properties": fields}


def _shape(type_name: str, field: str) -> Schema:
    if field in INT_OR_STRING:
        return {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}
    if found := _LIST.match(type_name):
        return {"type": "array", "items": _item(found[1], field)}
    if found := _MAP.match(type_name):
        return {"type": "object", "additionalProperties": _item(found[1], field)}
    if hasattr(models, type_name):
        return {"allOf": [_item(type_name, field)]}
    return _item(type_name, field)


def _item(type_name: str, field: str) -> Schema:
    if field in QUANTITIES:
        return {"format": "quantity", "oneOf": [{"type": "string"}, {"type": "number"}]}
    if type_name == "int":
        return {"type": "integer", "format": "int64" if field in INT64 else "int32"}
    if hasattr(models, type_name):
        return {"$ref": f"#/components/schemas/{_full_name(type_name)}"}
    return _SCALARS[type_name]


def _full_name(model: str) -> str:
    if model in _RENAMED:
        return _RENAMED[model]
    short = model.removeprefix("V1")
    if model.startswith("V2"):
        return f"io.k8s.api.autoscaling.v2.{model.removeprefix('V2')}"
    for package, patterns in _PACKAGES.items():
        for pattern in patterns.split():
            if short == pattern or (pattern[-1] == "*" and short.startswith(pattern[:-1])):
                return f"{package}.{short}"
    return f"{_CORE}.{short}"


def _first_paragraph(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0].strip()


if __name__ == "__main__":
    TARGET.write_bytes(packed(build()))
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")
