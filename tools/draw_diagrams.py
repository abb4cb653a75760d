"""Draw the diagrams of docs/pictures from the manifests of the lessons.

    python tools/draw_diagrams.py

Each shows the cluster as a lesson leaves it. `lab.diagram()` draws the same from a cluster that
runs; here every pod of a Deployment is ready, and the names of pods are fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from canarylab.figures.diagram import Diagram, draw_diagram
from canarylab.figures.diagram_content import (
    DiagramContent,
    DiagramPod,
    DiagramService,
    PodGroup,
    selects,
)
from canarylab.kube_objects import Object
from canarylab.manifests import load
from canarylab.release import httproute, ingress
from canarylab.release.endpoints import version_of

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
PRODUCTION, CANARY = "02-production/production.yaml", "03-canary/canary.yaml"
DIAGRAMS = {
    "production": (PRODUCTION, "02-production/service.yaml"),
    "canary": (PRODUCTION, CANARY, "02-production/service.yaml"),
    "ingress": (PRODUCTION, CANARY, "06-ingress/services.yaml", "06-ingress/ingress.yaml"),
    "weights": (
        PRODUCTION,
        CANARY,
        *(f"07-weights/{name}.yaml" for name in ("services", "ingress", "canary")),
    ),
    "gateway": (
        PRODUCTION,
        CANARY,
        "06-ingress/services.yaml",
        "08-gateway-api/httproute.yaml",
    ),
}
"""The manifests that are applied before each diagram."""
_POD_NAMES = ("4xk2p", "b9c7d", "wz5hs")


def main(folder: Path = PICTURES) -> None:
    """Draw every diagram into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in DIAGRAMS:
        diagram(name).save(folder / f"diagram-{name}.svg")


def diagram(name: str) -> Diagram:
    """One of the diagrams."""
    files = [ROOT / "manifests" / each for each in DIAGRAMS[name]]
    return draw_diagram(content([each for file in files for each in load(file)]))


def content(objects: Sequence[Object]) -> DiagramContent:
    """The cluster to which these objects have been applied."""
    of_kind = {kind: [each for each in objects if each["kind"] == kind] for kind in _KINDS}
    groups = [_group(each) for each in of_kind["Deployment"]]
    for each in of_kind["Ingress"]:
        each["metadata"].setdefault("namespace", "default")
    return DiagramContent(
        groups,
        [_service(each, groups) for each in of_kind["Service"]],
        [
            *ingress.diagram_routes(of_kind["Ingress"]),
            *httproute.diagram_routes(of_kind["HTTPRoute"]),
        ],
    )


_KINDS = ("Deployment", "Service", "Ingress", "HTTPRoute")


def _group(deployment: Object) -> PodGroup:
    name, spec = deployment["metadata"]["name"], deployment["spec"]
    template = spec["template"]
    version = version_of(template["spec"]["containers"][0]["image"])
    pods = [DiagramPod(f"{name}-{end}", version) for end in _POD_NAMES[: spec["replicas"]]]
    return PodGroup(name, template["metadata"]["labels"], pods)


def _service(service: Object, groups: Sequence[PodGroup]) -> DiagramService:
    port = service["spec"]["ports"][0]
    found = DiagramService(
        service["metadata"]["name"], service["spec"]["selector"], node_port=port.get("nodePort")
    )
    ready = {pod.name for group in groups if selects(found, group) for pod in group.pods}
    return found._replace(ready_pods=frozenset(ready))


if __name__ == "__main__":
    main()
