"""Which Ingresses are ours to serve?

An IngressClass says by its controller whose it is. An Ingress names its class in the spec, or in
the old annotation. The API server writes the default class, if there is one, into the spec of an
Ingress that names none; one that still has none is nobody's.
https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/
"""

from __future__ import annotations

from collections.abc import Iterable

from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import is_terminating

CLASS = "nginx"
CONTROLLER = "k8s.io/ingress-nginx"
OLD_ANNOTATION = "kubernetes.io/ingress.class"


def ours(ingresses: Iterable[Object], classes: Iterable[Object]) -> list[Object]:
    """Those of a class of ours that are not on their way out."""
    names = {
        entry["metadata"]["name"]
        for entry in classes
        if entry["spec"].get("controller") == CONTROLLER
    }
    return [
        ingress for ingress in ingresses if _is_ours(ingress, names) and not is_terminating(ingress)
    ]


def _is_ours(ingress: Object, names: set[str]) -> bool:
    named = ingress["spec"].get("ingressClassName")
    if named is not None:
        return named in names
    annotations = ingress["metadata"].get("annotations") or {}
    return bool(annotations.get(OLD_ANNOTATION) == CLASS)
