"""A service proxy in a test: real sockets over a fake API, with endpoints that say their name."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from canarylab.kube_objects import Key, Object
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.network.service_proxy import ServiceProxy
from canarylab.ports import LOOPBACK, unused
from tests.playground.fake_api import FakeApi

SPACE = "lab"
_RANGES = itertools.count()


def service(*, port: int = 8000, node_port: int | None = None, **spec: Any) -> Object:
    """A Service called `web`."""
    entry = {"port": port, "protocol": "TCP"} | ({"nodePort": node_port} if node_port else {})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": SPACE},
        "spec": {"clusterIP": "None", "ports": [entry], **spec},
    }


def slice_of(*addresses: str, port: int = 3333, **conditions: bool) -> Object:
    """An EndpointSlice of `web`; every endpoint is ready unless `conditions` say otherwise."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "web-x",
            "namespace": SPACE,
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": port, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [address], "conditions": conditions or {"ready": True}}
            for address in addresses
        ],
    }


@dataclass
class World:
    """A proxy, the cluster it sees, and a range of addresses."""

    api: FakeApi
    proxy: ServiceProxy
    addresses: LoopbackRange
    port: int

    def pod_ip(self, number: int) -> str:
        return str(self.addresses.pods[number + 2])

    def is_listening(self) -> bool:
        """On 127.0.0.1."""
        return self.proxy.is_listening(LOOPBACK, self.port)

    async def replace_endpoints(self, *addresses: str) -> None:
        stored = await self.api.get("EndpointSlice", Key(SPACE, "web-x"))
        await self.api.update({**stored, "endpoints": slice_of(*addresses)["endpoints"]})

    async def said(self) -> list[str]:
        return [event["message"] for event in await self.api.list("Event", SPACE)]


@asynccontextmanager
async def world(seed: int = 1) -> AsyncIterator[World]:
    """With a proxy that runs; `port` is a NodePort nobody uses."""
    addresses = LoopbackRange(768 + (os.getpid() + 16 * next(_RANGES)) % 250)
    api = FakeApi()
    proxy = ServiceProxy(api, addresses.node, random=Random(seed), sleep=hurried)
    async with running(proxy):
        yield World(api, proxy, addresses, unused())
    assert api.changed_in_place() == set()


async def hurried(pause_s: float) -> None:
    """A tenth of the proxy's pauses; how long they are is tested elsewhere."""
    await asyncio.sleep(pause_s / 10)


@asynccontextmanager
async def running(proxy: ServiceProxy) -> AsyncIterator[None]:
    """The proxy runs for the length of a `with`."""
    task = asyncio.create_task(proxy.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def endpoints(*addresses: str, port: int = 3333) -> AsyncIterator[None]:
    """Servers that say their own address and then close."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(writer.get_extra_info("sockname")[0].encode())
        await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        for address in addresses:
            await stack.enter_async_context(await asyncio.start_server(answer, address, port))
        yield


async def ask(port: int, host: str = "127.0.0.1") -> str:
    """What comes back on a new connection, up to its end; "" if it is refused or reset."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return ""
    try:
        return (await reader.read()).decode()
    except ConnectionResetError:
        return ""
    finally:
        writer.transport.abort()
