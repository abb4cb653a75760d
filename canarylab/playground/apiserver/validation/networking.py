"""Validation of Services, Endpoints, EndpointSlices, Ingresses and IngressClasses."""

from __future__ import annotations

from collections.abc import Iterator

from canarylab.errors import Cause
from canarylab.kube_objects import INGRESS_CLASS_ANNOTATION, Object
from canarylab.playground.apiserver.field_errors import (
    check_one_of,
    check_unchanged,
    duplicate,
    forbidden,
    invalid,
    invalid_for_each,
    required,
    too_long,
    too_many,
    unsupported,
)
from canarylab.playground.apiserver.validation import names
from canarylab.playground.apiserver.validation.containers import PROTOCOLS, port_or_name
from canarylab.playground.apiserver.validation.fields import (
    DNS_LABEL,
    DNS_SUBDOMAIN,
    IP_ADDRESS,
    NAMED,
    PORT_NUMBER,
    each,
    every,
    fields,
    filled,
    needed,
    one_of,
    optional_fields,
    spelled,
)
from canarylab.ports import NODE_PORTS

AFFINITIES = ("ClientIP", "None")
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
MAX_PORTS = 100
"""Ports of one Service: each is up to three sockets. An EndpointSlice has as many."""
_SERVICE_PORT = fields(port=PORT_NUMBER, protocol=one_of(*PROTOCOLS), targetPort=port_or_name)
_TRAFFIC_POLICY = filled(one_of("Cluster", "Local"))
_TRAFFIC_POLICIES = fields(
    internalTrafficPolicy=_TRAFFIC_POLICY, externalTrafficPolicy=_TRAFFIC_POLICY
)
_ENDPOINT_PORTS = each(
    every(optional_fields(port=PORT_NUMBER), fields(protocol=one_of(*PROTOCOLS)))
)
_ADDRESSES = each(fields(ip=IP_ADDRESS))
_SUBSET = fields(addresses=_ADDRESSES, notReadyAddresses=_ADDRESSES, ports=_ENDPOINT_PORTS)
_BACKEND_PORT = fields(name=filled(spelled(names.port_name_problems)), number=filled(PORT_NUMBER))
_MAX_AFFINITY_S = 86400  # seconds: the longest ClientIP affinity


def validate_service(service: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of a Service, or of its update."""
    spec = service["spec"]
    yield from names.validate_metadata(
        service["metadata"], names.dns_label_problems, namespaced=True
    )
    headless = spec.get("clusterIP") == "None"
    if not spec.get("ports") and not headless and spec["type"] != "ExternalName":
        yield required("spec.ports")
    yield from _type_rules(spec, headless=headless)
    yield from _service_ports(spec.get("ports", []))
    yield from names.validate_labels("spec.selector", spec.get("selector"))
    yield from _affinity(spec)
    yield from _cluster_ip(spec, old)
    if spec["type"] not in TYPES:
        yield unsupported("spec.type", spec["type"], TYPES)
    yield from _node_ports(spec)
    yield from _traffic_policies(spec)


def validate_endpoints(endpoints: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of Endpoints."""
    yield from names.validate_metadata(
        endpoints["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    for index, subset in enumerate(endpoints.get("subsets", [])):
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            problem = "must specify `addresses` or `notReadyAddresses`"
            yield required(f"subsets[{index}]", problem)
        yield from _SUBSET(f"subsets[{index}]", subset)


def validate_endpoint_slice(endpoint_slice: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of an EndpointSlice, or of its update."""
    yield from names.validate_metadata(
        endpoint_slice["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    family = endpoint_slice.get("addressType", "")
    yield from check_one_of("addressType", family, ("FQDN", "IPv4", "IPv6"))
    for index, endpoint in enumerate(endpoint_slice.get("endpoints", [])):
        item_path = f"endpoints[{index}].addresses"
        if not endpoint.get("addresses"):
            yield required(item_path, "must contain at least 1 address")
        if family.startswith("IP"):
            yield from each(IP_ADDRESS)(item_path, endpoint.get("addresses"))
    yield from _ENDPOINT_PORTS("ports", endpoint_slice.get("ports"))
    if old is not None:
        yield from check_unchanged("addressType", family, old.get("addressType"))


def _type_rules(spec: Object, *, headless: bool) -> Iterator[Cause]:
    kind = spec["type"]
    if kind in ("NodePort", "LoadBalancer") and headless:
        yield invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    if kind != "ExternalName":
        return
    if spec.get("clusterIP"):
        yield forbidden("spec.clusterIPs", "may not be set for ExternalName services")
    elsewhere = spec.get("externalName", "").removesuffix(".")
    yield from needed(DNS_SUBDOMAIN)("spec.externalName", elsewhere)


def _service_ports(ports: list[Object]) -> Iterator[Cause]:
    if len(ports) > MAX_PORTS:
        yield too_many("spec.ports", len(ports), MAX_PORTS)
        return
    taken: set[str] = set()
    for index, port in enumerate(ports):
        item_path, name = f"spec.ports[{index}]", port.get("name", "")
        if name:
            yield from DNS_LABEL(f"{item_path}.name", name)
            if name in taken:
                yield duplicate(f"{item_path}.name", name)
            taken.add(name)
        elif len(ports) > 1:
            yield required(f"{item_path}.name")
        yield from _SERVICE_PORT(item_path, port)


def _affinity(spec: Object) -> Iterator[Cause]:
    affinity, given = spec.get("sessionAffinity", ""), spec.get("sessionAffinityConfig")
    yield from check_one_of("spec.sessionAffinity", affinity, AFFINITIES)
    field = "spec.sessionAffinityConfig"
    if affinity == "None" and given is not None:
        yield forbidden(field, "must not be set when session affinity is None")
    if affinity == "ClientIP" and given is not None:
        remembered = given["clientIP"]["timeoutSeconds"]
        if not 0 < remembered <= _MAX_AFFINITY_S:
            yield invalid(
                f"{field}.clientIP.timeoutSeconds",
                remembered,
                f"must be greater than 0 and less than {_MAX_AFFINITY_S}",
            )


def _cluster_ip(spec: Object, old: Object | None) -> Iterator[Cause]:
    address = spec.get("clusterIP", "")
    if address not in ("", "None"):
        yield from invalid_for_each("spec.clusterIPs[0]", address, names.address_problems(address))
    before = (old or {}).get("spec", {})
    if before.get("clusterIP") and "ExternalName" not in (spec["type"], before["type"]):
        if not address:
            yield invalid("spec.clusterIPs[0]", [], "primary clusterIP can not be unset")
        elif address != before["clusterIP"]:
            yield invalid("spec.clusterIPs[0]", [address], "may not change once set")


def _node_ports(spec: Object) -> Iterator[Cause]:
    nodes_seen: set[tuple[str, int]] = set()
    ports_seen: set[tuple[str, int]] = set()
    for index, port in enumerate(spec.get("ports", [])):
        item_path, protocol = f"spec.ports[{index}]", port.get("protocol", "")
        number = port.get("nodePort", 0)
        if number:
            yield from _node_port(f"{item_path}.nodePort", number, spec["type"])
            if (protocol, number) in nodes_seen:
                yield duplicate(f"{item_path}.nodePort", number)
            nodes_seen.add((protocol, number))
        if (protocol, port.get("port", 0)) in ports_seen:
            yield duplicate(item_path, {"port": port.get("port", 0), "protocol": protocol})
        ports_seen.add((protocol, port.get("port", 0)))


def _node_port(field: str, number: int, kind: str) -> Iterator[Cause]:
    if kind == "ClusterIP":
        yield forbidden(field, "may not be used when `type` is 'ClusterIP'")
    elif kind in TYPES and number not in NODE_PORTS:
        yield invalid(
            field,
            number,
            "provided port is not in the valid range. The range of valid ports is "
            f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}",
        )


def _traffic_policies(spec: Object) -> Iterator[Cause]:
    yield from _TRAFFIC_POLICIES("spec", spec)
    is_external = spec["type"] not in ("ClusterIP", "ExternalName") or spec.get("externalIPs")
    if spec.get("externalTrafficPolicy") and not is_external:
        yield invalid(
            "spec.externalTrafficPolicy",
            spec["externalTrafficPolicy"],
            "may only be set for externally-accessible services",
        )


PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_PARTS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS = ("/..", "/.")
_MAX_CONTROLLER_BYTES = 250  # bytes


def validate_ingress(ingress: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of an Ingress."""
    spec = ingress["spec"]
    yield from names.validate_metadata(
        ingress["metadata"], names.dns_subdomain_problems, namespaced=True
    )
    if not spec.get("rules") and "defaultBackend" not in spec:
        why = "either `defaultBackend` or `rules` must be specified"
        yield invalid("spec", spec.get("rules"), why)
    yield from _INGRESS("spec", spec)
    if old is None:
        yield from _class_conflict(ingress)


def validate_ingress_class(ingress_class: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of an IngressClass, or of its update."""
    spec = ingress_class["spec"]
    controller, field = spec.get("controller", ""), "spec.controller"
    if old is not None:
        yield from check_unchanged(field, controller, old["spec"].get("controller", ""))
    yield from names.validate_metadata(
        ingress_class["metadata"], names.dns_subdomain_problems, namespaced=False
    )
    if not controller:
        yield required(field)
    else:
        if len(controller.encode()) > _MAX_CONTROLLER_BYTES:
            yield too_long(field, _MAX_CONTROLLER_BYTES)
        yield from _domain_prefixed(field, controller)
    if "parameters" in spec:
        yield from _parameters("spec.parameters", spec["parameters"])


def _rule(field: str, rule: Object) -> Iterator[Cause]:
    host = rule.get("host", "")
    if host and not names.address_problems(host):
        yield invalid(f"{field}.host", host, "must be a DNS name, not an IP address")
    if host:
        yield from _host(f"{field}.host", host)
    if "http" in rule:
        yield from needed(each(_path))(f"{field}.http.paths", rule["http"].get("paths"))


def _host(field: str, host: str) -> list[Cause]:
    return invalid_for_each(
        field,
        host,
        names.wildcard_subdomain_problems(host)
        if "*" in host
        else names.dns_subdomain_problems(host),
    )


def _path(field: str, entry: Object) -> Iterator[Cause]:
    path, kind = entry.get("path", ""), entry.get("pathType", "")
    if not kind:
        yield required(f"{field}.pathType", "pathType must be specified")
        return
    if kind not in PATH_TYPES:
        yield unsupported(f"{field}.pathType", kind, PATH_TYPES)
    elif not path.startswith("/") and (path or kind != "ImplementationSpecific"):
        yield invalid(f"{field}.path", path, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        yield from invalid_for_each(f"{field}.path", path, _path_problems(path))
    yield from _backend(f"{field}.backend", entry.get("backend", {}))


def _path_problems(path: str) -> list[str]:
    """Parts of a path that a client resolves before it sends the request."""
    within = [f"must not contain '{part}'" for part in _BAD_PARTS if part in path]
    return within + [f"cannot end with '{end}'" for end in _BAD_ENDS if path.endswith(end)]


def _backend(field: str, backend: Object) -> Iterator[Cause]:
    if "resource" in backend and "service" in backend:
        yield invalid(field, "", "cannot set both resource and service backends")
    elif "resource" in backend:
        yield from _reference(f"{field}.resource", backend["resource"])
    elif "service" in backend:
        yield from _service(field, backend["service"])
    else:
        yield invalid(field, "", "resource or service backend is required")


def _service(field: str, service: Object) -> Iterator[Cause]:
    port = service.get("port", {})
    yield from needed(DNS_LABEL)(f"{field}.service.name", service.get("name"))
    if port.get("name") and port.get("number"):
        yield invalid(field, "", "cannot set both port name & port number")
    elif not port.get("name") and not port.get("number"):
        yield required(field, "port name or number is required")
    else:
        yield from _BACKEND_PORT(f"{field}.service.port", port)


def _class_conflict(ingress: Object) -> Iterator[Cause]:
    """The class in the field differs from the class in the deprecated annotation."""
    annotated = ingress["metadata"].get("annotations", {}).get(INGRESS_CLASS_ANNOTATION)
    named = ingress["spec"].get("ingressClassName")
    if annotated is not None and named is not None and annotated != named:
        why = "must match `ingressClassName` when both are specified"
        yield invalid(f"annotations.{INGRESS_CLASS_ANNOTATION}", annotated, why)


def _reference(field: str, reference: Object) -> Iterator[Cause]:
    if "apiGroup" in reference:
        yield from DNS_SUBDOMAIN(f"{field}.apiGroup", reference["apiGroup"])
    yield from NAMED(field, reference)


def _parameters(field: str, parameters: Object) -> Iterator[Cause]:
    yield from _reference(field, parameters)
    scope, namespace = parameters.get("scope", ""), parameters.get("namespace")
    yield from check_one_of(f"{field}.scope", scope, ("Cluster", "Namespace"))
    if scope == "Namespace" and namespace is None:
        yield required(f"{field}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Namespace":
        yield from DNS_LABEL(f"{field}.namespace", namespace)
    elif scope == "Cluster" and namespace is not None:
        yield forbidden(f"{field}.namespace", "`parameters.scope` is set to 'Cluster'")


def _domain_prefixed(field: str, text: str) -> Iterator[Cause]:
    domain, _, path = text.partition("/")
    if not domain or not path:
        yield invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    yield from invalid_for_each(field, domain, names.dns_subdomain_problems(domain))
    yield from invalid_for_each(field, path, names.controller_path_problems(path))


_INGRESS = optional_fields(
    defaultBackend=_backend,
    rules=each(_rule),
    tls=each(fields(hosts=each(_host), secretName=filled(DNS_SUBDOMAIN))),
    ingressClassName=DNS_SUBDOMAIN,
)
