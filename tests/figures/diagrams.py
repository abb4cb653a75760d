"""Contents of clusters, as diagrams have to show them."""

from __future__ import annotations

from collections.abc import Mapping

from canarylab.figures.diagram_content import (
    READY,
    DiagramContent,
    DiagramPod,
    DiagramRoute,
    DiagramRule,
    DiagramService,
    PodGroup,
)

HOSTILE = "\"'><script>&\x00\n"


def pods(number: int, version: str, state: str = READY) -> tuple[DiagramPod, ...]:
    return tuple(DiagramPod(f"pod-{version}-{state}-{n}xyz", version, state) for n in range(number))


def production(number: int = 3, *more: DiagramPod) -> PodGroup:
    labels = {"app": "nodeapp", "env": "prod"}
    return PodGroup("nodeapp-production", labels, (*pods(number, "1.0"), *more))


def canary(number: int = 1, state: str = READY) -> PodGroup:
    labels = {"app": "nodeapp", "env": "canary"}
    return PodGroup("nodeapp-canary", labels, pods(number, "2.0", state))


def service(
    name: str, selector: Mapping[str, str], *groups: PodGroup, node_port: int | None = None
) -> DiagramService:
    ready = {pod.name for group in groups for pod in group.pods if pod.state == READY}
    return DiagramService(name, selector, frozenset(ready), node_port)


def node_port(*groups: PodGroup) -> DiagramService:
    return service("nodeapp-svc", {"app": "nodeapp"}, *groups, node_port=32089)


PROD = service("nodeapp-svc-prod", {"env": "prod"}, production())
WEIGHTED = service("nodeapp-svc-canary-weighted", {"env": "canary"}, canary())
BROKEN = production(3, *pods(1, "9.9", "ImagePullBackOff"))
INGRESSES = [
    DiagramRoute(
        "canary Ingress",
        "ingress-canary",
        ["host foo.bar.com", "10 of 100 requests", "header X-Canary: always"],
        [DiagramRule("/", WEIGHTED.name)],
    ),
    DiagramRoute(
        "Ingress",
        "ingress-prod",
        ["host foo.bar.com"],
        [DiagramRule("/", PROD.name), DiagramRule("default backend", PROD.name)],
    ),
]
MIRROR = DiagramRoute(
    "HTTPRoute",
    "nodeapp-split",
    ["host gateway.foo.bar.com", "Gateway canarylab"],
    [DiagramRule("/", PROD.name), DiagramRule("/", WEIGHTED.name, is_mirror=True)],
)
LONG = "a-name-" * 9

CONTENTS: dict[str, DiagramContent] = {
    "empty": DiagramContent(),
    "no Service": DiagramContent([production()]),
    "production": DiagramContent([production()], [node_port(production())]),
    "canary": DiagramContent([canary(), production()], [node_port(production(), canary())]),
    "nobody selected": DiagramContent(
        [production()], [service("nodeapp-svc", {"app": "other"}, node_port=32089)]
    ),
    "not ready": DiagramContent([BROKEN, canary(1, "not ready")], [node_port(BROKEN)]),
    "many pods": DiagramContent([production(40), canary(6)], [node_port(production(40))]),
    "weights": DiagramContent([production(), canary()], [PROD, WEIGHTED], INGRESSES),
    "weights and a node port": DiagramContent(
        [production(), canary()], [PROD, WEIGHTED, node_port(production())], INGRESSES
    ),
    "mirror": DiagramContent([production(), canary()], [PROD, WEIGHTED], [MIRROR]),
    "missing Service": DiagramContent([production()], [PROD], INGRESSES),
    "long names": DiagramContent(
        [PodGroup(LONG, {LONG: LONG}, (DiagramPod(LONG, LONG, LONG),))],
        [DiagramService(LONG, {LONG: LONG}, frozenset({LONG}))],
        [DiagramRoute("Ingress", LONG, [LONG], [DiagramRule(LONG, LONG)])],
    ),
    "hostile names": DiagramContent(
        [PodGroup(HOSTILE, {HOSTILE: HOSTILE}, (DiagramPod(HOSTILE, HOSTILE, HOSTILE),))],
        [DiagramService(HOSTILE, {HOSTILE: HOSTILE}, frozenset({HOSTILE}), 1)],
        [DiagramRoute(HOSTILE, HOSTILE, [HOSTILE], [DiagramRule(HOSTILE, HOSTILE)])],
    ),
}
