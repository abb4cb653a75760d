"""What a diagram of a cluster shows, as values and as words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from canarylab.text import count_noun, join_words, sort_naturally, version_label

READY = "ready"
MAX_PODS = 6
"""A Deployment with more pods gets one line for each version and state."""


class DiagramPod(NamedTuple):
    """One pod."""

    name: str
    version: str
    state: str = READY
    """READY, or another word: "not ready", "ImagePullBackOff"."""


class PodGroup(NamedTuple):
    """The pods of one Deployment that have the same labels."""

    deployment: str
    """Empty for pods that no Deployment owns."""
    labels: Mapping[str, str]
    pods: Sequence[DiagramPod] = ()


class DiagramService(NamedTuple):
    """One Service."""

    name: str
    selector: Mapping[str, str]
    ready_pods: frozenset[str] = frozenset()
    """The names of the pods that get its traffic."""
    node_port: int | None = None
    exists: bool = True
    """False for a Service that a rule names and that is not there."""


class DiagramRule(NamedTuple):
    """One way from an Ingress or an HTTPRoute to a Service."""

    text: str
    service: str
    is_mirror: bool = False


class DiagramRoute(NamedTuple):
    """An Ingress or an HTTPRoute."""

    kind: str
    name: str
    notes: Sequence[str] = ()
    """Host, weight, header: a line each."""
    rules: Sequence[DiagramRule] = ()


class DiagramContent(NamedTuple):
    """What is in the cluster."""

    groups: Sequence[PodGroup] = ()
    services: Sequence[DiagramService] = ()
    routes: Sequence[DiagramRoute] = ()


def describe(content: DiagramContent) -> str:
    """The facts of a diagram, one sentence or more for each object."""
    if not any(content):
        return "The cluster is empty: there is no Service and no pod."
    lines = [
        _summary(content),
        *(_describe_route(route) for route in content.routes),
        *(line for service in content.services for line in _describe_service(service, content)),
        *(_describe_group(group) for group in content.groups),
    ]
    if not (content.services or content.routes):
        lines.insert(1, "There is no Service, so visitors reach no pod.")
    return "\n".join(lines)


def selects(service: DiagramService, group: PodGroup) -> bool:
    """Whether the selector of a Service matches the labels of these pods.

    >>> selects(DiagramService("svc", {"app": "web"}), PodGroup("", {"app": "web", "env": "prod"}))
    True
    """
    return bool(service.selector) and service.selector.items() <= group.labels.items()


# Words


def _summary(content: DiagramContent) -> str:
    pods = [pod for group in content.groups for pod in group.pods]
    kinds = Counter(route.kind for route in content.routes)
    there = sum(service.exists for service in content.services)
    parts = [_count(number, kind) for kind, number in kinds.items()]
    parts += [_count(there, "Service"), count_noun(len(pods), "pod")]
    ready = sum(pod.state == READY for pod in pods)
    verb = "is" if ready == 1 else "are"
    return f"{join_words(parts)}, of which {ready} {verb} ready." if pods else _end(parts)


def _end(parts: Sequence[str]) -> str:
    return f"{join_words(parts)}."


def _count(number: int, kind: str) -> str:
    if number == 1:
        return f"1 {kind}"
    return f"{number} {kind}{'es' if kind.endswith('s') else 's'}"


def _describe_route(route: DiagramRoute) -> str:
    notes = f" ({'; '.join(route.notes)})" if route.notes else ""
    ways = "; ".join(
        f"{rule.text} {'is copied to' if rule.is_mirror else 'to'} Service {rule.service}"
        for rule in route.rules
    )
    return f"Visitors reach {route.kind} {route.name}{notes}: {ways or 'it has no rule'}."


def _describe_service(service: DiagramService, content: DiagramContent) -> list[str]:
    name = f"Service {service.name}"
    if not service.exists:
        return [f"{name} is not there, so no pod gets these requests."]
    selector = f"selects {_pairs(service.selector)}" if service.selector else "has no selector"
    lines = [f"{name} {selector}. {_targets(service, content)}"]
    if service.node_port:
        lines.insert(0, f"Visitors reach {name} at node port {service.node_port}.")
    elif service.name not in routed_services(content):
        lines.insert(0, f"Only pods reach {name}: it has no node port, and no rule names it.")
    return lines


def _targets(service: DiagramService, content: DiagramContent) -> str:
    behind = [
        f"{count_noun(number, 'ready pod')} of {_group_name(group)}"
        for group in content.groups
        if (number := sum(pod.name in service.ready_pods for pod in group.pods))
    ]
    if behind:
        return f"It sends requests to {join_words(behind)}."
    return f"It sends requests to no pod: {reason_without_pods(service, content)}."


def reason_without_pods(service: DiagramService, content: DiagramContent) -> str:
    """Why a Service sends requests to no pod."""
    is_matched = any(selects(service, group) and group.pods for group in content.groups)
    return "no selected pod is ready" if is_matched else "no pod has these labels"


def _describe_group(group: PodGroup) -> str:
    labels = f", labels {_pairs(group.labels)}" if group.labels else ", no label"
    name = _group_name(group) if group.deployment else "Pods of no Deployment"
    return f"{name}{labels}: {_kinds_of_pods(group)}."


def _kinds_of_pods(group: PodGroup) -> str:
    kinds = Counter((pod.version, pod.state) for pod in group.pods)
    found = [
        f"{count_noun(number, 'pod')} of {version_label(version)}, {state}"
        for (version, state), number in kinds.items()
    ]
    return "; ".join(found) or "no pod"


def _group_name(group: PodGroup) -> str:
    return f"Deployment {group.deployment}" if group.deployment else "no Deployment"


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items())


# Order: production before the canary, and each thing near what it leads to


def routed_services(content: DiagramContent) -> set[str]:
    """The Services that a rule names."""
    return {rule.service for route in content.routes for rule in route.rules}


def is_outer(service: DiagramService, routed: set[str]) -> bool:
    """Whether it stands below the others, because visitors reach it past every Ingress."""
    return service.node_port is not None or service.name not in routed


def with_missing_services(content: DiagramContent) -> DiagramContent:
    """The same with a Service for each that a rule names and that does not exist."""
    known = {service.name for service in content.services}
    named = dict.fromkeys(rule.service for route in content.routes for rule in route.rules)
    missing = [DiagramService(name, {}, exists=False) for name in named if name not in known]
    return content._replace(services=[*content.services, *missing])


def in_order(content: DiagramContent) -> DiagramContent:
    """The same in the order in which it is drawn and described, from top to bottom."""
    groups = sorted(content.groups, key=_rank)
    routed = routed_services(content)
    places = {pod.name: place for place, group in enumerate(groups) for pod in group.pods}

    def rank(service: DiagramService) -> tuple[bool, float, str]:
        found = [places[name] for name in service.ready_pods if name in places]
        place = sum(found) / len(found) if found else float(len(groups))
        return is_outer(service, routed), place, service.name

    services = sorted(content.services, key=rank)
    order = [service.name for service in services]
    routes = sorted(
        content.routes,
        key=lambda route: (
            min((order.index(rule.service) for rule in route.rules), default=len(order)),
            route.name,
        ),
    )
    return DiagramContent(groups, services, routes)


def _rank(group: PodGroup) -> tuple[bool, int, str]:
    """By the oldest version; then Deployments without pods, then pods of no Deployment."""
    versions = sort_naturally({pod.version for pod in group.pods})
    everything = sort_naturally({*versions, "1.0"})
    place = everything.index(versions[0]) if versions else len(everything)
    return not group.deployment, place, group.deployment
