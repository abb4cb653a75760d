"""Serves the Ingresses of class `nginx`, and says so in their status and events.

Follows Ingresses, IngressClasses, Services and EndpointSlices; what they add up to is decided in
`building.py`, which way a request goes in `routing.py`, and how its bytes travel in
`network/http`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from random import Random

from canarylab.errors import ApiError
from canarylab.ingress_rules.ingress_spec import ServiceEndpoints, parse_ingresses, served_ingresses
from canarylab.ingress_rules.server_table import build_server_table
from canarylab.ingress_rules.warnings import IngressWarning
from canarylab.playground.kube.api import Api, Key, Object, notify_of_changes
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.kube.objects import key_of, uid_of
from canarylab.playground.network.ingress.deciding import Decider
from canarylab.ports import LOOPBACK

SOURCE = "nginx-ingress-controller"
REST_S = 0.1
"""Between two takings-in: a rollout changes much at once, and one table is enough for it."""

_FOLLOWED = ("Ingress", "IngressClass", "Service", "EndpointSlice")


class IngressController:
    """`run` must run for the decider to know anything."""

    def __init__(
        self,
        api: Api,
        *,
        address: str = LOOPBACK,
        port: int = 80,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.decider = Decider(random or Random())
        self._api, self._sleep = api, sleep
        self._place = {"ip": address, "ports": [{"port": port, "protocol": "TCP"}]}
        self._changed = asyncio.Event()
        self._told: set[tuple[str, IngressWarning]] = set()
        self._synced: dict[Key, str] = {}

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(notify_of_changes(self._api, _FOLLOWED, self._changed))
            tasks.create_task(self._take_in_changes())

    async def _take_in_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._take_in()
            await self._sleep(REST_S)

    async def _take_in(self) -> None:
        classes = await self._api.list("IngressClass")
        ingresses = served_ingresses(await self._api.list("Ingress"), classes)
        services = await self._api.list("Service")
        slices = await self._api.list("EndpointSlice")
        built = build_server_table(parse_ingresses(ingresses), ServiceEndpoints(services, slices))
        self.decider.table = built.table
        by_key = {key_of(ingress): ingress for ingress in ingresses}
        for ingress in ingresses:
            await self._report(ingress)
        self._synced = {key: seen for key, seen in self._synced.items() if key in by_key}
        await self._tell(by_key, built.warnings)

    async def _report(self, ingress: Object) -> None:
        seen = f"{uid_of(ingress)} {ingress['metadata'].get('generation')} {_annotations(ingress)}"
        if self._synced.get(key_of(ingress)) != seen:
            self._synced[key_of(ingress)] = seen
            await self._say(ingress, EventDetails("Sync", "Scheduled for sync", SOURCE))
        wanted = {"loadBalancer": {"ingress": [self._place]}}
        if ingress.get("status") != wanted:
            try:
                await self._api.update_status({**ingress, "status": wanted})
            except ApiError:
                self._changed.set()  # it changed meanwhile: read it again

    async def _tell(self, by_key: dict[Key, Object], troubles: Iterable[IngressWarning]) -> None:
        """Warn once of each thing that is wrong, and again if it comes back."""
        found = {(uid_of(by_key[trouble.ingress]), trouble) for trouble in troubles}
        for _, trouble in sorted(found - self._told):
            note = EventDetails(trouble.reason, trouble.message, SOURCE, "Warning")
            await self._say(by_key[trouble.ingress], note)
        self._told = found

    async def _say(self, ingress: Object, note: EventDetails) -> None:
        try:
            await record_event(self._api, ingress, note)
        except ApiError:
            return  # its namespace is going; so is the Ingress


def _annotations(ingress: Object) -> str:
    return str(sorted((ingress["metadata"].get("annotations") or {}).items()))
