"""Kubernetes objects as the API returns them, plain dicts: their identity and their endpoints.

Read by the playground and by the rules of Ingresses, which know nothing of the playground.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

Object = dict[str, Any]
"""A Kubernetes object as the API returns it: plain JSON, never wrapped."""

SERVICE_LABEL = "kubernetes.io/service-name"


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
            if port.get("name", "") == service_port.get("name", "")
        ]
        for endpoint in entry.get("endpoints") or []:
            found = {Address(host, port) for host in endpoint["addresses"] for port in numbers}
            conditions = endpoint.get("conditions", {})
            if conditions.get("ready", True):
                ready |= found
            elif conditions.get("serving") and conditions.get("terminating"):
                terminating |= found
    return EndpointAddresses(frozenset(ready), frozenset(terminating))
