"""Does the playground follow Gateways and routes, and answer for them?"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random

from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import find_condition
from canarylab.playground.network.web import Web
from tests.ingress_rules.ingress_objects import SPACE, ingress, service, slice_of
from tests.playground.fake_api import FakeApi
from tests.playground.network.gateway.objects import gateway, named, route, rule, to
from tests.playground.network.http.http_world import ask, ok, pod
from tests.waiting import until

CLOSE = b"GET / HTTP/1.1\r\nHost: foo.bar.com\r\nConnection: close\r\n\r\n"


@dataclass
class World:
    """The playground's web, over a fake API."""

    api: FakeApi
    web: Web

    async def answers(self, body: bytes, request: bytes = CLOSE) -> None:
        """Wait until it does."""

        async def is_so() -> bool:
            return (await ask(self.web.port, request)).endswith(body)

        await until(is_so)

    async def is_said(self, kind: str, name: str, type_: str) -> Object | None:
        """A condition, if it has been looked at."""
        return find_condition(await self.api.get(kind, Key(SPACE, name)), type_)


@asynccontextmanager
async def world(*objects: Object) -> AsyncIterator[World]:
    """With the Services prod and canary, a pod of each, a Gateway, and these."""
    api = FakeApi()
    web = Web(api, [socket.create_server(("127.0.0.1", 0))], random=Random(7), sleep=hurried)
    async with AsyncExitStack() as stack:
        for name in ("prod", "canary"):
            own = await stack.enter_async_context(pod(ok(name.encode())))
            await api.put(service(name))
            await api.put(slice_of(name, own.address.host, port=own.address.port))
        for obj in (gateway(), *objects):
            await api.put(obj)
        task = asyncio.create_task(web.run())
        try:
            yield World(api, web)
        finally:
            task.cancel()
            await asyncio.wait([task])
    assert api.harmed() == set()


async def hurried(pause_s: float) -> None:
    await asyncio.sleep(pause_s / 100)


async def test_a_route_is_served_and_followed() -> None:
    async with world(route("one", rule(to("prod")))) as here:
        await here.answers(b"prod")
        stored = await here.api.get("HTTPRoute", Key(SPACE, "one"))
        await here.api.update({**stored, "spec": route("one", rule(to("canary")))["spec"]})
        await here.answers(b"canary")
        await here.api.delete("HTTPRoute", Key(SPACE, "one"))
        await here.answers(b"default backend - 404")


async def test_testers_reach_the_canary_by_header() -> None:
    testers = rule(to("canary"), headers=[named("X-Canary", "always")])
    async with world(route("one", testers, rule(to("prod")))) as here:
        await here.answers(b"prod")
        await here.answers(b"canary", CLOSE.replace(b"Host", b"X-Canary: always\r\nHost"))


async def test_a_route_goes_before_an_ingress() -> None:
    nginx = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "nginx"},
        "spec": {"controller": "k8s.io/ingress-nginx"},
    }
    async with world(nginx, ingress("old", ("/", "prod"))) as here:
        await here.answers(b"prod")
        await here.api.put(route("new", rule(to("canary"))))
        await here.answers(b"canary")


async def test_class_gateway_and_route_say_that_they_are_served() -> None:
    async with world(route("one", rule(to("prod")))) as here:
        await until(lambda: here.is_said("Gateway", "web", "Programmed"))
        accepted = await here.api.get("GatewayClass", Key("", "canarylab"))
        assert accepted["status"]["conditions"][0]["status"] == "True"

        async def parents() -> object:
            stored = await here.api.get("HTTPRoute", Key(SPACE, "one"))
            return stored.get("status", {}).get("parents")

        await until(parents)


async def test_a_gateway_of_another_class_is_left_alone() -> None:
    spec = {**gateway()["spec"], "gatewayClassName": "traefik"}
    other = {**gateway(), "metadata": {"name": "other", "namespace": SPACE}, "spec": spec}
    async with world(other, route("one", rule(to("prod")))) as here:
        await here.answers(b"prod")
        await until(lambda: here.is_said("Gateway", "web", "Programmed"))
        assert await here.is_said("Gateway", "other", "Programmed") is None


async def test_what_does_not_change_is_not_written_again() -> None:
    async with world(route("one", rule(to("prod")))) as here:
        await here.answers(b"prod")
        await until(lambda: here.is_said("Gateway", "web", "Programmed"))
        before = len(here.api.writes)
        await here.api.put(service("another"))
        for _ in range(20):
            await asyncio.sleep(0)
        await here.answers(b"prod")
        later = {kind for _, kind, _ in here.api.writes[before:]}
    assert later == {"Service"}
