"""What does the server fill in that nobody asked for?

Defaults, which follow from the object alone, are in `defaults.py`. Here stands what a new object
of its kind begins with, and what only a running cluster can know. The addresses and ports of
Services are in `allocation.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from canarylab.errors import Cause, ForbiddenError, NotFoundError
from canarylab.playground.apiserver.rules.defaults import with_defaults
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS, Kind
from canarylab.playground.kube.objects import is_terminating, timestamp

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT_CLASS_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
EVENTS_KEPT = timedelta(hours=1)


def as_new(obj: Object) -> Object:
    """With the status, and a namespace with the finalizer, that every new one has."""
    kind = KINDS[obj["kind"]]
    if obj["kind"] == "Namespace":
        obj = {**obj, "spec": {"finalizers": ["kubernetes"]}}
    if kind.is_custom:
        return with_defaults({name: obj[name] for name in obj if name != "status"})
    if not kind.has_status or (obj["kind"] == "Node" and "status" in obj):
        return obj  # a node says itself how it is, from the beginning
    return {**obj, "status": _first_status(obj)}


def check_namespace(namespace: Object | None, kind: Kind, meta: Object) -> None:
    """Raise NotFoundError or ForbiddenError unless new objects may be made in this namespace."""
    named = str(meta.get("namespace", ""))
    if namespace is None:
        raise NotFoundError("namespaces", "", named)
    if is_terminating(namespace):
        raise ForbiddenError(
            kind.plural,
            kind.group,
            meta.get("name", ""),
            f"unable to create new content in namespace {named} because it is being terminated",
            (
                Cause(
                    "NamespaceTerminating",
                    "metadata.namespace",
                    f"namespace {named} is being terminated",
                ),
            ),
        )


def in_class(ingress: Object, classes: Iterable[Object]) -> Object:
    """An Ingress, in the default class if it names none; raise ForbiddenError if there are two."""
    spec, meta = ingress.get("spec", {}), ingress["metadata"]
    if "ingressClassName" in spec or CLASS_ANNOTATION in meta.get("annotations", {}):
        return ingress
    names = [found["metadata"]["name"] for found in classes if is_default_class(found)]
    if not names:
        return ingress
    if len(names) > 1:
        kind, found = KINDS["Ingress"], len(names)
        why = f"Internal error occurred: {found} default IngressClasses were found, only 1 allowed"
        raise ForbiddenError(kind.plural, kind.group, meta.get("name", ""), why)
    return {**ingress, "spec": {**spec, "ingressClassName": names[0]}}


def is_default_class(ingress_class: Object) -> bool:
    """Is it the class of every Ingress that names none?"""
    annotations = ingress_class["metadata"].get("annotations", {})
    return bool(annotations.get(DEFAULT_CLASS_ANNOTATION) == "true")


def forgettable(events: Iterable[Object], now: datetime) -> list[Object]:
    """Events old enough to be forgotten."""
    oldest = timestamp(now - EVENTS_KEPT)
    return [event for event in events if _last_seen(event) < oldest]


def quality_of_service(spec: Object) -> str:
    """Which pods would be sacrificed first if memory ran out.

    >>> quality_of_service({"containers": [{"name": "nodeapp", "resources": {}}]})
    'BestEffort'
    """
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    resources = [container.get("resources") or {} for container in containers]
    if not any(entry.get("limits") or entry.get("requests") for entry in resources):
        return "BestEffort"
    return "Guaranteed" if all(map(_is_exact, resources)) else "Burstable"


def _is_exact(resources: Object) -> bool:
    limits = resources.get("limits") or {}
    asked = {**limits, **(resources.get("requests") or {})}
    return {"cpu", "memory"} <= limits.keys() and all(
        asked[name] == limits[name] for name in ("cpu", "memory")
    )


def _first_status(obj: Object) -> Object:
    match obj["kind"]:
        case "Pod":
            return {"phase": "Pending", "qosClass": quality_of_service(obj.get("spec") or {})}
        case "Namespace":
            return {"phase": "Active"}
        case "Service" | "Ingress":
            return {"loadBalancer": {}}
        case "ReplicaSet":
            return {"replicas": 0}
        case _:
            return {}


def _last_seen(event: Object) -> str:
    return str(event.get("lastTimestamp") or event["metadata"]["creationTimestamp"])
