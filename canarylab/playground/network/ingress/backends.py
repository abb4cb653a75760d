"""Who answers for the port of a Service that an Ingress names?"""

from __future__ import annotations

from collections.abc import Iterable

from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import key_of
from canarylab.playground.network.ingress.troubles import Reason
from canarylab.playground.network.ingress.wishes import Backend
from canarylab.playground.network.routes import Address, by_their_service, ready_endpoints


class Backends:
    """The Services and EndpointSlices of a moment."""

    def __init__(self, services: Iterable[Object], slices: Iterable[Object]) -> None:
        self._services = {key_of(service): service for service in services}
        self._slices = by_their_service(slices)

    def endpoints(self, backend: Backend) -> tuple[Address, ...]:
        """The ready ones; without a way there, none."""
        port = self._port(backend)
        if port is None:
            return ()
        return ready_endpoints(self._slices.get(backend.service, ()), port)

    def at(self, service: Key, port: int) -> tuple[Address, ...] | None:
        """The ready ones of a port that is named by its number; None if there is no such port."""
        for entry in self._services.get(service, {"spec": {}})["spec"].get("ports") or []:
            if entry["port"] == port:
                return ready_endpoints(self._slices.get(service, ()), entry)
        return None

    def trouble(self, backend: Backend) -> Reason | None:
        """Why nobody answers, if nobody does."""
        if backend.service not in self._services:
            return "ServiceNotFound"
        if self._port(backend) is None:
            return "PortNotFound"
        return None if self.endpoints(backend) else "NoEndpoints"

    def _port(self, backend: Backend) -> Object | None:
        # By number, by name, or by targetPort: `serviceEndpoints` in
        # https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/controller.go
        service = self._services.get(backend.service, {"spec": {}})
        for port in service["spec"].get("ports") or []:
            names = (port["port"], port.get("targetPort"), port.get("name"))
            if backend.port in {str(name) for name in names if name is not None}:
                return dict(port)
        return None
