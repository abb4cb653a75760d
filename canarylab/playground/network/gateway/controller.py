"""Serves the Gateways of class `canarylab` and their HTTPRoutes, and says so in their status.

Requests come in where those for Ingresses do, whatever port a listener names: a playground has no
addresses of its own to give to Gateways. What an HTTPRoute means goes before what an Ingress does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random

from canarylab.errors import AlreadyExistsError, ApiError
from canarylab.ingress_rules.ingress_spec import ServiceEndpoints
from canarylab.playground.kube.api import Api, Object, notify_of_changes
from canarylab.playground.kube.objects import key_of, timestamp
from canarylab.playground.network.gateway.building import build
from canarylab.playground.network.gateway.conditions import (
    CONTROLLER,
    of_class,
    of_gateway,
    of_route,
)
from canarylab.playground.network.gateway.deciding import GatewayDecider
from canarylab.ports import LOOPBACK

CLASS = "canarylab"
REST_S = 0.1

_FOLLOWED = ("GatewayClass", "Gateway", "HTTPRoute", "Service", "EndpointSlice", "Namespace")


class GatewayController:
    """`run` must run for the decider to know anything."""

    def __init__(
        self,
        api: Api,
        *,
        address: str = LOOPBACK,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.decider = GatewayDecider(random or Random())
        self._api, self._address, self._sleep, self._now = api, address, sleep, now
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(notify_of_changes(self._api, _FOLLOWED, self._changed))
            tasks.create_task(self._take_in_changes())

    async def _take_in_changes(self) -> None:
        await self._install()
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._take_in()
            await self._sleep(REST_S)

    async def _install(self) -> None:
        """The class comes with the controller, and may be deleted afterwards."""
        try:
            await self._api.create(
                {
                    "apiVersion": "gateway.networking.k8s.io/v1",
                    "kind": "GatewayClass",
                    "metadata": {"name": CLASS},
                    "spec": {"controllerName": CONTROLLER},
                }
            )
        except AlreadyExistsError:
            return

    async def _take_in(self) -> None:
        classes = [
            entry
            for entry in await self._api.list("GatewayClass")
            if entry["spec"]["controllerName"] == CONTROLLER
        ]
        names = {entry["metadata"]["name"] for entry in classes}
        gateways = {
            key_of(gateway): gateway
            for gateway in await self._api.list("Gateway")
            if gateway["spec"]["gatewayClassName"] in names
        }
        namespaces = {
            entry["metadata"]["name"]: entry for entry in await self._api.list("Namespace")
        }
        services = await self._api.list("Service")
        backends = ServiceEndpoints(services, await self._api.list("EndpointSlice"))
        built = build(await self._api.list("HTTPRoute"), gateways, namespaces, backends)
        self.decider.built = built
        now = timestamp(self._now())
        attached = [each for state in built.routes for each in state.attachments]
        for entry in classes:
            await self._say(entry, of_class(entry, now))
        for gateway in gateways.values():
            await self._say(gateway, of_gateway(gateway, attached, self._address, now))
        for state in built.routes:
            await self._say(state.route, of_route(state, now))

    async def _say(self, obj: Object, status: Object) -> None:
        if obj.get("status") == status:
            return
        try:
            await self._api.update_status({**obj, "status": status})
        except ApiError:
            self._changed.set()  # it changed meanwhile: read it again
