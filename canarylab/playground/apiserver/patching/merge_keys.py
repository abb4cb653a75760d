"""Which lists are merged item by item, and what tells their items apart?

The table is that of Kubernetes' own types. A list that is not in it is replaced as a whole; an
empty key means that the items are plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_CONTAINER = {
    "env": "name",
    "ports": "containerPort",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
}

_BY_STRUCTURE = {
    "Container": _CONTAINER,
    "ContainerStatus": {"allocatedResourcesStatus": "name", "volumeMounts": "mountPath"},
    "DeploymentStatus": {"conditions": "type"},
    "EphemeralContainer": _CONTAINER,
    "NamespaceStatus": {"conditions": "type"},
    "NodeSpec": {"podCIDRs": ""},
    "NodeStatus": {"addresses": "type", "conditions": "type"},
    "ObjectMeta": {"finalizers": "", "ownerReferences": "uid"},
    "PodSpec": {
        "containers": "name",
        "ephemeralContainers": "name",
        "hostAliases": "ip",
        "imagePullSecrets": "name",
        "initContainers": "name",
        "resourceClaims": "name",
        "schedulingGates": "name",
        "topologySpreadConstraints": "topologyKey",
        "volumes": "name",
    },
    "PodStatus": {
        "conditions": "type",
        "hostIPs": "ip",
        "podIPs": "ip",
        "resourceClaimStatuses": "name",
    },
    "ReplicaSetStatus": {"conditions": "type"},
    "ServiceSpec": {"ports": "port"},
    "ServiceStatus": {"conditions": "type"},
}

MERGE_KEYS: Mapping[str, str] = MappingProxyType(
    {
        f"{structure}.{field}": key
        for structure, fields in _BY_STRUCTURE.items()
        for field, key in fields.items()
    }
)
"""`PodSpec.containers` -> `name`."""
