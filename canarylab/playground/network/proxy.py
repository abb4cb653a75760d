"""Brings connections to a Service to one of its pods.

Follows Services and EndpointSlices, and has the rest decided elsewhere: `routes.py` what leads
where, `rhythm.py` when a change is taken in, `choice.py` who gets a connection, `pump.py` how its
bytes are carried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from time import monotonic

from canarylab.errors import ApiError
from canarylab.playground.kube.api import Api, Key, Object
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.kube.objects import key_of
from canarylab.playground.network.choice import Chooser
from canarylab.playground.network.following import follow
from canarylab.playground.network.listeners import Listeners, Obstacle
from canarylab.playground.network.rhythm import Rhythm
from canarylab.playground.network.routes import routes, unproxied_ports

SOURCE = "kube-proxy"
_RETRY_S = 2.0


class ServiceProxy:
    """Listens for every Service. `run` must run for it to do so."""

    def __init__(
        self,
        api: Api,
        *,
        random: Random | None = None,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api, self._clock, self._sleep = api, clock, sleep
        self._listeners = Listeners(Chooser(random or Random(), clock))
        self._changed = asyncio.Event()
        self._told: set[tuple[Key, str]] = set()

    def owns(self, port: int) -> bool:
        """Is it this proxy that listens on this port of 127.0.0.1?"""
        return self._listeners.owns(port)

    async def run(self) -> None:
        """Until cancelled; then nothing listens and no connection stands."""
        try:
            async with asyncio.TaskGroup() as tasks:
                kinds = ("Service", "EndpointSlice")
                tasks.create_task(follow(self._api, kinds, self._changed))
                tasks.create_task(self._take_in_changes())
        finally:
            self._listeners.close()

    async def _take_in_changes(self) -> None:
        rhythm = Rhythm()
        while True:
            await self._changed.wait()
            await self._sleep(rhythm.wait_s(self._clock()))
            self._changed.clear()
            rhythm = Rhythm(last=self._clock())
            await self._take_in()

    async def _take_in(self) -> None:
        services = await self._api.list("Service")
        slices = await self._api.list("EndpointSlice")
        obstacles = self._listeners.follow(routes(services, slices))
        if any(obstacle.may_pass for obstacle in obstacles):
            asyncio.get_running_loop().call_later(_RETRY_S, self._changed.set)
        await self._tell(services, obstacles)

    async def _tell(self, services: list[Object], obstacles: list[Obstacle]) -> None:
        """Warn once of each thing that does not work, and again if it comes back."""
        problems = {
            (key_of(service), message)
            for service in services
            for message in (
                *(str(obstacle) for obstacle in obstacles if obstacle.service == key_of(service)),
                *(_unproxied(service, port) for port in unproxied_ports(service)),
            )
        }
        by_key = {key_of(service): service for service in services}
        for key, message in sorted(problems - self._told):
            await self._warn(by_key[key], message)
        self._told = problems

    async def _warn(self, service: Object, message: str) -> None:
        try:
            await record_event(
                self._api, service, EventDetails("FailedToListen", message, SOURCE, "Warning")
            )
        except ApiError:
            return  # its namespace is going; so is the Service


def _unproxied(service: Object, port: Object) -> str:
    return (
        f"Port {port['port']} of Service {service['metadata']['name']} is {port['protocol']}, and "
        "the playground carries TCP only. Use a cluster on kind for it."
    )
