"""Which columns does `kubectl get` show for a kind?

The server decides, not kubectl. A column with priority 1 is shown by `-o wide` only. What a column
means is said in the words of the field it shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from canarylab.playground.apiserver.documents.schema import description


@dataclass(frozen=True)
class Column:
    """One column; `source` is the field whose description it borrows, `Structure.field`."""

    name: str
    source: str = ""
    meaning: str = ""
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False


_NAME = Column("Name", "ObjectMeta.name")
_AGE = Column("Age", "ObjectMeta.creationTimestamp")
_CONTAINERS = Column("Containers", meaning="Names of each container in the template.", wide=True)
_IMAGES = Column(
    "Images", meaning="Images referenced by each container in the template.", wide=True
)


def _of_field(name: str, path: str) -> Column:
    """A column of a custom kind, which says of itself only where it looks."""
    meaning = f"Custom resource definition column (in JSONPath format): {path}"
    return Column(name, meaning=meaning)


_CREATED = replace(_of_field("Age", ".metadata.creationTimestamp"), type="date")

COLUMNS: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        "ConfigMap": (_NAME, Column("Data", "ConfigMap.data"), _AGE),
        "Deployment": (
            _NAME,
            Column("Ready", meaning="Number of the pod with ready state"),
            Column("Up-to-date", "DeploymentStatus.updatedReplicas"),
            Column("Available", "DeploymentStatus.availableReplicas"),
            _AGE,
            _CONTAINERS,
            _IMAGES,
            Column("Selector", "DeploymentSpec.selector", wide=True),
        ),
        "Endpoints": (_NAME, Column("Endpoints", "Endpoints.subsets"), _AGE),
        "EndpointSlice": (
            _NAME,
            Column("AddressType", "EndpointSlice.addressType"),
            Column("Ports", "EndpointSlice.ports"),
            Column("Endpoints", "EndpointSlice.endpoints"),
            _AGE,
        ),
        "Event": (
            Column("Last Seen", "Event.lastTimestamp"),
            Column("Type", "Event.type"),
            Column("Reason", "Event.reason"),
            Column("Object", "Event.involvedObject"),
            Column("Subobject", "ObjectReference.fieldPath", wide=True),
            Column("Source", "Event.source", wide=True),
            Column("Message", "Event.message"),
            Column("First Seen", "Event.firstTimestamp", wide=True),
            Column("Count", "Event.count", wide=True),
            Column("Name", "ObjectMeta.name", wide=True),
        ),
        "Gateway": (
            _NAME,
            _of_field("Class", ".spec.gatewayClassName"),
            _of_field("Address", ".status.addresses[*].value"),
            _of_field("Programmed", '.status.conditions[?(@.type=="Programmed")].status'),
            _CREATED,
        ),
        "GatewayClass": (
            _NAME,
            _of_field("Controller", ".spec.controllerName"),
            _of_field("Accepted", '.status.conditions[?(@.type=="Accepted")].status'),
            _CREATED,
            replace(_of_field("Description", ".spec.description"), wide=True),
        ),
        "HTTPRoute": (_NAME, _of_field("Hostnames", ".spec.hostnames"), _CREATED),
        "Ingress": (
            _NAME,
            Column(
                "Class",
                meaning="The name of the IngressClass resource that should be used for additional "
                "configuration",
            ),
            Column(
                "Hosts",
                meaning="Hosts that incoming requests are matched against before the ingress rule",
            ),
            Column(
                "Address",
                meaning="Address is a list containing ingress points for the load-balancer",
            ),
            Column("Ports", meaning="Ports of TLS configurations that open"),
            _AGE,
        ),
        "IngressClass": (
            _NAME,
            Column("Controller", meaning="Controller that is responsible for handling this class"),
            Column("Parameters", meaning="A reference to a resource with additional parameters"),
            _AGE,
        ),
        "Namespace": (_NAME, Column("Status", meaning="The status of the namespace"), _AGE),
        "Node": (
            _NAME,
            Column("Status", meaning="The status of the node"),
            Column("Roles", meaning="The roles of the node"),
            _AGE,
            Column("Version", "NodeSystemInfo.kubeletVersion"),
            Column("Internal-IP", "NodeStatus.addresses", wide=True),
            Column("External-IP", "NodeStatus.addresses", wide=True),
            Column("OS-Image", "NodeSystemInfo.osImage", wide=True),
            Column("Kernel-Version", "NodeSystemInfo.kernelVersion", wide=True),
            Column("Container-Runtime", "NodeSystemInfo.containerRuntimeVersion", wide=True),
        ),
        "Pod": (
            _NAME,
            Column(
                "Ready", meaning="The aggregate readiness state of this pod for accepting traffic."
            ),
            Column("Status", meaning="The aggregate status of the containers in this pod."),
            Column(
                "Restarts",
                meaning="The number of times the containers in this pod have been restarted and "
                "when the last container in this pod has restarted.",
            ),
            _AGE,
            Column("IP", "PodStatus.podIP", wide=True),
            Column("Node", "PodSpec.nodeName", wide=True),
            Column("Nominated Node", "PodStatus.nominatedNodeName", wide=True),
            Column("Readiness Gates", "PodSpec.readinessGates", wide=True),
        ),
        "ReplicaSet": (
            _NAME,
            Column("Desired", "ReplicaSetSpec.replicas", type="integer"),
            Column("Current", "ReplicaSetStatus.replicas", type="integer"),
            Column("Ready", "ReplicaSetStatus.readyReplicas", type="integer"),
            _AGE,
            _CONTAINERS,
            _IMAGES,
            Column("Selector", "ReplicaSetSpec.selector", wide=True),
        ),
        "Service": (
            _NAME,
            Column("Type", "ServiceSpec.type"),
            Column("Cluster-IP", "ServiceSpec.clusterIP"),
            Column("External-IP", "ServiceSpec.externalIPs"),
            Column("Port(s)", "ServiceSpec.ports"),
            _AGE,
            Column("Selector", "ServiceSpec.selector", wide=True),
        ),
    }
)


@cache
def definitions(kind: str) -> list[dict[str, Any]]:
    """The columns of a kind as a Table has them. Shared: read it, never change it."""
    return [_definition(column) for column in COLUMNS[kind]]


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": column.meaning or description(*column.source.split(".")),
        "priority": int(column.wide),
    }
