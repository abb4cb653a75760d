"""Ingresses, IngressClasses and the Services behind them, parsed into named tuples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from canarylab.ingress_rules.annotations import Annotations, parse_annotations
from canarylab.kube_objects import (
    INGRESS_CLASS_ANNOTATION,
    Address,
    EndpointIndex,
    Key,
    Object,
    is_terminating,
    key_of,
)

ANY_HOST = "_"
"""The host of a rule without one, as in nginx: requests for which no other host has a rule."""
INGRESS_CLASS = "nginx"
INGRESS_CONTROLLER = "k8s.io/ingress-nginx"
BackendProblem = Literal["ServiceNotFound", "PortNotFound", "NoEndpoints"]


class Backend(NamedTuple):
    """A port of a Service. Rules that name the same one share it, and its canary too."""

    service: Key
    port: str
    """A number or a name, as written in the Ingress."""

    def __str__(self) -> str:
        return f"{self.service.name}:{self.port}"


class RulePath(NamedTuple):
    """One path of one rule."""

    host: str
    path: str
    exact: bool
    backend: Backend | None
    """None for a `resource` backend, which ingress-nginx does not serve either."""

    def __str__(self) -> str:
        return f"{'any host' if self.host == ANY_HOST else self.host}{self.path}"


class IngressSpec(NamedTuple):
    """One Ingress."""

    key: Key
    created: str
    annotations: Annotations
    default: Backend | None
    hosts: tuple[str, ...]
    paths: tuple[RulePath, ...]
    tls: bool = False
    """Whether it asks for TLS, which is not served."""
    resources: tuple[str, ...] = ()
    """Where it names a backend that is no Service, which is not served."""

    @property
    def is_canary(self) -> bool:
        """Whether it only adds a canary to rules of another Ingress."""
        return self.annotations.canary is not None


def backend_endpoints(backend: Backend, endpoints: EndpointIndex) -> tuple[Address, ...]:
    """The ready endpoints of a backend; none if the Service or its port does not exist.

    None that terminates: a request that fails is retried, and must not be sent there.
    """
    port = _service_port(backend, endpoints)
    return () if port is None else endpoints.ready(backend.service, port)


def backend_problem(backend: Backend, endpoints: EndpointIndex) -> BackendProblem | None:
    """Why the backend has no endpoints, if it has none."""
    if not endpoints.has_service(backend.service):
        return "ServiceNotFound"
    if _service_port(backend, endpoints) is None:
        return "PortNotFound"
    return None if backend_endpoints(backend, endpoints) else "NoEndpoints"


def _service_port(backend: Backend, endpoints: EndpointIndex) -> Object | None:
    # By number, by name, or by targetPort: `serviceEndpoints` in
    # https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/controller.go
    for port in endpoints.ports(backend.service):
        names = (port["port"], port.get("targetPort"), port.get("name"))
        if backend.port in {str(name) for name in names if name is not None}:
            return port
    return None


def parse_ingresses(ingresses: Iterable[Object]) -> list[IngressSpec]:
    """Parse Ingresses; the oldest comes first, and its rules have precedence.

    A timestamp has whole seconds, so that what one `kubectl apply` creates is equally old; among
    those the last name goes first (sortIngressSlice). Rule and source:
    https://kubernetes.github.io/ingress-nginx/how-it-works/#building-the-nginx-model
    https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/store/store.go
    """
    specs = [_ingress_spec(ingress) for ingress in ingresses]
    last_name_first = sorted(specs, key=lambda spec: tuple(spec.key), reverse=True)
    return sorted(last_name_first, key=lambda spec: spec.created)


class ClassProblem(NamedTuple):
    """An Ingress, and what is wrong with its class."""

    ingress: Key
    named: str
    """Empty if it names none."""
    controller: str | None = None
    """The controller of the class; None if there is no such IngressClass."""


def served_ingresses(ingresses: Iterable[Object], classes: Iterable[Object]) -> list[Object]:
    """The Ingresses of a class of this controller, without those that are terminating.

    An Ingress names its class in the spec, or in the old annotation. The API server writes the
    default class, if there is one, into the spec of an Ingress that names none; one that still has
    none is served too, as on kind and minikube (`--watch-ingress-without-class`).
    https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/
    `GetIngressClass` in
    https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/store/store.go
    """
    controllers = _controllers(classes)
    return [
        ingress
        for ingress in ingresses
        if not is_terminating(ingress) and _is_served(*_class_of(ingress), controllers)
    ]


def class_problems(
    ingresses: Iterable[Object], classes: Iterable[Object]
) -> Iterator[ClassProblem]:
    """The Ingresses that name no class, and those whose class nothing here serves."""
    controllers = _controllers(classes)
    for ingress in ingresses:
        named, by_annotation = _class_of(ingress)
        if is_terminating(ingress) or (by_annotation and named == INGRESS_CLASS):
            continue
        if named is None:
            yield ClassProblem(key_of(ingress), "")
        elif not _is_served(named, by_annotation, controllers):
            yield ClassProblem(key_of(ingress), named, controllers.get(named))


def _controllers(classes: Iterable[Object]) -> dict[str, str]:
    return {entry["metadata"]["name"]: entry["spec"].get("controller", "") for entry in classes}


def _class_of(ingress: Object) -> tuple[str | None, bool]:
    """The name of its class, and whether the old annotation gives it."""
    named: str | None = ingress["spec"].get("ingressClassName")
    annotated = (ingress["metadata"].get("annotations") or {}).get(INGRESS_CLASS_ANNOTATION)
    return (annotated or None, bool(annotated)) if named is None else (named, False)


def _is_served(named: str | None, by_annotation: bool, controllers: dict[str, str]) -> bool:
    if named is None:
        return True
    if by_annotation:
        return named == INGRESS_CLASS
    return controllers.get(named) == INGRESS_CONTROLLER


def _ingress_spec(ingress: Object) -> IngressSpec:
    meta, spec, key = ingress["metadata"], ingress["spec"], key_of(ingress)
    rules = spec.get("rules") or []
    paths = tuple(path for rule in rules for path in _rule_paths(key.namespace, rule))
    resources = [str(path) for path in paths if path.backend is None]
    if "resource" in (spec.get("defaultBackend") or {}):
        resources.append("spec.defaultBackend")
    return IngressSpec(
        key=key,
        created=meta.get("creationTimestamp") or "",
        annotations=parse_annotations(meta.get("annotations") or {}),
        default=_backend(key.namespace, spec.get("defaultBackend") or {}),
        hosts=tuple(rule.get("host") or ANY_HOST for rule in rules),
        paths=paths,
        tls=bool(spec.get("tls")),
        resources=tuple(resources),
    )


def _rule_paths(namespace: str, rule: Object) -> Iterator[RulePath]:
    # ImplementationSpecific means Prefix: SetDefaultNGINXPathType in
    # https://github.com/kubernetes/ingress-nginx/blob/main/internal/k8s/main.go
    for entry in (rule.get("http") or {}).get("paths") or []:
        yield RulePath(
            host=rule.get("host") or ANY_HOST,
            path=entry.get("path") or "/",
            exact=entry.get("pathType") == "Exact",
            backend=_backend(namespace, entry["backend"]),
        )


def _backend(namespace: str, backend: Object) -> Backend | None:
    service = backend.get("service")
    if not service:
        return None
    port = service.get("port") or {}
    return Backend(Key(namespace, service["name"]), str(port.get("number") or port.get("name")))
