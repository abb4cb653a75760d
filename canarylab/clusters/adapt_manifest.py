"""Changes to a manifest for a cluster that somebody else runs.

A node port of our own choice could be taken there, so the API chooses one; if the namespace may
have no node ports, the Service gets a cluster IP only. Our images get the name of the registry
that they were pushed to. Ingresses name the class `nginx` if it exists, else the class that the
cluster has; its controller may not understand the annotations of ingress-nginx.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from canarylab.clusters.base import AdaptedManifest
from canarylab.images.builder import APP_NAME
from canarylab.kube_objects import Object, is_default_class

NGINX = "nginx"
RETIRED = (
    "By its labels, the IngressClass nginx here is that of ingress-nginx. This has been retired "
    "since March 2026: it still works, and gets no more repairs."
)
_APP_NAME = "app.kubernetes.io/name"  # a label that ingress-nginx gives its class


class ClusterLimits(NamedTuple):
    """What a cluster has and allows, as far as manifests depend on it."""

    registry: str | None = None
    allows_node_ports: bool = True
    ingress_class: str = NGINX


class ChosenClass(NamedTuple):
    """The IngressClass to name, and what a learner should know about it."""

    name: str = NGINX
    notes: tuple[str, ...] = ()


def adapt_manifest(manifest: Object, limits: ClusterLimits) -> AdaptedManifest:
    """The manifest as the cluster accepts it, and what had to be changed.

    >>> spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 32089}]}
    >>> adapted = adapt_manifest({"kind": "Service", "spec": spec}, ClusterLimits())
    >>> adapted.object["spec"]["ports"], adapted.notes
    ([{'port': 80}], ('the API chooses the node port, in place of 32089',))
    """
    adapted = copy.deepcopy(manifest)
    notes = [
        *_drop_node_ports(adapted, limits),
        *_use_registry(adapted, limits),
        *_use_ingress_class(adapted, limits),
    ]
    return AdaptedManifest(adapted, tuple(notes))


def registry_reference(reference: str, registry: str | None) -> str:
    """The name of an image of ours in the registry; other images keep their names.

    >>> registry_reference("node_app:1.0", "registry.example/team")
    'registry.example/team/node_app:1.0'
    >>> registry_reference("nginx:1", "registry.example")
    'nginx:1'
    """
    is_ours = reference.partition(":")[0] == APP_NAME
    return f"{registry.rstrip('/')}/{reference}" if registry and is_ours else reference


def choose_ingress_class(classes: Sequence[Object] | None) -> ChosenClass:
    """`nginx` if it exists, else the default class or the only one.

    None for `classes` means that they may not be listed; then `nginx` is tried.

    >>> found = {"metadata": {"name": "traefik"}, "spec": {"controller": "c"}}
    >>> choose_ingress_class([found]).name
    'traefik'
    """
    if classes is None:
        return ChosenClass()
    if found := nginx_class(classes):
        return ChosenClass(notes=retirement_note(found))
    if not classes:
        note = (
            "There is no IngressClass here, so Ingresses may not be served. "
            "Ask whoever runs the cluster for an ingress controller."
        )
        return ChosenClass(notes=(note,))
    first, *others = [each for each in classes if is_default_class(each)] or classes
    if others:
        names = ", ".join(sorted(each["metadata"]["name"] for each in classes))
        note = (
            f"There is no IngressClass nginx here, and no one default among {names}. "
            "Name the right one in the manifest, as spec.ingressClassName."
        )
        return ChosenClass(notes=(note,))
    name, controller = first["metadata"]["name"], first["spec"].get("controller", "unknown")
    note = (
        f"There is no IngressClass nginx here, so Ingresses take the class {name}. "
        f"Its controller, {controller}, may not understand the annotations of ingress-nginx."
    )
    return ChosenClass(name, (note,))


def nginx_class(classes: Sequence[Object]) -> Object | None:
    """The class `nginx`, whatever its controller is."""
    return next((each for each in classes if each["metadata"]["name"] == NGINX), None)


def retirement_note(ingress_class: Object) -> tuple[str, ...]:
    """A note if the class comes from ingress-nginx."""
    labels = ingress_class["metadata"].get("labels") or {}
    return (RETIRED,) if labels.get(_APP_NAME) == "ingress-nginx" else ()


def _drop_node_ports(adapted: Object, limits: ClusterLimits) -> Iterator[str]:
    spec = adapted.get("spec")
    if adapted.get("kind") != "Service" or not isinstance(spec, dict):
        return
    numbers = [str(port.pop("nodePort")) for port in spec.get("ports") or [] if "nodePort" in port]
    if spec.get("type") == "NodePort" and not limits.allows_node_ports:
        spec["type"] = "ClusterIP"
        yield "type ClusterIP in place of NodePort, since this namespace may have no node ports"
    elif numbers:
        yield f"the API chooses the node port, in place of {', '.join(numbers)}"


def _use_registry(adapted: Object, limits: ClusterLimits) -> Iterator[str]:
    for container in _containers(adapted):
        image = container.get("image")
        if (
            isinstance(image, str)
            and (named := registry_reference(image, limits.registry)) != image
        ):
            container["image"] = named
            yield f"image {named} in place of {image}"


def _use_ingress_class(adapted: Object, limits: ClusterLimits) -> Iterator[str]:
    spec = adapted.get("spec")
    if adapted.get("kind") != "Ingress" or not isinstance(spec, dict):
        return
    if spec.get("ingressClassName") == NGINX != limits.ingress_class:
        spec["ingressClassName"] = limits.ingress_class
        yield f"class {limits.ingress_class} in place of {NGINX}, which is not here"


def _containers(adapted: Object) -> list[Object]:
    found: object = adapted
    for step in ("spec", "template", "spec", "containers"):
        found = found.get(step) if isinstance(found, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
