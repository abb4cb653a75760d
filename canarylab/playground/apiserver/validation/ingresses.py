"""Validation of Ingresses and IngressClasses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    each,
    forbidden,
    invalid,
    one_of,
    required,
    too_long,
    unchanged,
    unsupported,
)
from canarylab.playground.apiserver.validation import names
from canarylab.playground.kube.api import Object

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_PARTS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS = ("/..", "/.")
_MAX_CONTROLLER_BYTES = 250  # bytes


def validate_ingress(ingress: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of an Ingress."""
    spec = ingress["spec"]
    yield from names.validate_metadata(ingress["metadata"], names.dns_subdomain, namespaced=True)
    if not spec.get("rules") and "defaultBackend" not in spec:
        why = "either `defaultBackend` or `rules` must be specified"
        yield invalid("spec", spec.get("rules"), why)
    if "defaultBackend" in spec:
        yield from _backend("spec.defaultBackend", spec["defaultBackend"])
    for index, rule in enumerate(spec.get("rules", [])):
        yield from _rule(f"spec.rules[{index}]", rule)
    for index, certificate in enumerate(spec.get("tls", [])):
        yield from _tls(f"spec.tls[{index}]", certificate)
    if "ingressClassName" in spec:
        name = spec["ingressClassName"]
        yield from each("spec.ingressClassName", name, names.dns_subdomain(name))
    if old is None:
        yield from _class_conflict(ingress)


def validate_ingress_class(ingress_class: Object, old: Object | None) -> Iterator[Cause]:
    """Errors of an IngressClass, or of its update."""
    spec = ingress_class["spec"]
    controller, field = spec.get("controller", ""), "spec.controller"
    if old is not None:
        yield from unchanged(field, controller, old["spec"].get("controller", ""))
    yield from names.validate_metadata(
        ingress_class["metadata"], names.dns_subdomain, namespaced=False
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
    if host and _is_address(host):
        yield invalid(f"{field}.host", host, "must be a DNS name, not an IP address")
    if host:
        yield from _host(f"{field}.host", host)
    if "http" not in rule:
        return
    paths = rule["http"].get("paths", [])
    if not paths:
        yield required(f"{field}.http.paths")
    for index, path in enumerate(paths):
        yield from _path(f"{field}.http.paths[{index}]", path)


def _host(field: str, host: str) -> list[Cause]:
    return each(
        field, host, names.wildcard_subdomain(host) if "*" in host else names.dns_subdomain(host)
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
        yield from each(f"{field}.path", path, _path_problems(path))
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
    name, port = service.get("name", ""), service.get("port", {})
    if name:
        yield from each(f"{field}.service.name", name, names.dns_label(name))
    else:
        yield required(f"{field}.service.name")
    if port.get("name") and port.get("number"):
        yield invalid(field, "", "cannot set both port name & port number")
    elif port.get("name"):
        yield from each(f"{field}.service.port.name", port["name"], names.port_name(port["name"]))
    elif port.get("number"):
        number = port["number"]
        yield from each(f"{field}.service.port.number", number, names.port_number(number))
    else:
        yield required(field, "port name or number is required")


def _tls(field: str, certificate: Object) -> Iterator[Cause]:
    for index, host in enumerate(certificate.get("hosts", [])):
        yield from _host(f"{field}.hosts[{index}]", host)
    if secret := certificate.get("secretName"):
        yield from each(f"{field}.secretName", secret, names.dns_subdomain(secret))


def _class_conflict(ingress: Object) -> Iterator[Cause]:
    """The class in the field differs from the class in the deprecated annotation."""
    annotated = ingress["metadata"].get("annotations", {}).get(CLASS_ANNOTATION)
    named = ingress["spec"].get("ingressClassName")
    if annotated is not None and named is not None and annotated != named:
        why = "must match `ingressClassName` when both are specified"
        yield invalid(f"annotations.{CLASS_ANNOTATION}", annotated, why)


def _reference(field: str, reference: Object) -> Iterator[Cause]:
    if "apiGroup" in reference:
        group = reference["apiGroup"]
        yield from each(f"{field}.apiGroup", group, names.dns_subdomain(group))
    for part in ("kind", "name"):
        if value := reference.get(part):
            yield from each(f"{field}.{part}", value, names.path_segment(value))
        else:
            yield required(f"{field}.{part}")


def _parameters(field: str, parameters: Object) -> Iterator[Cause]:
    yield from _reference(field, parameters)
    scope, namespace = parameters.get("scope", ""), parameters.get("namespace")
    yield from one_of(f"{field}.scope", scope, ("Cluster", "Namespace"))
    if scope == "Namespace" and namespace is None:
        yield required(f"{field}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Namespace":
        yield from each(f"{field}.namespace", namespace, names.dns_label(str(namespace)))
    elif scope == "Cluster" and namespace is not None:
        yield forbidden(f"{field}.namespace", "`parameters.scope` is set to 'Cluster'")


def _domain_prefixed(field: str, text: str) -> Iterator[Cause]:
    domain, _, path = text.partition("/")
    if not domain or not path:
        yield invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    yield from each(field, domain, names.dns_subdomain(domain))
    yield from each(field, path, names.controller_path(path))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
