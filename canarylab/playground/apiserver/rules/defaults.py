"""What does an object get that nobody wrote down?

Filled in when an object is created and again after every change, so that a field somebody removes
comes back with its default, as on a real cluster. Pods and templates are in `pod_defaults.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from canarylab.playground.apiserver.rules import pod_defaults
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS, structural
from canarylab.playground.kube.api import Object

_A_QUARTER = {"maxSurge": "25%", "maxUnavailable": "25%"}
_THREE_HOURS = 10800  # seconds: how long ClientIP affinity remembers a client
_OPEN_TO_NODES = ("NodePort", "LoadBalancer")


def with_defaults(obj: Object) -> Object:
    """The object, complete. The one given stays as it is.

    >>> with_defaults({"kind": "Deployment", "metadata": {"name": "nodeapp"}})["spec"]["replicas"]
    1
    """
    complete = _COMPLETE.get(obj["kind"])
    return obj if complete is None else complete(obj)


def _deployment(obj: Object) -> Object:
    given = obj.get("spec", {})
    spec = {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        **given,
        "strategy": _strategy(given.get("strategy", {})),
        "template": pod_defaults.template(given.get("template", {})),
    }
    return {**obj, "spec": spec}


def _strategy(given: Object) -> Object:
    strategy = {"type": "RollingUpdate", **given}
    if strategy["type"] != "RollingUpdate":
        return strategy
    return {**strategy, "rollingUpdate": {**_A_QUARTER, **given.get("rollingUpdate", {})}}


def _replica_set(obj: Object) -> Object:
    given = obj.get("spec", {})
    spec = {
        "replicas": 1,
        **given,
        "template": pod_defaults.template(given.get("template", {})),
    }
    return {**obj, "spec": spec}


def _service(obj: Object) -> Object:
    given = obj.get("spec", {})
    spec = {"type": "ClusterIP", "sessionAffinity": "None", **given}
    if "ports" in given:
        spec["ports"] = [_service_port(port) for port in given["ports"]]
    spec |= _affinity(spec)
    if spec["type"] != "ExternalName":
        spec = {
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            **spec,
        }
    if spec["type"] in _OPEN_TO_NODES:
        spec = {"externalTrafficPolicy": "Cluster", **spec}
    if spec["type"] == "LoadBalancer":
        spec = {"allocateLoadBalancerNodePorts": True, **spec}
    return {**obj, "spec": spec}


def _service_port(given: Object) -> Object:
    port = {"protocol": "TCP", **given}
    if given.get("targetPort") in (None, 0, "") and "port" in given:
        port["targetPort"] = given["port"]
    return port


def _affinity(spec: Object) -> Object:
    if spec["sessionAffinity"] != "ClientIP":
        return {}
    given = spec.get("sessionAffinityConfig", {})
    client = {"timeoutSeconds": _THREE_HOURS, **given.get("clientIP", {})}
    return {"sessionAffinityConfig": {**given, "clientIP": client}}


def _namespace(obj: Object) -> Object:
    """A namespace can be selected by its name, which is why it is also a label."""
    meta = obj["metadata"]
    if not meta.get("name"):
        return obj
    labels = {**meta.get("labels", {}), "kubernetes.io/metadata.name": meta["name"]}
    return {**obj, "metadata": {**meta, "labels": labels}}


def _ingress(obj: Object) -> Object:
    return {**obj, "spec": obj.get("spec", {})}


def _ingress_class(obj: Object) -> Object:
    spec = obj.get("spec", {})
    if "parameters" in spec:
        spec = {**spec, "parameters": {"scope": "Cluster", **spec["parameters"]}}
    return {**obj, "spec": spec}


def _endpoint_slice(obj: Object) -> Object:
    if "ports" not in obj:
        return {"endpoints": [], **obj}
    ports = [{"name": "", "protocol": "TCP", **port} for port in obj["ports"]]
    return {"endpoints": [], **obj, "ports": ports}


def _endpoints(obj: Object) -> Object:
    if "subsets" not in obj:
        return obj
    return {**obj, "subsets": [_subset(subset) for subset in obj["subsets"]]}


def _subset(given: Object) -> Object:
    if "ports" not in given:
        return given
    return {**given, "ports": [{"protocol": "TCP", **port} for port in given["ports"]]}


def _event(obj: Object) -> Object:
    """Fields that Go writes even when nobody said anything."""
    return {
        "eventTime": None,
        "source": {},
        "reportingComponent": "",
        "reportingInstance": "",
        **obj,
    }


def _node(obj: Object) -> Object:
    status = obj.get("status", {})
    if "capacity" in status:
        status = {"allocatable": status["capacity"], **status}
    return {"spec": {}, **obj, "status": status}


def _custom(obj: Object) -> Object:
    complete: Object = structural.with_defaults(STRUCTURAL_SCHEMAS[obj["kind"]], obj)
    return complete


_COMPLETE: Mapping[str, Callable[[Object], Object]] = MappingProxyType(
    {
        "Deployment": _deployment,
        "Endpoints": _endpoints,
        "EndpointSlice": _endpoint_slice,
        "Event": _event,
        "Gateway": _custom,
        "GatewayClass": _custom,
        "HTTPRoute": _custom,
        "Ingress": _ingress,
        "IngressClass": _ingress_class,
        "Namespace": _namespace,
        "Node": _node,
        "Pod": pod_defaults.pod,
        "ReplicaSet": _replica_set,
        "Service": _service,
    }
)
