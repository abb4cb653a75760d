"""Decoding of protobuf, in which `kubectl create` sends objects from version 1.32 on.

Answers stay JSON. `_TABLES` has the numbers of the fields of all messages that kubectl sends: each
entry is a number, the JSON name and, if it is not a string, the type: another message, `int`,
`bool`, `bytes`, `Time`, `IntOrString`, `Quantity`, `map` (of strings) or `bytemap`;
in brackets for a list. `-` is a message whose fields are inlined in JSON. An unknown field is
refused: to drop it would create another object than the client sent.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from canarylab.errors import BadRequestError
from canarylab.kube_objects import Object, timestamp

MAGIC = b"k8s\x00"
INLINE = "-"
"""The name of a message whose fields are inlined."""

_VARINT, _BYTES = 0, 2  # wire types
_VARINT_BITS = 70  # ten bytes, as many as an integer of 64 bits has
_NUMBERS = ("int", "bool")
_ADVICE = "Write the object to a file and use kubectl apply -f."
_TABLES = {
    "Unknown": "1 typeMeta:TypeMeta, 2 raw:bytes, 3 contentEncoding, 4 contentType",
    "TypeMeta": "1 apiVersion, 2 kind",
    "Time": "1 seconds:int, 2 nanos:int",
    "IntOrString": "1 type:int, 2 int:int, 3 text",
    "ObjectMeta": "1 name, 2 generateName, 3 namespace, 4 selfLink, 5 uid, 6 resourceVersion, "
    "7 generation:int, 8 creationTimestamp:Time, 11 labels:map, 12 annotations:map",
    "Namespace": "1 metadata:ObjectMeta, 2 spec:NamespaceSpec, 3 status:NamespaceStatus",
    "NamespaceSpec": "1 finalizers:[string]",
    "NamespaceStatus": "1 phase",
    "ConfigMap": "1 metadata:ObjectMeta, 2 data:map, 3 binaryData:bytemap, 4 immutable:bool",
    "Secret": "1 metadata:ObjectMeta, 2 data:bytemap, 3 type, 4 stringData:map, 5 immutable:bool",
    "Deployment": "1 metadata:ObjectMeta, 2 spec:DeploymentSpec, 3 status:DeploymentStatus",
    "DeploymentSpec": "1 replicas:int, 2 selector:LabelSelector, 3 template:PodTemplateSpec, "
    "4 strategy:DeploymentStrategy, 5 minReadySeconds:int, 6 revisionHistoryLimit:int, "
    "7 paused:bool, 9 progressDeadlineSeconds:int",
    "DeploymentStrategy": "1 type, 2 rollingUpdate:RollingUpdateDeployment",
    "RollingUpdateDeployment": "1 maxUnavailable:IntOrString, 2 maxSurge:IntOrString",
    "DeploymentStatus": "1 observedGeneration:int, 2 replicas:int, 3 updatedReplicas:int, "
    "4 availableReplicas:int, 5 unavailableReplicas:int, 7 readyReplicas:int",
    "LabelSelector": "1 matchLabels:map, 2 matchExpressions:[LabelSelectorRequirement]",
    "LabelSelectorRequirement": "1 key, 2 operator, 3 values:[string]",
    "Pod": "1 metadata:ObjectMeta, 2 spec:PodSpec, 3 status:PodStatus",
    "PodStatus": "1 phase",
    "PodTemplateSpec": "1 metadata:ObjectMeta, 2 spec:PodSpec",
    "PodSpec": "2 containers:[Container], 3 restartPolicy, 4 terminationGracePeriodSeconds:int, "
    "6 dnsPolicy, 7 nodeSelector:map, 8 serviceAccountName, 9 serviceAccount, 10 nodeName, "
    "11 hostNetwork:bool, 12 hostPID:bool, 13 hostIPC:bool, 16 hostname, 17 subdomain, "
    "19 schedulerName, 24 priorityClassName",
    "Container": "1 name, 2 image, 3 command:[string], 4 args:[string], 5 workingDir, "
    "6 ports:[ContainerPort], 7 env:[EnvVar], 8 resources:ResourceRequirements, "
    "13 terminationMessagePath, 14 imagePullPolicy, 16 stdin:bool, 17 stdinOnce:bool, 18 tty:bool, "
    "20 terminationMessagePolicy",
    "ContainerPort": "1 name, 2 hostPort:int, 3 containerPort:int, 4 protocol, 5 hostIP",
    "EnvVar": "1 name, 2 value",
    "ResourceRequirements": "",
    "Job": "1 metadata:ObjectMeta, 2 spec:JobSpec, 3 status:JobStatus",
    "JobSpec": "1 parallelism:int, 2 completions:int, 3 activeDeadlineSeconds:int, "
    "4 selector:LabelSelector, 5 manualSelector:bool, 6 template:PodTemplateSpec, "
    "7 backoffLimit:int, 8 ttlSecondsAfterFinished:int, 9 completionMode, 10 suspend:bool, "
    "14 podReplacementPolicy, 15 managedBy",
    "JobStatus": "4 active:int, 5 succeeded:int, 6 failed:int, 7 completedIndexes, 9 ready:int, "
    "11 terminating:int",
    "HorizontalPodAutoscaler autoscaling/v1": "1 metadata:ObjectMeta, "
    "2 spec:HorizontalPodAutoscalerSpec autoscaling/v1, 3 status:HorizontalPodAutoscalerStatus",
    "HorizontalPodAutoscalerSpec autoscaling/v1": "1 scaleTargetRef:CrossVersionObjectReference, "
    "2 minReplicas:int, 3 maxReplicas:int, 4 targetCPUUtilizationPercentage:int",
    "HorizontalPodAutoscaler": "1 metadata:ObjectMeta, 2 spec:HorizontalPodAutoscalerSpec, "
    "3 status:HorizontalPodAutoscalerStatus",
    "HorizontalPodAutoscalerSpec": "1 scaleTargetRef:CrossVersionObjectReference, "
    "2 minReplicas:int, 3 maxReplicas:int, 4 metrics:[MetricSpec]",
    "HorizontalPodAutoscalerStatus": "3 currentReplicas:int, 4 desiredReplicas:int",
    "CrossVersionObjectReference": "1 kind, 2 name, 3 apiVersion",
    "MetricSpec": "1 type, 4 resource:ResourceMetricSource",
    "ResourceMetricSource": "1 name, 2 target:MetricTarget",
    "MetricTarget": "1 type, 2 value:Quantity, 3 averageValue:Quantity, 4 averageUtilization:int",
    "Quantity": "1 string",
    "PodDisruptionBudget": "1 metadata:ObjectMeta, 2 spec:PodDisruptionBudgetSpec, "
    "3 status:PodDisruptionBudgetStatus",
    "PodDisruptionBudgetSpec": "1 minAvailable:IntOrString, 2 selector:LabelSelector, "
    "3 maxUnavailable:IntOrString, 4 unhealthyPodEvictionPolicy",
    "PodDisruptionBudgetStatus": "1 observedGeneration:int, 3 disruptionsAllowed:int, "
    "4 currentHealthy:int, 5 desiredHealthy:int, 6 expectedPods:int",
    "ServiceAccount": "1 metadata:ObjectMeta, 2 secrets:[ObjectReference], "
    "3 imagePullSecrets:[LocalObjectReference], 4 automountServiceAccountToken:bool",
    "ObjectReference": "1 kind, 2 namespace, 3 name, 4 uid, 5 apiVersion, 6 resourceVersion, "
    "7 fieldPath",
    "LocalObjectReference": "1 name",
    "Role": "1 metadata:ObjectMeta, 2 rules:[PolicyRule]",
    "ClusterRole": "1 metadata:ObjectMeta, 2 rules:[PolicyRule], 3 aggregationRule:AggregationRule",
    "AggregationRule": "1 clusterRoleSelectors:[LabelSelector]",
    "PolicyRule": "1 verbs:[string], 2 apiGroups:[string], 3 resources:[string], "
    "4 resourceNames:[string], 5 nonResourceURLs:[string]",
    "RoleBinding": "1 metadata:ObjectMeta, 2 subjects:[Subject], 3 roleRef:RoleRef",
    "ClusterRoleBinding": "1 metadata:ObjectMeta, 2 subjects:[Subject], 3 roleRef:RoleRef",
    "Subject": "1 kind, 2 apiGroup, 3 name, 4 namespace",
    "RoleRef": "1 apiGroup, 2 kind, 3 name",
    "Service": "1 metadata:ObjectMeta, 2 spec:ServiceSpec, 3 status:ServiceStatus",
    "ServiceSpec": "1 ports:[ServicePort], 2 selector:map, 3 clusterIP, 4 type, "
    "5 externalIPs:[string], 7 sessionAffinity, 8 loadBalancerIP, 10 externalName, "
    "11 externalTrafficPolicy, 12 healthCheckNodePort:int, 13 publishNotReadyAddresses:bool",
    "ServicePort": "1 name, 2 protocol, 3 port:int, 4 targetPort:IntOrString, 5 nodePort:int, "
    "6 appProtocol",
    "ServiceStatus": "1 loadBalancer:LoadBalancerStatus",
    "LoadBalancerStatus": "",
    "Ingress": "1 metadata:ObjectMeta, 2 spec:IngressSpec, 3 status:IngressStatus",
    "IngressSpec": "1 defaultBackend:IngressBackend, 2 tls:[IngressTLS], 3 rules:[IngressRule], "
    "4 ingressClassName",
    "IngressTLS": "1 hosts:[string], 2 secretName",
    "IngressRule": "1 host, 2 -:IngressRuleValue",
    "IngressRuleValue": "1 http:HTTPIngressRuleValue",
    "HTTPIngressRuleValue": "1 paths:[HTTPIngressPath]",
    "HTTPIngressPath": "1 path, 2 backend:IngressBackend, 3 pathType",
    "IngressBackend": "3 resource:TypedLocalObjectReference, 4 service:IngressServiceBackend",
    "TypedLocalObjectReference": "1 apiGroup, 2 kind, 3 name",
    "IngressServiceBackend": "1 name, 2 port:ServiceBackendPort",
    "ServiceBackendPort": "1 name, 2 number:int",
    "IngressStatus": "1 loadBalancer:LoadBalancerStatus",
    "SelfSubjectAccessReview": "1 metadata:ObjectMeta, 2 spec:SelfSubjectAccessReviewSpec, "
    "3 status:SubjectAccessReviewStatus",
    "SelfSubjectAccessReviewSpec": "1 resourceAttributes:ResourceAttributes, "
    "2 nonResourceAttributes:NonResourceAttributes",
    "ResourceAttributes": "1 namespace, 2 verb, 3 group, 4 version, 5 resource, 6 subresource, "
    "7 name",
    "NonResourceAttributes": "1 path, 2 verb",
    "SubjectAccessReviewStatus": "1 allowed:bool, 2 reason, 3 evaluationError, 4 denied:bool",
}


def decode_protobuf(body: bytes) -> Object:
    """The object of a body, as it would be in JSON.

    Go sends empty values, too; `decode` drops them.
    """
    if not body.startswith(MAGIC):
        raise _cannot_read("the body does not begin as Kubernetes' protobuf does")
    try:
        envelope = _read_message("Unknown", body[len(MAGIC) :])
        kind = envelope["typeMeta"]["kind"]
        named = f"{kind} {envelope['typeMeta'].get('apiVersion', '')}"
        message = named if named in MESSAGES else kind
        if message not in MESSAGES:
            raise _cannot_read(f"an object of kind {kind} cannot be read in this form")
        return {**envelope["typeMeta"], **_read_message(message, base64.b64decode(envelope["raw"]))}
    except (KeyError, IndexError, OSError, OverflowError, ValueError) as exc:
        raise _cannot_read("the body ends too early, or is damaged") from exc


def _read_message(name: str, data: bytes) -> Object:
    fields, result = MESSAGES[name], dict[str, Any]()
    for number, value in _fields_on_wire(data):
        field = fields.get(number)
        if field is None:
            raise _cannot_read(f"field {number} of {name} cannot be read in this form")
        if isinstance(value, int) is not (field.type in _NUMBERS):
            raise _cannot_read(f"field {number} of {name} has another wire type")
        read = _read_value(field, value)
        if field.repeated:
            result.setdefault(field.name, []).append(read)
        elif field.type in ("map", "bytemap"):
            result.setdefault(field.name, {}).update(read)
        elif field.name == INLINE:
            result.update(read)
        elif read is not None:
            result[field.name] = read
    return result


def _read_value(field: MessageField, value: Any) -> Any:
    reader = _READERS.get(field.type)
    return _read_message(field.type, value) if reader is None else reader(value)


def _read_string(data: bytes) -> str:
    return data.decode()


def _read_bytes(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _read_integer(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _read_string_entry(data: bytes) -> dict[str, str]:
    parts = dict(_fields_on_wire(data))
    return {_read_string(parts.get(1, b"")): _read_string(parts.get(2, b""))}


def _read_bytes_entry(data: bytes) -> dict[str, str]:
    parts = dict(_fields_on_wire(data))
    return {_read_string(parts.get(1, b"")): _read_bytes(parts.get(2, b""))}


def _read_time(data: bytes) -> str | None:
    """A timestamp, or None for the zero time."""
    seconds = _read_message("Time", data).get("seconds")
    return None if seconds is None else timestamp(datetime.fromtimestamp(seconds, UTC))


def _read_int_or_string(data: bytes) -> int | str:
    parts = _read_message("IntOrString", data)
    return str(parts.get("text", "")) if parts.get("type") == 1 else int(parts.get("int", 0))


def _read_quantity(data: bytes) -> str:
    return str(_read_message("Quantity", data).get("string", ""))


def _fields_on_wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """The numbers and values of the fields."""
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _read_varint(data, position)
            yield number, value
        elif wire_type == _BYTES:
            length, position = _read_varint(data, position)
            if position + length > len(data):
                raise IndexError(position)
            yield number, data[position : position + length]
            position += length
        else:
            raise _cannot_read(f"field {number} has an unsupported wire type")


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer of seven bits a byte, and the position behind it."""
    value = shift = 0
    while shift < _VARINT_BITS:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise OverflowError(position)


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "string": _read_string,
        "bytes": _read_bytes,
        "int": _read_integer,
        "bool": bool,
        "map": _read_string_entry,
        "bytemap": _read_bytes_entry,
        "Time": _read_time,
        "IntOrString": _read_int_or_string,
        "Quantity": _read_quantity,
    }
)


def _cannot_read(why: str) -> BadRequestError:
    return BadRequestError(f"the protobuf in the request is not understood: {why}. {_ADVICE}")


class MessageField(NamedTuple):
    """A field of a message."""

    name: str
    type: str
    repeated: bool


def _parse_table(table: str) -> Mapping[int, MessageField]:
    fields = {}
    for entry in filter(None, table.split(", ")):
        number, _, described = entry.partition(" ")
        name, _, kind = described.partition(":")
        repeated = kind.startswith("[")
        fields[int(number)] = MessageField(name, kind.strip("[]") or "string", repeated)
    return MappingProxyType(fields)


MESSAGES: Mapping[str, Mapping[int, MessageField]] = MappingProxyType(
    {name: _parse_table(table) for name, table in _TABLES.items()}
)
"""The fields of each message, by number."""
