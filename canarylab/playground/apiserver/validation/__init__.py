"""Does an object keep the rules of its kind?

The rules are those of a real API server, and so are the words: learners meet them in every lesson,
in the article's own manifest first of all. Each kind has its function; each function yields causes
in the order in which Kubernetes finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from canarylab.errors import Cause
from canarylab.playground.apiserver.validation import (
    custom,
    ingresses,
    others,
    pods,
    services,
    workloads,
)
from canarylab.playground.kube.api import Object

RULES: Mapping[str, Callable[[Object, Object | None], Iterator[Cause]]] = MappingProxyType(
    {
        "ConfigMap": others.validate_config_map,
        "Deployment": workloads.validate_deployment,
        "Endpoints": others.validate_endpoints,
        "EndpointSlice": others.validate_endpoint_slice,
        "Event": others.validate_event,
        "Gateway": custom.validate_custom,
        "GatewayClass": custom.validate_custom,
        "HTTPRoute": custom.validate_custom,
        "Ingress": ingresses.validate_ingress,
        "IngressClass": ingresses.validate_ingress_class,
        "Namespace": others.validate_namespace,
        "Node": others.validate_node,
        "Pod": pods.validate_pod,
        "ReplicaSet": workloads.validate_replica_set,
        "Service": services.validate_service,
    }
)
"""What is asked of each kind."""


def validate(obj: Object, old: Object | None) -> list[Cause]:
    """Every reason to refuse the object; `old` is what it replaces. Needs its defaults filled in.

    >>> validate({"kind": "Namespace", "metadata": {"name": "lab"}}, None)
    []
    """
    return list(RULES[obj["kind"]]({**obj, "metadata": obj.get("metadata", {})}, old))
