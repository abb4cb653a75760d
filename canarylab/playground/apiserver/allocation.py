"""Allocation of cluster IPs and node ports to Services.

What is taken is read from the existing Services, so a deleted Service, or one of another type,
needs no release.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from canarylab.errors import Cause, InvalidError, StatusError
from canarylab.kube_objects import Object, key_of
from canarylab.ports import NODE_PORTS

HEADLESS_CLUSTER_IP = "None"
_HEALTH_CHECK_PORT = "healthCheckNodePort"


@dataclass(frozen=True)
class ServiceAllocator:
    """Allocates cluster IPs and node ports."""

    addresses: IPv4Network
    random: random.Random

    def allocate(
        self, service: Object, services: Iterable[Object], old: Object | None = None
    ) -> Object:
        """The Service with address and ports; raise InvalidError if it cannot have them.

        A new one, with no `old`, collides even with one of its own name, as on a real cluster.
        """
        others = [other for other in services if old is None or key_of(other) != key_of(old)]
        addressed = self._with_address(service, others)
        taken = {number for other in others for number in _all_ports(other)}
        complete = self._with_ports(addressed, taken, kept=_node_ports(old) if old else set())
        return self._with_health_check_port(complete, taken | _node_ports(complete), old)

    def _with_address(self, service: Object, others: list[Object]) -> Object:
        spec = service["spec"]
        if not needs_address(service):
            return service
        taken = {other["spec"].get("clusterIP") for other in others}
        address = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or []), None)
        if address is None:
            address = self._free_address(taken)
        elif address != HEADLESS_CLUSTER_IP and (problem := self._address_problem(address, taken)):
            raise _invalid_service(
                service,
                "spec.clusterIPs",
                f'Invalid value: ["{address}"]: failed to allocate IP {address}: {problem}',
            )
        return {**service, "spec": {**spec, "clusterIP": address, "clusterIPs": [address]}}

    def _free_address(self, taken: set[str | None]) -> str:
        first, last = int(self.addresses[1]), int(self.addresses[-2])
        while (address := str(IPv4Address(self.random.randint(first, last)))) in taken:
            pass  # 2,046 addresses and a handful of Services: the second attempt finds one
        return address

    def _address_problem(self, address: str, taken: set[str | None]) -> str | None:
        try:
            is_in_range = IPv4Address(address) in self.addresses
        except ValueError:
            return "not a valid IPv4 address"
        if not is_in_range:
            return (
                f"the provided IP ({address}) is not in the valid range. "
                f"The range of valid IPs is {self.addresses}"
            )
        return "provided IP is already allocated" if address in taken else None

    def _with_ports(self, service: Object, taken: set[int], *, kept: set[int]) -> Object:
        if not needs_node_ports(service):
            return service
        requested = {*_node_ports(service)}
        ports = []
        for index, port in enumerate(service["spec"].get("ports") or []):
            number = port.get("nodePort")
            if number and number not in kept:
                self._check_port(service, index, number, taken=taken)
            elif not number:
                number = self._free_port(taken | requested)
                requested.add(number)
            ports.append({**port, "nodePort": number})
        return {**service, "spec": {**service["spec"], "ports": ports}}

    def _with_health_check_port(
        self, service: Object, taken: set[int], old: Object | None
    ) -> Object:
        if not needs_health_check_port(service):
            return service
        spec = service["spec"]
        number = spec.get(_HEALTH_CHECK_PORT)
        is_new = old is None or number != old["spec"].get(_HEALTH_CHECK_PORT)
        if number and is_new and (problem := _port_problem(number, taken)):
            why = f"failed to allocate requested HealthCheck NodePort {number}: {problem}"
            raise StatusError(500, "InternalError", f"Internal error occurred: {why}")
        allocated = number or self._free_port(taken)
        return {**service, "spec": {**spec, _HEALTH_CHECK_PORT: allocated}}

    def _check_port(self, service: Object, index: int, number: int, *, taken: set[int]) -> None:
        if problem := _port_problem(number, taken):
            raise _invalid_service(
                service, f"spec.ports[{index}].nodePort", f"Invalid value: {number}: {problem}"
            )

    def _free_port(self, taken: set[int]) -> int:
        while True:
            number = self.random.choice(NODE_PORTS)
            if number not in taken:
                return number


def move_address(service: Object, addresses: IPv4Network) -> Object:
    """The Service with its place in another network of the same size, if its address is outside.

    >>> service = {"spec": {"clusterIP": "127.65.24.7", "clusterIPs": ["127.65.24.7"]}}
    >>> move_address(service, IPv4Network("127.65.40.0/21"))["spec"]["clusterIP"]
    '127.65.40.7'
    """
    found = service["spec"].get("clusterIP")
    if found in {None, "", HEADLESS_CLUSTER_IP} or IPv4Address(found) in addresses:
        return service
    moved = str(addresses[int(IPv4Address(found)) % addresses.num_addresses])
    return {**service, "spec": {**service["spec"], "clusterIP": moved, "clusterIPs": [moved]}}


def keep_addresses(service: Object, old: Object) -> Object:
    """The new version with the addresses of the old one that it does not name itself."""
    service = _with_old_address({**service, "spec": service.get("spec", {})}, old)
    kept = old["spec"].get(_HEALTH_CHECK_PORT)
    if kept and needs_health_check_port(service) and not service["spec"].get(_HEALTH_CHECK_PORT):
        service = {**service, "spec": {**service["spec"], _HEALTH_CHECK_PORT: kept}}
    if not (needs_node_ports(old) and needs_node_ports(service)):
        return service
    by_name = {port.get("name", ""): port.get("nodePort") for port in old["spec"].get("ports", [])}
    used = _node_ports(old) & _node_ports(service)
    ports = []
    for port in service["spec"].get("ports") or []:
        known = by_name.get(port.get("name", ""))
        if not port.get("nodePort") and known and known not in used:
            used.add(known)
            port = {**port, "nodePort": known}  # noqa: PLW2901  the same port, completed
        ports.append(port)
    return {**service, "spec": {**service["spec"], "ports": ports}}


def release_addresses(service: Object, old: Object) -> Object:
    """The new version without the addresses that its new type does not have.

    Those that the update changes itself are kept.
    """
    spec = dict(service["spec"])
    if needs_address(old) and not needs_address(service):
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if spec.get(name) == old["spec"].get(name):
                spec.pop(name, None)
    if needs_node_ports(old) and not needs_node_ports(service):
        if _node_ports(old) == _node_ports(service):
            spec["ports"] = [_without_node_port(port) for port in spec.get("ports") or []]
        if spec.get("externalTrafficPolicy") == old["spec"].get("externalTrafficPolicy"):
            spec.pop("externalTrafficPolicy", None)
    if (
        needs_health_check_port(old)
        and not needs_health_check_port(service)
        and spec.get(_HEALTH_CHECK_PORT) == old["spec"].get(_HEALTH_CHECK_PORT)
    ):
        spec.pop(_HEALTH_CHECK_PORT, None)
    return {**service, "spec": spec}


def needs_address(service: Object) -> bool:
    """Whether the type has a cluster IP: all but ExternalName."""
    return bool(service["spec"].get("type") != "ExternalName")


def needs_node_ports(service: Object) -> bool:
    """Whether the type has node ports: NodePort and LoadBalancer."""
    spec = service["spec"]
    if spec.get("type") == "LoadBalancer":
        return bool(spec.get("allocateLoadBalancerNodePorts", True))
    return bool(spec.get("type") == "NodePort")


def needs_health_check_port(service: Object) -> bool:
    """Whether a load balancer has to ask each node if it runs a pod of the Service."""
    spec = service["spec"]
    return (spec.get("type"), spec.get("externalTrafficPolicy")) == ("LoadBalancer", "Local")


def _with_old_address(service: Object, old: Object) -> Object:
    spec, before = service["spec"], old["spec"]
    if spec.get("clusterIP") or not (needs_address(old) and needs_address(service)):
        return service
    kept = {name: before[name] for name in ("clusterIP", "clusterIPs") if name in before}
    return {**service, "spec": {**spec, **kept}}


def _node_ports(service: Object) -> set[int]:
    ports = service["spec"].get("ports") or []
    return {port["nodePort"] for port in ports if port.get("nodePort")}


def _all_ports(service: Object) -> set[int]:
    """The node ports, and that of the health check."""
    return _node_ports(service) | {service["spec"].get(_HEALTH_CHECK_PORT, 0)}


def _port_problem(number: int, taken: set[int]) -> str | None:
    if number not in NODE_PORTS:
        return (
            "provided port is not in the valid range. "
            f"The range of valid ports is {NODE_PORTS[0]}-{NODE_PORTS[-1]}"
        )
    return "provided port is already allocated" if number in taken else None


def _without_node_port(port: Object) -> Object:
    return {name: value for name, value in port.items() if name != "nodePort"}


def _invalid_service(service: Object, field: str, message: str) -> InvalidError:
    name = service["metadata"]["name"]
    return InvalidError("Service", "", name, [Cause("FieldValueInvalid", field, message)])
