"""Readers of Kubernetes objects, which are plain dicts as the API returns them.

Keys, owners, conditions, times and endpoints, for the playground and for the rules of Ingresses,
which know nothing of the playground.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

Object = dict[str, Any]
"""A Kubernetes object as the API returns it: plain JSON, never wrapped."""
SERVICE_LABEL = "kubernetes.io/service-name"
"""The label of an EndpointSlice with the name of its Service."""
REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
INGRESS_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
"""The annotation that named the class of an Ingress before `ingressClassName`; still supported."""
DEFAULT_CLASS_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
DEFAULT_AFFINITY_S = 10_800
"""How long a ClientIP affinity lasts if the Service names no time, in seconds."""
DEFAULT_GRACE_PERIOD_S = 30
"""Grace period of a pod that names none, in seconds."""
FINISHED_PHASES = ("Succeeded", "Failed")
SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of generated names: without vowels, so that none is a word."""
Now = Callable[[], datetime]
"""Returns the current time; a test can pass its own."""
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


class Key(NamedTuple):
    """Namespace and name of an object. The namespace of a Node or a Namespace is empty."""

    namespace: str
    name: str


class Address(NamedTuple):
    """A host and a port, of a listener or of an endpoint."""

    host: str
    port: int


class EndpointAddresses(NamedTuple):
    """The addresses behind one port of a Service, by their conditions."""

    ready: frozenset[Address]
    terminating: frozenset[Address]
    """Not ready any more, but still serving."""


def key_of(obj: Object) -> Key:
    """Return the object's namespace and name."""
    meta = obj["metadata"]
    return Key(meta.get("namespace", ""), meta["name"])


def is_terminating(obj: Object) -> bool:
    """Whether its deletion has been requested."""
    return "deletionTimestamp" in obj["metadata"]


def slices_by_service(slices: Iterable[Object]) -> dict[Key, list[Object]]:
    """The EndpointSlices of each Service that has any."""
    by_service: dict[Key, list[Object]] = defaultdict(list)
    for entry in slices:
        name = entry["metadata"].get("labels", {}).get(SERVICE_LABEL)
        if name:
            by_service[Key(key_of(entry).namespace, name)].append(entry)
    return by_service


def endpoint_addresses(slices: Iterable[Object], service_port: Object) -> EndpointAddresses:
    """The addresses behind a port of a Service, from the slices of that Service."""
    ready: set[Address] = set()
    terminating: set[Address] = set()
    for entry in slices:
        numbers = [
            port["port"]
            for port in entry.get("ports") or []
            if "port" in port and port.get("name", "") == service_port.get("name", "")
        ]
        for endpoint in entry.get("endpoints") or []:
            found = {Address(host, port) for host in endpoint["addresses"] for port in numbers}
            conditions = endpoint.get("conditions", {})
            if conditions.get("ready", True):
                ready |= found
            elif conditions.get("serving") and conditions.get("terminating"):
                terminating |= found
    return EndpointAddresses(frozenset(ready), frozenset(terminating))


class EndpointIndex:
    """The ports of all Services at one moment, and their ready endpoints."""

    def __init__(self, services: Iterable[Object], slices: Iterable[Object]) -> None:
        self._services = {key_of(service): service for service in services}
        self._slices = slices_by_service(slices)

    def has_service(self, service: Key) -> bool:
        """Whether the Service exists."""
        return service in self._services

    def ports(self, service: Key) -> list[Object]:
        """The ports of a Service; none if it does not exist."""
        found = self._services.get(service)
        return (found["spec"].get("ports") or []) if found else []

    def of_port(self, service: Key, number: int) -> tuple[Address, ...] | None:
        """The ready endpoints of a port by its number; None if there is no such port."""
        for port in self.ports(service):
            if port["port"] == number:
                return self.ready(service, port)
        return None

    def ready(self, service: Key, port: Object) -> tuple[Address, ...]:
        """The ready endpoints of one of the Service's ports, in order; none that terminates."""
        return tuple(sorted(endpoint_addresses(self._slices.get(service, ()), port).ready))


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


def is_finished(pod: Object) -> bool:
    """Whether its phase says that all its containers have terminated for good."""
    return (pod.get("status") or {}).get("phase") in FINISHED_PHASES


def is_sidecar(init_container: Object) -> bool:
    """Whether an init container is restarted always, and so runs beside the containers."""
    return init_container.get("restartPolicy") == "Always"


def is_ready(obj: Object) -> bool:
    """Whether the condition Ready of a pod or a node is True."""
    ready = find_condition(obj, "Ready")
    return ready is not None and ready.get("status") == "True"


def find_condition(obj: Object, type: str) -> Object | None:
    """Return the condition of this type in the object's status."""
    return find_condition_in((obj.get("status") or {}).get("conditions") or [], type)


def find_condition_in(conditions: Sequence[Object], type: str) -> Object | None:
    """Return the condition of this type."""
    return next((entry for entry in conditions if entry["type"] == type), None)


def last_transition_time(before: Object | None, status: str, now: datetime) -> str:
    """Return a condition's lastTransitionTime, which changes only with its status.

    >>> before = {"status": "True", "lastTransitionTime": "2026-11-22T21:42:09Z"}
    >>> last_transition_time(before, "True", datetime(2026, 12, 1, tzinfo=UTC))
    '2026-11-22T21:42:09Z'
    """
    if before is not None and before.get("status") == status and "lastTransitionTime" in before:
        return str(before["lastTransitionTime"])
    return timestamp(now)


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


def parse_integer(text: str) -> int | None:
    """Parse an integer of at most 64 bits, as Go does; None if it is another text.

    A text of a client may have any length, and Python refuses one of 4,300 digits.

    >>> parse_integer("-17"), parse_integer("9" * 5_000), parse_integer("²")
    (-17, None, None)
    """
    number = int(text) if _INTEGER.fullmatch(text) else None
    return None if number is None or not -(2**63) <= number < 2**63 else number


class StatusCondition(NamedTuple):
    """A condition without its times."""

    type: str
    status: str
    reason: str
    message: str


def remove_condition(conditions: Sequence[Object], type: str) -> list[Object]:
    """Return the conditions of the other types."""
    return [entry for entry in conditions if entry["type"] != type]


def set_condition(
    conditions: Sequence[Object], condition: StatusCondition, now: datetime
) -> list[Object]:
    """Return the conditions with this one, unless it has this status and reason already."""
    before = find_condition_in(conditions, condition.type)
    is_same = before and (before.get("status"), before.get("reason")) == (
        condition.status,
        condition.reason,
    )
    if is_same:
        return list(conditions)
    return refresh_condition(conditions, condition, now)


def refresh_condition(
    conditions: Sequence[Object], condition: StatusCondition, now: datetime
) -> list[Object]:
    """Return the conditions with this one, updated now even if it is the same as before."""
    before = find_condition_in(conditions, condition.type)
    entry = {
        "type": condition.type,
        "status": condition.status,
        "lastTransitionTime": last_transition_time(before, condition.status, now),
        "reason": condition.reason,
        "message": condition.message,
    }
    return [*remove_condition(conditions, condition.type), entry]
