"""The API server with durability on: writes, watches meanwhile, lists, memory, objects at start."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import Any

import psutil
import yaml

from bench.home import built_home
from bench.measurement import Measurement
from canarylab.playground import daemon_control
from canarylab.playground.home import Home

WRITERS, WATCHERS, WRITES = 16, 10, 4_000
LISTED, ROUNDS, RESTORED = 1_000, 10, 200
_PATH = "/api/v1/namespaces/default/configmaps"
_SENT = re.compile(rb'"sent":"([0-9.]+)"')


def measure() -> Iterator[Measurement]:
    """Each against its bar; times are medians."""
    with built_home() as home:
        daemon_control.up(home)
        rate, delay_ms = asyncio.run(_write_while_watched(home))
        bar = "at least 1200"
        yield Measurement("ConfigMaps created, 16 at once, watched", rate, "1/s", bar, rate >= 1200)
        yield _at_most("delay of a watch meanwhile", delay_ms, "ms", 10)
        yield _at_most("list of 1,000 ConfigMaps", asyncio.run(_list(home)), "ms", 20)
        grown = asyncio.run(_growth(home))
        yield _at_most("daemon after 10 times 1,000 objects", grown, "MB more", 5)
        asyncio.run(_fill(home, RESTORED))
        yield _at_most("to ready with 200 objects", median(_starts(home)), "s", 1.5)


def _at_most(name: str, value: float, unit: str, bar: float) -> Measurement:
    return Measurement(name, value, unit, f"at most {bar}", value <= bar)


class _Client:
    """One kept connection; it does little, so that the server is what is measured."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
    ) -> None:
        self._reader, self._writer = reader, writer
        host = "{}:{}".format(*writer.get_extra_info("peername"))
        self._headers = (
            f"Host: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        )

    async def send(self, method: str, path: str, body: bytes = b"") -> bytes:
        """One request; the body of the answer."""
        self.begin(method, path, body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(head.decode())
        (length,) = re.findall(rb"Content-Length: (\d+)", head)
        return await self._reader.readexactly(int(length))

    def begin(self, method: str, path: str, body: bytes = b"") -> None:
        """Send a request without waiting for its answer."""
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)

    async def read_delays(self, delays: list[float]) -> None:
        """Note how long after they were sent the objects of a watch have come."""
        while data := await self._reader.read(1 << 16):
            now = time.monotonic()
            delays += [now - float(sent) for sent in _SENT.findall(data)]

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


@asynccontextmanager
async def _clients(home: Home, count: int) -> Any:
    config = yaml.safe_load(home.kubeconfig.read_text())
    token, port = config["users"][0]["user"]["token"], daemon_control.up(home).api_port
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    async with AsyncExitStack() as closing:
        clients = []
        for _ in range(count):
            streams = await asyncio.open_connection("127.0.0.1", port, ssl=tls, limit=1 << 24)
            clients.append(_Client(*streams, token))
            closing.callback(clients[-1].close)
        yield clients


def _config_map(number: int) -> bytes:
    data = {"sent": str(time.monotonic()), "colour": "blue"}
    return json.dumps({"metadata": {"name": f"object-{number}"}, "data": data}).encode()


async def _write_while_watched(home: Home) -> tuple[float, float]:
    """Creations in a second, and the median delay of the watches in milliseconds."""
    delays: list[float] = []
    async with _clients(home, WRITERS + WATCHERS) as clients, asyncio.TaskGroup() as watching:
        tasks = []
        for client in clients[WRITERS:]:
            client.begin("GET", f"{_PATH}?watch=true")
            tasks.append(watching.create_task(client.read_delays(delays)))
        started, numbers = time.perf_counter(), iter(range(WRITES))
        async with asyncio.TaskGroup() as writing:
            for client in clients[:WRITERS]:
                writing.create_task(_create_all(client, numbers))
        took_s = time.perf_counter() - started
        for task in tasks:
            task.cancel()
        await clients[0].send("DELETE", _PATH)
    return WRITES / took_s, 1000 * median(delays)


async def _create_all(client: _Client, numbers: Iterator[int]) -> None:
    for number in numbers:
        await client.send("POST", _PATH, _config_map(number))


async def _fill(home: Home, count: int) -> None:
    async with _clients(home, 1) as (client,):
        await _create_all(client, iter(range(count)))


async def _list(home: Home) -> float:
    """The median in milliseconds."""
    await _fill(home, LISTED)
    took = []
    async with _clients(home, 1) as (client,):
        for _ in range(20):
            started = time.perf_counter()
            await client.send("GET", _PATH)
            took.append(1000 * (time.perf_counter() - started))
        await client.send("DELETE", _PATH)
    return median(took)


async def _growth(home: Home) -> float:
    """Megabytes that the daemon has grown by after the first round, which fills its history."""
    daemon, sizes = psutil.Process(daemon_control.up(home).pid), []
    numbers = itertools.count()
    async with _clients(home, WRITERS) as clients:
        for _ in range(ROUNDS):
            async with asyncio.TaskGroup() as writing:
                batch = iter(list(itertools.islice(numbers, 1_000)))
                for client in clients:
                    writing.create_task(_create_all(client, batch))
            await clients[0].send("DELETE", _PATH)
            sizes.append(daemon.memory_info().rss / 1e6)
    return sizes[-1] - sizes[0]


def _starts(home: Home) -> Iterator[float]:
    for _ in range(3):
        daemon_control.down(home)
        started = time.perf_counter()
        daemon_control.up(home)
        yield time.perf_counter() - started
