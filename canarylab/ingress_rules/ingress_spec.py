"""Ingresses, IngressClasses and the Services behind them, parsed into named tuples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from canarylab.kube_objects import (
    INGRESS_CLASS_ANNOTATION,
    Address,
    EndpointIndex,
    Key,
    Object,
    is_terminating,
    key_of,
)

# An annotation whose value cannot be read counts as not given, as in ingress-nginx; `warnings.py`
# reports it. Each annotation is documented at
# https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/

PREFIX = "nginx.ingress.kubernetes.io/"
MEGABYTE = 1_048_576
MIN_WEIGHT_TOTAL = 100
"""A smaller canary-weight-total is ignored."""
DEFAULT_BODY_LIMIT = 1 * MEGABYTE  # bytes, if there is no proxy-body-size
# What Go's strconv.ParseBool takes for true.
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
# At most 18 digits, which fit into 64 bits: Go refuses more, and Python a few thousand of them.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
# RegexPathWithCapture in
# https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/annotations/parser/validators.go
_REWRITE_TARGET = re.compile(r"/?[A-Za-z0-9._~:$/-]*")
_SIZE = re.compile(r"(?P<number>[0-9]{1,18})(?P<unit>[kKmMgG]?)")
_UNITS = {"": 1, "k": 1024, "m": MEGABYTE, "g": 1024 * MEGABYTE}


class CanaryPolicy(NamedTuple):
    """Which requests go to a canary: by header, by cookie, by weight."""

    weight: int = 0
    total: int = MIN_WEIGHT_TOTAL
    header: str = ""
    header_value: str = ""
    header_pattern: str = ""
    cookie: str = ""


class Annotations(NamedTuple):
    """The annotations that are supported, parsed."""

    canary: CanaryPolicy | None = None
    """None unless `canary` is "true": without it the other canary annotations have no effect."""
    rewrite_target: str = ""
    use_regex: bool = False
    body_limit: int = DEFAULT_BODY_LIMIT
    """Bytes; 0 is no limit."""
    ignored_canary: tuple[str, ...] = ()
    """Canary annotations without effect, because `canary` is not "true"."""
    ignored_rewrite: str = ""
    """A rewrite-target with characters that it may not have."""
    unparsable_weights: tuple[tuple[str, str], ...] = ()
    """Names and values of weights that are no integers."""
    ignored_total: int | None = None
    """A canary-weight-total that is too small."""


NO_ANNOTATIONS = Annotations()


def parse_annotations(annotations: Mapping[str, str]) -> Annotations:
    """Parse the annotations of one Ingress.

    >>> parse_annotations({PREFIX + "canary": "true", PREFIX + "canary-weight": "10"}).canary.weight
    10
    """
    own = {
        name.removeprefix(PREFIX): value.strip()
        for name, value in annotations.items()
        if name.startswith(PREFIX)
    }
    enabled = _is_true(own.get("canary", ""))
    rewrite_target = own.get("rewrite-target", "")
    can_rewrite = _REWRITE_TARGET.fullmatch(rewrite_target) is not None
    return Annotations(
        canary=_canary_policy(own) if enabled else None,
        rewrite_target=rewrite_target if can_rewrite else "",
        use_regex=_is_true(own.get("use-regex", "")),
        body_limit=_size(own.get("proxy-body-size", "")),
        ignored_rewrite="" if can_rewrite else rewrite_target,
        ignored_canary=() if enabled else tuple(sorted(n for n in own if n.startswith("canary-"))),
        unparsable_weights=tuple(
            (name, own[name])
            for name in ("canary-weight", "canary-weight-total")
            if enabled and _integer(own.get(name, "0")) is None
        ),
        ignored_total=_ignored_total(own) if enabled else None,
    )


def _is_true(text: str) -> bool:
    """As Go reads it: "true" and "1" are, "yes" and "on" are not."""
    return text in _TRUE


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _canary_policy(own: Mapping[str, str]) -> CanaryPolicy:
    # `weightTotal > 100` in route_to_alternative_balancer,
    # https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/lua/balancer.lua
    return CanaryPolicy(
        weight=_integer(own.get("canary-weight", "")) or 0,
        total=max(MIN_WEIGHT_TOTAL, _integer(own.get("canary-weight-total", "")) or 0),
        header=own.get("canary-by-header", ""),
        header_value=own.get("canary-by-header-value", ""),
        header_pattern=own.get("canary-by-header-pattern", ""),
        cookie=own.get("canary-by-cookie", ""),
    )


def _ignored_total(own: Mapping[str, str]) -> int | None:
    total = _integer(own.get("canary-weight-total", ""))
    return total if total is not None and total < MIN_WEIGHT_TOTAL else None


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found:
        return DEFAULT_BODY_LIMIT
    return int(found["number"]) * _UNITS[found["unit"].lower()]


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


def served_ingresses(ingresses: Iterable[Object], classes: Iterable[Object]) -> list[Object]:
    """The Ingresses of a class of this controller, without those that are terminating.

    An Ingress names its class in the spec, or in the old annotation. The API server writes the
    default class, if there is one, into the spec of an Ingress that names none; one that still has
    none is served by no controller.
    https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/
    """
    names = {
        entry["metadata"]["name"]
        for entry in classes
        if entry["spec"].get("controller") == INGRESS_CONTROLLER
    }
    return [
        ingress
        for ingress in ingresses
        if _is_of_class(ingress, names) and not is_terminating(ingress)
    ]


def _is_of_class(ingress: Object, names: set[str]) -> bool:
    named = ingress["spec"].get("ingressClassName")
    if named is not None:
        return named in names
    annotations = ingress["metadata"].get("annotations") or {}
    return bool(annotations.get(INGRESS_CLASS_ANNOTATION) == INGRESS_CLASS)


def _ingress_spec(ingress: Object) -> IngressSpec:
    meta, spec, key = ingress["metadata"], ingress["spec"], key_of(ingress)
    rules = spec.get("rules") or []
    return IngressSpec(
        key=key,
        created=meta.get("creationTimestamp") or "",
        annotations=parse_annotations(meta.get("annotations") or {}),
        default=_backend(key.namespace, spec.get("defaultBackend") or {}),
        hosts=tuple(rule.get("host") or ANY_HOST for rule in rules),
        paths=tuple(path for rule in rules for path in _rule_paths(key.namespace, rule)),
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
