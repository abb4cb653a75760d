"""Readers of Kubernetes objects: keys, owners, conditions, containers, times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from canarylab.errors import BadRequestError
from canarylab.kube_objects import Object
from canarylab.kube_objects import is_terminating as is_terminating  # noqa: PLC0414  re-exported
from canarylab.kube_objects import key_of as key_of  # noqa: PLC0414  re-exported

DEFAULT_CLASS_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"

Clock = Callable[[], datetime]
"""Returns the current time; a test can pass its own."""


def uid_of(obj: Object) -> str:
    """Return the uid, which tells apart objects that had the same name one after the other."""
    return str(obj["metadata"]["uid"])


def controller_of(obj: Object) -> Object | None:
    """Return the ownerReference of the controller that owns this object."""
    for reference in obj["metadata"].get("ownerReferences", []):
        if reference.get("controller"):
            return dict(reference)
    return None


def is_controlled_by(obj: Object, owner: Object) -> bool:
    """Compare by uid: an owner of the same name may be a later one."""
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == uid_of(owner)


def owner_reference(owner: Object) -> Object:
    """Build the ownerReference of an object that `owner` controls."""
    return {
        "apiVersion": owner["apiVersion"],
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": uid_of(owner),
    }


def is_ready(obj: Object) -> bool:
    """Whether the condition Ready of a pod or a node is True."""
    ready = find_condition(obj, "Ready")
    return ready is not None and ready["status"] == "True"


def find_condition(obj: Object, kind: str) -> Object | None:
    """Return the condition of this type in the object's status."""
    for entry in (obj.get("status") or {}).get("conditions") or []:
        if entry["type"] == kind:
            return dict(entry)
    return None


def last_transition_time(before: Object | None, status: str, now: datetime) -> str:
    """Return a condition's lastTransitionTime, which changes only with its status.

    >>> before = {"status": "True", "lastTransitionTime": "2026-11-22T21:42:09Z"}
    >>> last_transition_time(before, "True", datetime(2026, 12, 1, tzinfo=UTC))
    '2026-11-22T21:42:09Z'
    """
    if before is not None and before["status"] == status:
        return str(before["lastTransitionTime"])
    return timestamp(now)


def choose_container(pod: Object, name: str | None) -> str:
    """Return the name of the container meant; a pod's only one needs no name.

    >>> choose_container({"spec": {"containers": [{"name": "nodeapp"}]}}, None)
    'nodeapp'
    """
    spec, pod_name = pod["spec"], pod.get("metadata", {}).get("name", "")
    containers = [str(each["name"]) for each in spec["containers"]]
    init_containers = [str(each["name"]) for each in spec.get("initContainers") or []]
    if name is None and len(containers) == 1:
        return containers[0]
    if name is None:
        choices = f"choose one of: [{' '.join(containers)}]"
        if init_containers:
            choices += f" or one of the init containers: [{' '.join(init_containers)}]"
        raise BadRequestError(f"a container name must be specified for pod {pod_name}, {choices}")
    if name not in containers + init_containers:
        raise BadRequestError(f"container {name} is not valid for pod {pod_name}")
    return name


def is_default_class(ingress_class: Object) -> bool:
    """Whether Ingresses without a class get this one."""
    annotations = ingress_class["metadata"].get("annotations") or {}
    return bool(annotations.get(DEFAULT_CLASS_ANNOTATION) == "true")


def utc_now() -> datetime:
    """Return the current time in UTC, the one zone that Kubernetes writes."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Format a time as the API does: UTC, whole seconds.

    >>> timestamp(datetime(2026, 11, 22, 21, 42, 9, tzinfo=UTC))
    '2026-11-22T21:42:09Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    """Parse a time as the API writes it.

    >>> parse_timestamp("2026-11-22T21:42:09Z").second
    9
    """
    return datetime.fromisoformat(text)
