"""Changes to a manifest for a cluster that other people share or run.

A fixed node port could be in use there, so the API server chooses one; if the namespace may not
have node ports, the Service gets a cluster IP only. The app's images get the name that they have
in the registry. An Ingress gets the class `nginx` if the cluster has it, otherwise the class that
the cluster has; the controller of that class may not support the annotations of ingress-nginx.
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
    "The IngressClass nginx of this cluster has the labels of ingress-nginx. That controller was "
    "retired in March 2026: it still works, but its mistakes are no longer corrected."
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
    ([{'port': 80}], ('the cluster chooses the node port, because 32089 could be in use',))
    """
    adapted = copy.deepcopy(manifest)
    notes = [
        *_drop_node_ports(adapted, limits),
        *_use_registry(adapted, limits),
        *_use_ingress_class(adapted, limits),
    ]
    return AdaptedManifest(adapted, tuple(notes))


def registry_reference(reference: str, registry: str | None) -> str:
    """The name of one of the app's images in the registry; other images keep their names.

    >>> registry_reference("node_app:1.0", "registry.example/team")
    'registry.example/team/node_app:1.0'
    >>> registry_reference("nginx:1", "registry.example")
    'nginx:1'
    """
    is_ours = reference.partition(":")[0] == APP_NAME
    return f"{registry.rstrip('/')}/{reference}" if registry and is_ours else reference


def choose_ingress_class(classes: Sequence[Object] | None) -> ChosenClass:
    """`nginx` if the cluster has it, otherwise the default class or the only one.

    `classes` is None if the user may not list them; then the choice is `nginx`.

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
            "This cluster has no IngressClass, so it may have no controller that serves Ingresses. "
            "Ask the people who run it for an ingress controller."
        )
        return ChosenClass(notes=(note,))
    first, *others = [each for each in classes if is_default_class(each)] or classes
    if others:
        names = ", ".join(sorted(each["metadata"]["name"] for each in classes))
        note = (
            f"This cluster has no IngressClass nginx, and not exactly one default among {names}. "
            "Write the right one in the manifest, as spec.ingressClassName."
        )
        return ChosenClass(notes=(note,))
    name, controller = first["metadata"]["name"], first["spec"].get("controller", "unknown")
    note = (
        f"This cluster has no IngressClass nginx, so Ingresses get the class {name}. "
        f"Its controller, {controller}, may not support the annotations of ingress-nginx."
    )
    return ChosenClass(name, (note,))


def nginx_class(classes: Sequence[Object]) -> Object | None:
    """The class `nginx`, of any controller."""
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
        yield "type ClusterIP instead of NodePort, because this namespace may not have node ports"
    elif numbers:
        yield f"the cluster chooses the node port, because {', '.join(numbers)} could be in use"


def _use_registry(adapted: Object, limits: ClusterLimits) -> Iterator[str]:
    for container in _containers(adapted):
        image = container.get("image")
        if (
            isinstance(image, str)
            and (named := registry_reference(image, limits.registry)) != image
        ):
            container["image"] = named
            yield f"image {named} instead of {image}"


def _use_ingress_class(adapted: Object, limits: ClusterLimits) -> Iterator[str]:
    spec = adapted.get("spec")
    if adapted.get("kind") != "Ingress" or not isinstance(spec, dict):
        return
    if spec.get("ingressClassName") == NGINX != limits.ingress_class:
        spec["ingressClassName"] = limits.ingress_class
        yield f"class {limits.ingress_class} instead of {NGINX}, which this cluster does not have"


def _containers(adapted: Object) -> list[Object]:
    found: object = adapted
    for step in ("spec", "template", "spec", "containers"):
        found = found.get(step) if isinstance(found, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
