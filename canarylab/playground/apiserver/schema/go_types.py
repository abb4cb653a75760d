"""What does Go know about a field that its schema does not say?

Two things show on the wire. A zero, `false` or `""` is left out where the field is a plain Go
value and kept where it is a pointer: `replicas: 0` stays, `minReadySeconds: 0` goes. And an error
names the Go type of the field. Fields are named `Structure.field`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canarylab.playground.apiserver.schema.builtin import referred, short

_PLAIN = {
    "Container": "stdin stdinOnce tty",
    "ContainerPort": "hostPort",
    "ContainerStateTerminated": "signal",
    "DeploymentSpec": "minReadySeconds paused",
    "DeploymentStatus": "observedGeneration replicas updatedReplicas readyReplicas "
    "availableReplicas unavailableReplicas",
    "EphemeralContainer": "stdin stdinOnce tty",
    "Event": "count",
    "EventSeries": "count",
    "NodeSpec": "unschedulable",
    "ObjectMeta": "generation",
    "PodCondition": "observedGeneration",
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
PLAIN_VALUES = frozenset(
    f"{name}.{field}" for name, fields in _PLAIN.items() for field in fields.split()
)
"""Numbers and booleans that are left out when zero or false."""

KEPT_WHEN_EMPTY = frozenset(
    {
        "Event.reportingComponent", "Event.reportingInstance", "EndpointPort.name",
        "IngressClassParametersReference.apiGroup", "IngressClassParametersReference.namespace",
        "IngressClassParametersReference.scope", "IngressSpec.ingressClassName",
        "ServiceSpec.ipFamilyPolicy", "TypedLocalObjectReference.apiGroup",
    }
)  # fmt: skip
"""Optional strings that are kept when empty: pointers, or fields that are always written."""

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


def go_type(shape: Mapping[str, Any], field: str) -> str:
    """Go's name for the type of a field, or of an item of it.

    >>> go_type({"type": "array", "items": {"type": "string"}}, "Container.args")
    '[]string'
    """
    if "items" in shape:
        return f"[]{go_type(shape['items'], '')}"
    if "additionalProperties" in shape:
        values = go_type(shape["additionalProperties"], "")
        return "v1.ResourceList" if values == "resource.Quantity" else f"map[string]{values}"
    if (structure := referred(shape)) is not None:
        return f"v1.{short(structure)}"
    if shape.get("type") == "string":
        return _NAMED_STRINGS.get(field, "string")
    return _BY_FORM[shape.get("format") or shape["type"]]
