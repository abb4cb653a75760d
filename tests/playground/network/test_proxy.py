"""Do connections to a Service reach its pods?"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from canarylab.playground.kube.api import Key
from tests.playground.network.proxy_world import (
    SPACE,
    World,
    ask,
    endpoints,
    service,
    slice_of,
    world,
)
from tests.waiting import until


async def serve(here: World, *addresses: str, **spec: Any) -> None:
    """The Service on `here.port`, with these endpoints, once the proxy owns it."""
    await here.api.put(service(node_port=here.port, **spec))
    await here.api.put(slice_of(*addresses))
    await until(lambda: here.proxy.owns(here.port))


async def test_a_connection_to_the_node_port_reaches_the_pod() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        assert await ask(here.port) == here.pod_ip(1)


async def test_a_connection_to_the_cluster_ip_reaches_the_pod() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        cluster_ip = str(here.slot.services[1])
        await serve(here, here.pod_ip(1), clusterIP=cluster_ip)
        assert await ask(8000, cluster_ip) == here.pod_ip(1)


async def test_connections_are_split_by_chance() -> None:
    """1,000 draws at one in four, plus or minus 3.9 standard errors: wrong once in ten thousand."""
    async with world(seed=3) as here:
        pods = [here.pod_ip(number) for number in range(4)]
        async with endpoints(*pods):
            await serve(here, *pods)
            answers = [await ask(here.port) for _ in range(1_000)]
    assert all(197 <= answers.count(pod) <= 303 for pod in pods)


async def test_without_endpoints_the_connection_is_refused() -> None:
    async with world() as here:
        await serve(here, here.pod_ip(1))
        await here.replace_endpoints()
        await until(lambda: not here.proxy.owns(here.port))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", here.port)


async def test_the_proxy_listens_again_when_endpoints_come_back() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        await here.replace_endpoints()
        await until(lambda: not here.proxy.owns(here.port))
        await here.replace_endpoints(here.pod_ip(1))
        await until(lambda: here.proxy.owns(here.port))
        assert await ask(here.port) == here.pod_ip(1)


async def test_a_pod_that_does_not_answer_costs_the_connection_and_no_other_is_tried() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1), here.pod_ip(2))
        answers = {await ask(here.port) for _ in range(60)}
    assert answers == {"", here.pod_ip(1)}


async def test_a_client_with_affinity_stays_with_its_pod() -> None:
    async with world() as here:
        pods = [here.pod_ip(number) for number in range(4)]
        async with endpoints(*pods):
            await serve(here, *pods, sessionAffinity="ClientIP")
            assert len({await ask(here.port) for _ in range(30)}) == 1


async def test_a_service_that_is_deleted_no_longer_answers() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        await here.api.delete("Service", Key(SPACE, "web"))
        await until(lambda: not here.proxy.owns(here.port))
        assert await ask(here.port) == ""


async def test_a_connection_that_stands_outlives_its_endpoint() -> None:
    async with world() as here:

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1024):
                writer.write(data)
            writer.close()

        async with await asyncio.start_server(echo, here.pod_ip(1), 3333):
            await serve(here, here.pod_ip(1))
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            await here.replace_endpoints()
            await until(lambda: not here.proxy.owns(here.port))
            writer.write(b"still there?")
            assert await reader.read(100) == b"still there?"
            writer.close()
            await writer.wait_closed()


async def test_a_port_of_another_program_is_named_and_taken_when_it_is_free() -> None:
    async with world() as here, endpoints(here.pod_ip(1)):
        with socket.create_server(("127.0.0.1", here.port)):
            await here.api.put(service(node_port=here.port))
            await here.api.put(slice_of(here.pod_ip(1)))
            await until(here.said)
            assert await here.said() == [
                f"Port {here.port} on 127.0.0.1 is in use by another program, so Service lab/web "
                "does not answer there. End that program, or choose another port for the Service."
            ]
            assert not here.proxy.owns(here.port)
        await until(lambda: here.proxy.owns(here.port))
        assert await ask(here.port) == here.pod_ip(1)


async def test_a_udp_port_is_told_of() -> None:
    async with world() as here:
        await here.api.put(service(ports=[{"port": 53, "protocol": "UDP", "nodePort": 32053}]))
        await until(here.said)
        assert await here.said() == [
            "Port 53 of Service web is UDP, and the playground carries TCP only. "
            "Use a cluster on kind for it."
        ]


async def test_the_proxy_leaves_nothing_open() -> None:
    before = open_files()
    async with world() as here, endpoints(here.pod_ip(1)):
        await serve(here, here.pod_ip(1))
        await asyncio.gather(*(ask(here.port) for _ in range(100)))
    await until(lambda: open_files() <= before)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
