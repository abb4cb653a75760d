"""How does a manifest have to look for a guest of somebody's cluster?

A port number of our own choice could be taken on a cluster shared with others, so the API chooses;
where a guest may have no node port at all, the Service does without. Our images carry the name of
the registry they were pushed to, and our Ingresses the class that is there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import NamedTuple

from canarylab.clusters.base import Fitted, Object
from canarylab.clusters.ingress_classes import NGINX
from canarylab.images.builder import registry_reference


class Guest(NamedTuple):
    """What decides how a manifest looks."""

    registry: str | None = None
    has_node_ports: bool = True
    ingress_class: str = NGINX


def fit(wanted: Object, guest: Guest) -> Fitted:
    """The manifest as a guest may apply it, and what had to be changed.

    >>> spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 32089}]}
    >>> fitted = fit({"kind": "Service", "spec": spec}, Guest())
    >>> fitted.object["spec"]["ports"], fitted.notes
    ([{'port': 80}], ('the API chooses the node port, in place of 32089',))
    """
    fitted = copy.deepcopy(wanted)
    notes = [
        *_without_own_ports(fitted, guest),
        *_from_the_registry(fitted, guest),
        *_of_the_class_there(fitted, guest),
    ]
    return Fitted(fitted, tuple(notes))


def _without_own_ports(fitted: Object, guest: Guest) -> Iterator[str]:
    spec = fitted.get("spec")
    if fitted.get("kind") != "Service" or not isinstance(spec, dict):
        return
    numbers = [str(port.pop("nodePort")) for port in spec.get("ports") or [] if "nodePort" in port]
    if spec.get("type") == "NodePort" and not guest.has_node_ports:
        spec["type"] = "ClusterIP"
        yield "type ClusterIP in place of NodePort, since this namespace may have no node ports"
    elif numbers:
        yield f"the API chooses the node port, in place of {', '.join(numbers)}"


def _from_the_registry(fitted: Object, guest: Guest) -> Iterator[str]:
    for container in _containers(fitted):
        image = container.get("image")
        if isinstance(image, str) and registry_reference(image, guest.registry) != image:
            container["image"] = registry_reference(image, guest.registry)
            yield f"image {container['image']} in place of {image}"


def _of_the_class_there(fitted: Object, guest: Guest) -> Iterator[str]:
    spec = fitted.get("spec")
    if fitted.get("kind") != "Ingress" or not isinstance(spec, dict):
        return
    if spec.get("ingressClassName") == NGINX != guest.ingress_class:
        spec["ingressClassName"] = guest.ingress_class
        yield f"class {guest.ingress_class} in place of {NGINX}, which is not here"


def _containers(fitted: Object) -> list[Object]:
    found: object = fitted
    for step in ("spec", "template", "spec", "containers"):
        found = found.get(step) if isinstance(found, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
