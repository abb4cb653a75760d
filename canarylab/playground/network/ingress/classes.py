"""Which Ingresses are ours to serve?

An IngressClass says by its controller whose it is. An Ingress names its class in the spec; the old
annotation still works; one that names none belongs to the default class, if there is one. Rules:
https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/
"""

from __future__ import annotations

from collections.abc import Iterable

from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import is_terminating

CLASS = "nginx"
CONTROLLER = "k8s.io/ingress-nginx"
OLD_ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"


def ours(ingresses: Iterable[Object], classes: Iterable[Object]) -> list[Object]:
    """Those of a class of ours that are not on their way out."""
    own = [entry for entry in classes if entry["spec"].get("controller") == CONTROLLER]
    names = {entry["metadata"]["name"] for entry in own}
    takes_classless = any(_is_default(entry) for entry in own)
    return [
        ingress
        for ingress in ingresses
        if _is_ours(ingress, names, takes_classless=takes_classless) and not is_terminating(ingress)
    ]


def ingress_class() -> Object:
    """The class that is there from the start, as a controller's own manifest brings it."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": CLASS},
        "spec": {"controller": CONTROLLER},
    }


def _is_ours(ingress: Object, names: set[str], *, takes_classless: bool) -> bool:
    named = ingress["spec"].get("ingressClassName")
    if named is not None:
        return named in names
    annotated = (ingress["metadata"].get("annotations") or {}).get(OLD_ANNOTATION)
    if annotated is not None:
        return bool(annotated == CLASS)
    return takes_classless


def _is_default(entry: Object) -> bool:
    annotations = entry["metadata"].get("annotations") or {}
    return bool(annotations.get(DEFAULT_ANNOTATION) == "true")
