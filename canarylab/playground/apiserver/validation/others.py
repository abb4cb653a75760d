"""Are these in order: ConfigMaps, endpoints, namespaces, nodes, events?"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    each,
    forbidden,
    invalid,
    one_of,
    required,
    too_long,
    unchanged,
)
from canarylab.playground.apiserver.validation import metadata, names
from canarylab.playground.apiserver.validation.containers import PROTOCOLS
from canarylab.playground.kube.api import Object

CONFIG_LIMIT = 1024 * 1024  # bytes, all values of one ConfigMap together
_FROZEN = "field is immutable when `immutable` is set"


def of_config_map(config_map: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with a ConfigMap, or with a change of it."""
    yield from metadata.of_object(config_map["metadata"], names.subdomain, namespaced=True)
    texts, bytes_ = config_map.get("data", {}), config_map.get("binaryData", {})
    for section, entries in (("data", texts), ("binaryData", bytes_)):
        for key in sorted(entries):
            yield from each(f"{section}[{key}]", key, names.config_key(key))
    for key in sorted(texts.keys() & bytes_.keys()):
        yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    if sum(len(value.encode()) for value in texts.values()) > CONFIG_LIMIT:
        yield too_long("", CONFIG_LIMIT)
    if old is not None and old.get("immutable"):
        yield from _frozen(config_map, old)


def of_namespace(namespace: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with a namespace."""
    yield from metadata.of_object(namespace["metadata"], names.label, namespaced=False)


def of_node(node: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with a node."""
    yield from metadata.of_object(node["metadata"], names.subdomain, namespaced=False)


def of_event(event: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with an event; it lives where the object lives that it is about."""
    yield from metadata.of_object(event["metadata"], names.subdomain, namespaced=True)
    about = event.get("involvedObject", {}).get("namespace", "")
    here = event["metadata"].get("namespace", "")
    if about and here and about != here:
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")


def of_endpoints(endpoints: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with Endpoints."""
    yield from metadata.of_object(endpoints["metadata"], names.subdomain, namespaced=True)
    for index, subset in enumerate(endpoints.get("subsets", [])):
        here = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            yield required(here, "must specify `addresses` or `notReadyAddresses`")
        for group in ("addresses", "notReadyAddresses"):
            for number, entry in enumerate(subset.get(group, [])):
                yield from _address(f"{here}.{group}[{number}].ip", entry.get("ip", ""))
        yield from _ports(f"{here}.ports", subset.get("ports", []))


def of_endpoint_slice(piece: Object, old: Object | None) -> Iterator[Cause]:
    """What is wrong with an EndpointSlice, or with a change of it."""
    yield from metadata.of_object(piece["metadata"], names.subdomain, namespaced=True)
    family = piece.get("addressType", "")
    yield from one_of("addressType", family, ("FQDN", "IPv4", "IPv6"))
    for index, endpoint in enumerate(piece.get("endpoints", [])):
        here = f"endpoints[{index}].addresses"
        if not endpoint.get("addresses"):
            yield required(here, "must contain at least 1 address")
        for number, address in enumerate(endpoint.get("addresses", [])):
            if family.startswith("IP"):
                yield from _address(f"{here}[{number}]", address)
    yield from _ports("ports", piece.get("ports", []))
    if old is not None:
        yield from unchanged("addressType", family, old.get("addressType"))


def _frozen(config_map: Object, old: Object) -> Iterator[Cause]:
    for field in ("immutable", "data", "binaryData"):
        if config_map.get(field) != old.get(field):
            yield forbidden(field, _FROZEN)


def _address(field: str, text: str) -> Iterator[Cause]:
    try:
        ip_address(text)
    except ValueError:
        yield invalid(field, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")


def _ports(field: str, ports: list[Object]) -> Iterator[Cause]:
    for index, port in enumerate(ports):
        here, number = f"{field}[{index}]", port.get("port")
        if number is not None:
            yield from each(f"{here}.port", number, names.port_number(number))
        yield from one_of(f"{here}.protocol", port.get("protocol", ""), PROTOCOLS)
