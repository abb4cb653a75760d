"""A kubelet with real processes over a fake API."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canarylab.errors import BadRequestError, NotFoundError
from canarylab.kube_objects import Key, Now, Object, is_ready, utc_now
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.home import Home
from canarylab.playground.images import Image, save
from canarylab.playground.kube.api import (
    ContainerStreams,
    DeleteOptions,
    LogOptions,
    OutputReader,
)
from canarylab.playground.node.container import RestartBackoff
from canarylab.playground.node.kubelet import Kubelet
from canarylab.playground.node.process import background_task
from canarylab.playground.node.reaper import processes_of
from tests.playground.fake_api import FakeApi
from tests.waiting import until

SPACE = "lab"
_RANGES = itertools.count()
SERVER = """
const http = require('http');
http.createServer((request, response) => response.end(require('os').hostname())).listen(3333);
process.on('SIGTERM', () => process.exit(143));
console.log('Server started');
"""


def server() -> Object:
    """A container that serves on 3333 and ends on SIGTERM."""
    return {
        "name": "web",
        "image": "plain:1.0",
        "command": ["node", "-e", SERVER],
        "readinessProbe": {"httpGet": {"path": "/", "port": 3333}, "periodSeconds": 1},
    }


def shell(script: str, **fields: Any) -> Object:
    """A container that runs a shell script."""
    return {"name": "web", "image": "plain:1.0", "command": ["sh", "-c", script], **fields}


def python(script: str, **fields: Any) -> Object:
    """A container that runs a Python script."""
    command = [sys.executable, "-I", "-S", "-c", script]
    return {"name": "web", "image": "plain:1.0", "command": command, **fields}


def pod(*containers: Object, name: str = "web-1", **spec: Any) -> Object:
    """A pod that the scheduler has given to the node."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "labels": {"app": "nodeapp"}},
        "spec": {"containers": list(containers), "nodeName": "playground", **spec},
    }


async def communicate(streams: ContainerStreams, sent: bytes = b"") -> tuple[int, bytes, bytes]:
    """Send an input and its end; the code and the two outputs."""

    async def all_of(output: OutputReader | None) -> bytes:
        came = b""
        while output is not None and (piece := await output.read(65_536)):
            came += piece
        return came

    await streams.write(sent)
    streams.close_input()
    out, err = await asyncio.gather(all_of(streams.stdout), all_of(streams.stderr))
    code = await streams.wait()
    streams.close()
    return code, out, err


@dataclass
class Node:
    """The node, its API and its pods, as a test sees them."""

    api: FakeApi
    home: Home
    addresses: LoopbackRange
    kubelet: Kubelet

    async def pod(self, name: str = "web-1") -> Object:
        return await self.api.get("Pod", Key(SPACE, name))

    async def state(self, name: str = "web-1") -> Object:
        """The first container's status."""
        entries = (await self.pod(name)).get("status", {}).get("containerStatuses")
        return dict(entries[0]) if entries else {"state": {}, "lastState": {}, "restartCount": 0}

    async def ready(self, name: str = "web-1") -> Object:
        """The pod, once it is ready."""
        await until(lambda: self._is_ready(name))
        return await self.pod(name)

    def state_is(self, state: str, reason: str = "") -> Callable[[], Awaitable[bool]]:
        """For `until`: is the first container in this state, for this reason?"""

        async def holds() -> bool:
            now = (await self.state())["state"]
            return state in now and reason in ("", now[state].get("reason"))

        return holds

    def has_restarted(self, times: int) -> Callable[[], Awaitable[bool]]:
        """For `until`: has the first container been restarted so often?"""

        async def holds() -> bool:
            return int((await self.state())["restartCount"]) >= times

        return holds

    def phase_is(self, phase: str) -> Callable[[], Awaitable[bool]]:
        """For `until`."""

        async def holds() -> bool:
            return bool((await self.pod())["status"]["phase"] == phase)

        return holds

    def processes(self) -> set[int]:
        """All that runs for any pod."""
        return processes_of((self.home.playground / "run-ids").read_text().strip())

    async def messages(self, reason: str) -> list[str]:
        """The messages of the events of that reason."""
        events = await self.api.list("Event", SPACE)
        return [event["message"] for event in events if event["reason"] == reason]

    async def log(self, name: str = "web-1", **options: Any) -> str:
        """What the pod has written so far, or "" while there is nothing."""
        try:
            pieces = [
                piece async for piece in self.kubelet.logs(Key(SPACE, name), LogOptions(**options))
            ]
        except (NotFoundError, BadRequestError):
            return ""
        return b"".join(pieces).decode()

    async def wrote(self, words: str, name: str = "web-1", **options: Any) -> None:
        """Return once the pod has written this."""

        async def has_written() -> bool:
            return words in await self.log(name, **options)

        await until(has_written)

    async def delete(self, name: str = "web-1", *, grace_s: int | None = None) -> None:
        await self.api.delete("Pod", Key(SPACE, name), DeleteOptions(grace_period_s=grace_s))

    async def is_gone(self, name: str = "web-1") -> bool:
        return all(found["metadata"]["name"] != name for found in await self.api.list("Pod"))

    async def _is_ready(self, name: str) -> bool:
        return is_ready(await self.pod(name))


def build(home: Home, reference: str = "plain:1.0", **fields: Any) -> Image:
    """An image that is an empty folder."""
    root = home.images / ".roots" / reference.replace(":", "-")
    root.mkdir(parents=True, exist_ok=True)
    return save(home.images, Image(reference, id="sha256:abc", root=root, **fields))


async def end_of(here: Node, container: Object, **spec: Any) -> Object:
    """The last that was seen of a pod which was started and then deleted."""
    await here.api.put(pod(container, **spec))
    await here.wrote("up")
    last: list[Object] = []

    async def follow() -> None:
        async for event in here.api.watch("Pod"):
            last[:] = [event.object]

    following = asyncio.create_task(follow())
    await here.delete()
    await until(here.is_gone)
    await asyncio.sleep(0)
    following.cancel()
    return last[0]


@asynccontextmanager
async def node(
    root: Path,
    api: FakeApi | None = None,
    *,
    addresses: LoopbackRange | None = None,
    backoff: RestartBackoff | None = None,
    now: Now = utc_now,
) -> AsyncIterator[Node]:
    """Run a node; with the `api` and `addresses` of an earlier one, its successor."""
    home, api = Home(root), api or FakeApi()
    build(home)
    addresses = addresses or LoopbackRange(256 + (os.getpid() + 16 * next(_RANGES)) % 512)
    kubelet = Kubelet(api, home, addresses, backoff=backoff or RestartBackoff(), now=now)
    async with background_task(kubelet.run()):
        yield Node(api, home, addresses, kubelet)
    assert api.changed_in_place() == set()


async def fetch(ip: str, port: int = 3333) -> str:
    """What a server there answers, the body alone."""
    reader, writer = await asyncio.open_connection(ip, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.partition(b"\r\n\r\n")[2].decode()
