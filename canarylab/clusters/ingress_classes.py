"""Which class do the Ingresses of the lessons name on a cluster that others run?

Their class is `nginx`, and their annotations are those of ingress-nginx. A cluster may have
another controller, and then its class is taken; what it makes of the annotations is its affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from canarylab.clusters.base import Object

NGINX = "nginx"
RETIRED = (
    "By its labels, the IngressClass nginx here is that of ingress-nginx. This has been retired "
    "since March 2026: it still works, and gets no more repairs."
)
_IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_BROUGHT_BY = "app.kubernetes.io/name"  # a label that ingress-nginx gives its class


class Choice(NamedTuple):
    """A class, and what there is to say of it."""

    name: str = NGINX
    notes: tuple[str, ...] = ()


def choose(classes: Sequence[Object] | None) -> Choice:
    """`nginx` if it is there, else the default class or the only one.

    None for `classes` is that nobody may look; then `nginx` is tried.

    >>> choose([{"metadata": {"name": "traefik"}, "spec": {"controller": "c"}}]).name
    'traefik'
    """
    if classes is None:
        return Choice()
    if found := named_nginx(classes):
        return Choice(notes=about(found))
    if not classes:
        return Choice(notes=(_nobody(),))
    defaults = [each for each in classes if _is_default(each)]
    first, *others = defaults or classes
    return Choice(notes=(_undecided(classes),)) if others else _other(first)


def named_nginx(classes: Sequence[Object]) -> Object | None:
    """The class of that name, whoever serves it."""
    return next((each for each in classes if each["metadata"]["name"] == NGINX), None)


def about(ingress_class: Object) -> tuple[str, ...]:
    """What there is to say where the class comes from ingress-nginx."""
    labels = ingress_class["metadata"].get("labels") or {}
    return (RETIRED,) if labels.get(_BROUGHT_BY) == "ingress-nginx" else ()


def _other(found: Object) -> Choice:
    name, controller = found["metadata"]["name"], found["spec"].get("controller", "unknown")
    note = (
        f"There is no IngressClass nginx here, so Ingresses take the class {name}. "
        f"Its controller, {controller}, may not understand the annotations of ingress-nginx."
    )
    return Choice(name, (note,))


def _nobody() -> str:
    return (
        "There is no IngressClass here, so nobody may be serving Ingresses. "
        "Ask whoever runs the cluster for an ingress controller."
    )


def _undecided(classes: Sequence[Object]) -> str:
    names = ", ".join(sorted(each["metadata"]["name"] for each in classes))
    return (
        f"There is no IngressClass nginx here, and no one default among {names}. "
        "Name the right one in the manifest, as spec.ingressClassName."
    )


def _is_default(ingress_class: Object) -> bool:
    annotations = ingress_class["metadata"].get("annotations") or {}
    return bool(annotations.get(_IS_DEFAULT) == "true")
