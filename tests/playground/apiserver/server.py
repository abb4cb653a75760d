"""A real API server on a real socket, with TLS and a token, and without a node."""

from __future__ import annotations

import asyncio
import io
import os
import random
import socket
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from canarylab.errors import ApiError, BadRequestError
from canarylab.kube_objects import Key, Object
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.apiserver.local_api import LocalApi, bootstrap
from canarylab.playground.apiserver.metadata import Generators
from canarylab.playground.apiserver.registry import RegistryOptions
from canarylab.playground.apiserver.server import TokenAuthenticator, make_web_app, serving
from canarylab.playground.apiserver.store import Store
from canarylab.playground.credentials import Credentials, make_credentials, write_kubeconfig
from canarylab.playground.kube.api import LogOptions
from canarylab.playground.node.process import Command, exec_with_streams
from canarylab.playground.node.streams import AttachedStreams, ContainerInput, ExecStreams

RANGE = LoopbackRange(17)
KUBECTL = os.environ.get("CANARYLAB_KUBECTL", "kubectl")


@dataclass
class StubKubelet:
    """Says what it is told to say, and runs commands as they are."""

    written: list[bytes] = field(default_factory=list)
    refusal: ApiError | None = None
    asked: list[LogOptions] = field(default_factory=list)
    more: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    input: ContainerInput = field(default_factory=lambda: ContainerInput(None, None, is_once=False))

    async def logs(self, pod: Key, options: LogOptions) -> AsyncIterator[bytes]:
        self.asked.append(options)
        if self.refusal is not None:
            raise self.refusal
        for line in self.written:
            yield line
        while options.follow:
            yield await self.more.get()

    async def execute(
        self,
        pod: Key,
        command: Sequence[str],
        *,
        container: str | None = None,
        terminal: bool = False,
    ) -> ExecStreams:
        if command[0] == "no-such-command":
            raise BadRequestError("no-such-command: not found")
        return await exec_with_streams(Command(command, os.environ, Path.cwd(), terminal=terminal))

    def attach(
        self, pod: Key, *, container: str | None = None, stdin: bool = False
    ) -> AttachedStreams:
        return AttachedStreams(self.input, stdin=stdin)


class CommandResult(NamedTuple):
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


class ApiResponse(NamedTuple):
    """What the server answered."""

    code: int
    body: Any
    headers: Any


@dataclass(frozen=True)
class Server:
    """One of them, running."""

    api: LocalApi
    kubelet: StubKubelet
    access: Credentials
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.access.authority)

    def session(self, **headers: str) -> aiohttp.ClientSession:
        """An HTTP client with the token."""
        authorized = {"Authorization": f"Bearer {self.access.token}", **headers}
        connector = aiohttp.TCPConnector(ssl=self.tls)
        return aiohttp.ClientSession(self.url, headers=authorized, connector=connector)

    async def request(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> ApiResponse:
        """One request; the answer is read as JSON where it is JSON."""
        sent = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {"json": body}
        async with (
            self.session() as session,
            session.request(method, path, headers=headers, **sent) as response,
        ):
            is_json = response.content_type == "application/json"
            answer = await response.json() if is_json else await response.text()
            return ApiResponse(response.status, answer, response.headers)

    async def get(self, path: str, **headers: str) -> Any:
        return (await self.request("GET", path, **headers)).body

    async def kubectl(
        self, command: str, *, stdin: str = "", timeout_s: float = 60
    ) -> CommandResult:
        """The real kubectl, with a kubeconfig and a cache of its own."""
        process = await asyncio.create_subprocess_exec(
            KUBECTL,
            *command.split(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "KUBECONFIG": str(self.kubeconfig),
                "KUBECACHEDIR": str(self.folder / "cache"),
            },
        )
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate(stdin.encode())
        return CommandResult(process.returncode or 0, out.decode(), _without_skew(err.decode()))

    def write(self, name: str, text: str) -> Path:
        """A file where kubectl runs."""
        path = self.folder / name
        path.write_text(text)
        return path


@asynccontextmanager
async def running_server(folder: Path, store: Store | None = None) -> AsyncIterator[Server]:
    """Up for the length of an `async with`."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        access, kubelet = make_credentials(), StubKubelet()
        options = RegistryOptions(RANGE, Generators(random=random.Random(17)))
        api = LocalApi(store or Store(), options)
        await bootstrap(api, addresses=RANGE, port=port)
        write_kubeconfig(folder / "kubeconfig", access, port)
        app = make_web_app(api, kubelet, TokenAuthenticator(access.token, port))
        async with serving(app, listener, access.ssl_context()):
            yield Server(api, kubelet, access, port, folder)


async def exchange(server: Server, line: bytes, fields: bytes = b"", body: bytes = b"") -> bytes:
    """What comes back for these bytes, up to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=server.tls)
    host = b"" if fields.startswith(b"Host") else b"Host: 127.0.0.1:%d\r\n" % server.port
    writer.write(line + b"\r\n" + host + (fields + b"\r\n" if fields else b"") + b"\r\n" + body)
    answer = await reader.read()
    writer.transport.abort()
    return answer


def deployment(name: str = "web", **spec: Any) -> Object:
    """A Deployment as a learner would write it, in `default`."""
    container = {"name": "nodeapp", "image": "node_app:1.0"}
    template = {"metadata": {"labels": {"app": "nodeapp"}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "nodeapp"}}, "template": template, **spec},
    }


def pod(name: str = "web", **spec: Any) -> Object:
    """A pod on the node, in `default`."""
    container = {"name": "nodeapp", "image": "node_app:1.0"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "nodeapp"}},
        "spec": {"containers": [container], "nodeName": "playground", **spec},
    }


def config_map(name: str = "colours", **data: str) -> Object:
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def python(code: str) -> list[str]:
    """A command for the stub kubelet."""
    return [sys.executable, "-c", code]


def _without_skew(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("WARNING: version difference"))
