"""Who serves Ingresses in the kind cluster?

Nobody, when kind has made it. So the first Ingress brings Traefik, as manifests/kind/traefik.yaml
says; a controller for the class `nginx` that somebody else put there is used as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from canarylab import content
from canarylab.clusters.base import Object
from canarylab.clusters.ingress_classes import named_nginx
from canarylab.manifests import load

_MANAGER = "app.kubernetes.io/managed-by"


def manifest() -> Path:
    """What Traefik is made from."""
    return content.folder("manifests") / "kind" / "traefik.yaml"


def image() -> str:
    """The image that the manifest pins, with its digest."""
    return str(_container(load(manifest()))["image"])


def somebody_elses(classes: Sequence[Object] | None) -> Object | None:
    """The class `nginx`, unless it is ours or not there at all."""
    found = named_nginx(classes or [])
    labels = (found or {}).get("metadata", {}).get("labels") or {}
    return None if labels.get(_MANAGER) == "canarylab" else found


def objects(image: str) -> tuple[Object, ...]:
    """All that has to be there, with this image."""
    wanted = load(manifest())
    _container(wanted)["image"] = image
    return tuple(wanted)


def _container(wanted: Sequence[Object]) -> Object:
    (deployment,) = (each for each in wanted if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    found: Object = container
    return found
