"""Admission: the initial status of objects, default classes, warnings, and omitted zeros.

Defaults that follow from the object alone are in `defaults.py`, addresses and ports of Services in
`allocation.py`. Counts that are zero are omitted where Go's type says `omitempty`, so that Python's
client reads None for them, as on a real cluster; `decode.py` does so for all that comes over HTTP,
`omitempty` for what controllers write.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from canarylab.errors import Cause, ForbiddenError, NotFoundError
from canarylab.kube_objects import Object, is_default_class, is_terminating, timestamp
from canarylab.playground.apiserver.defaults import with_defaults
from canarylab.playground.apiserver.schema.builtin import PLAIN_VALUES
from canarylab.playground.kube.kinds import KINDS, Kind

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
EVENT_TTL = timedelta(hours=1)


def with_initial_status(obj: Object) -> Object:
    """A new object with its initial status; a namespace with its finalizer, too."""
    kind = KINDS[obj["kind"]]
    if obj["kind"] == "Namespace":
        obj = {**obj, "spec": {"finalizers": ["kubernetes"]}}
    if kind.is_custom:
        return with_defaults({name: obj[name] for name in obj if name != "status"})
    if not kind.has_status or (obj["kind"] == "Node" and "status" in obj):
        return obj  # the kubelet creates its node with a status
    return {**obj, "status": _initial_status(obj)}


def check_namespace(namespace: Object | None, kind: Kind, meta: Object) -> None:
    """Raise NotFoundError or ForbiddenError if no object may be created in this namespace."""
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


def with_default_class(ingress: Object, classes: Iterable[Object]) -> Object:
    """The Ingress with the default class, if it names none.

    Raise ForbiddenError if there are several default classes.
    """
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


def expired_events(events: Iterable[Object], now: datetime) -> list[Object]:
    """The events older than an hour."""
    oldest = timestamp(now - EVENT_TTL)
    return [event for event in events if _last_timestamp(event) < oldest]


def qos_class(spec: Object) -> str:
    """The quality of service of a pod.

    >>> qos_class({"containers": [{"name": "nodeapp", "resources": {}}]})
    'BestEffort'
    """
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    resources = [container.get("resources") or {} for container in containers]
    if not any(entry.get("limits") or entry.get("requests") for entry in resources):
        return "BestEffort"
    return "Guaranteed" if all(map(_is_guaranteed, resources)) else "Burstable"


def _is_guaranteed(resources: Object) -> bool:
    limits = resources.get("limits") or {}
    requests = {**limits, **(resources.get("requests") or {})}
    return {"cpu", "memory"} <= limits.keys() and all(
        requests[name] == limits[name] for name in ("cpu", "memory")
    )


def _initial_status(obj: Object) -> Object:
    match obj["kind"]:
        case "Pod":
            return {"phase": "Pending", "qosClass": qos_class(obj.get("spec") or {})}
        case "Namespace":
            return {"phase": "Active"}
        case "Service" | "Ingress":
            return {"loadBalancer": {}}
        case "ReplicaSet":
            return {"replicas": 0}
        case _:
            return {}


def _last_timestamp(event: Object) -> str:
    return str(event.get("lastTimestamp") or event["metadata"]["creationTimestamp"])


def creation_warnings(obj: Object) -> list[str]:
    """The warnings for the creator of an object."""
    annotations = obj["metadata"].get("annotations", {})
    if obj["kind"] != "Ingress" or CLASS_ANNOTATION not in annotations:
        return []
    if "ingressClassName" in obj["spec"]:
        return []
    return [
        f'annotation "{CLASS_ANNOTATION}" is deprecated, '
        "please use 'spec.ingressClassName' instead"
    ]


def omitempty(obj: Object) -> Object:
    """The object without the zeros that Kubernetes does not write.

    >>> omitempty({"kind": "Deployment", "status": {"replicas": 3, "readyReplicas": 0}})
    {'kind': 'Deployment', 'status': {'replicas': 3}}
    """
    for part, structure in (("spec", "Spec"), ("status", "Status")):
        if isinstance(obj.get(part), dict):  # a custom kind may still have anything there
            obj = {**obj, part: _omit_zeros(obj[part], f"{obj['kind']}{structure}")}
    return obj


def _omit_zeros(part: Object, structure: str) -> Object:
    return {
        name: value
        for name, value in part.items()
        if value or f"{structure}.{name}" not in PLAIN_VALUES
    }
