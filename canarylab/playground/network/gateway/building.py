"""Which rules do all HTTPRoutes add up to, and in which order are they tried?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from canarylab.ingress_rules.ingress_spec import ServiceEndpoints
from canarylab.kube_objects import Address
from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import key_of
from canarylab.playground.network.gateway.attachment import Attachment, attachments
from canarylab.playground.network.gateway.filters import SUPPORTED, mirrored
from canarylab.playground.network.gateway.matches import Match, read_match


class Share(NamedTuple):
    """A Service, and how many of the requests it gets: `weight` of the sum of all."""

    service: Key
    weight: int
    endpoints: tuple[Address, ...] | None
    """None where there is no such Service or port: 500."""
    filters: tuple[Object, ...] = ()


class Rule(NamedTuple):
    """One rule of one route, for one host and one match."""

    route: Key
    host: str
    match: Match
    filters: tuple[Object, ...]
    shares: tuple[Share, ...]
    mirrors: tuple[Share, ...]


class RouteState(NamedTuple):
    """What is to be said of a route."""

    route: Object
    attachments: tuple[Attachment, ...]
    unresolved: str
    """Why a backend cannot be asked: a reason, or nothing."""
    complaint: str
    """What is not understood, or nothing."""


class Built(NamedTuple):
    """The rules in order, and the routes they come from."""

    rules: tuple[Rule, ...]
    routes: tuple[RouteState, ...]


NOTHING = Built((), ())


def build(
    routes: Iterable[Object],
    gateways: Mapping[Key, Object],
    namespaces: Mapping[str, Object],
    backends: ServiceEndpoints,
) -> Built:
    """The oldest route first where nothing else decides, then by name."""
    ordered = sorted(
        routes, key=lambda route: (route["metadata"].get("creationTimestamp", ""), key_of(route))
    )
    states = [_state(route, gateways, namespaces, backends) for route in ordered]
    rules = [rule for state in states for rule in _rules(state, backends)]
    # Stable, so what came first stays first among equals.
    rules.sort(key=lambda rule: rule.match.rank, reverse=True)
    return Built(tuple(rules), tuple(state for state in states if state.attachments))


def _state(
    route: Object,
    gateways: Mapping[Key, Object],
    namespaces: Mapping[str, Object],
    backends: ServiceEndpoints,
) -> RouteState:
    found = tuple(attachments(route, gateways, namespaces))
    reasons = [_unresolved(route, backend, backends) for backend in _backends(route)]
    return RouteState(route, found, next(filter(None, reasons), ""), _complaint(route))


def _rules(state: RouteState, backends: ServiceEndpoints) -> Iterable[Rule]:
    if state.complaint:
        return
    hosts = dict.fromkeys(host for each in state.attachments for host in each.hosts)
    key = key_of(state.route)
    for rule in state.route["spec"].get("rules") or [{}]:
        filters = tuple(rule.get("filters") or [])
        shares = tuple(_share(key, entry, backends) for entry in rule.get("backendRefs") or [])
        mirrors = tuple(_share(key, entry["backendRef"], backends) for entry in mirrored(filters))
        for match in rule.get("matches") or [{}]:
            for host in hosts:
                yield Rule(key, host, read_match(match), filters, shares, mirrors)


def _share(route: Key, backend: Object, backends: ServiceEndpoints) -> Share:
    service = Key(backend.get("namespace") or route.namespace, backend["name"])
    is_ours = _is_service(backend) and service.namespace == route.namespace
    return Share(
        service,
        backend.get("weight", 1),
        backends.of_port(service, backend.get("port", 0)) if is_ours else None,
        tuple(backend.get("filters") or []),
    )


def _unresolved(route: Object, backend: Object, backends: ServiceEndpoints) -> str:
    namespace = key_of(route).namespace
    if not _is_service(backend):
        return "InvalidKind"
    if backend.get("namespace", namespace) != namespace:
        return "RefNotPermitted"  # it would take a ReferenceGrant, which the playground lacks
    there = backends.of_port(Key(namespace, backend["name"]), backend.get("port", 0))
    return "BackendNotFound" if there is None else ""


def _backends(route: Object) -> list[Object]:
    rules = route["spec"].get("rules") or []
    named = [backend for rule in rules for backend in rule.get("backendRefs") or []]
    return named + [
        mirror["backendRef"] for rule in rules for mirror in mirrored(rule.get("filters") or [])
    ]


def _complaint(route: Object) -> str:
    """A route with something that cannot be done is not done at all."""
    for rule in route["spec"].get("rules") or []:
        steps: Sequence[Object] = [
            *(rule.get("filters") or []),
            *(step for each in rule.get("backendRefs") or [] for step in each.get("filters") or []),
        ]
        for step in steps:
            if step["type"] not in SUPPORTED:
                return f"filter {step['type']} is not supported"
        for match in map(read_match, rule.get("matches") or []):
            if complaint := _bad_pattern(match):
                return complaint
    return ""


def _bad_pattern(match: Match) -> str:
    patterns = [value.value for value in (*match.headers, *match.parameters) if value.is_regex]
    if match.path_type == "RegularExpression":
        patterns.append(match.path)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as exc:
            return f"{pattern!r} is no regular expression ({exc.msg})"
    return ""


def _is_service(backend: Object) -> bool:
    return backend.get("kind", "Service") == "Service" and not backend.get("group")
