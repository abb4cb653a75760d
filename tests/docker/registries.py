"""A registry of images in memory, as much of it as `docker push` needs.

The protocol is that of the OCI distribution specification, "Pushing a blob in chunks" and "Pushing
manifests". An engine pushes to 127.0.0.0/8 without TLS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from canarylab import runtime


@dataclass
class Registry:
    """What was pushed."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    """`team/node_app:1.0`"""
    is_closed: bool = False
    """Nobody may push."""
    port: int = 0
    _uploads: dict[str, bytes] = field(default_factory=dict)
    """What has come so far, by upload: an engine pushes several layers at once."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.Response:
        _, _, path = request.path.partition("/v2/")
        name, _, blob = path.partition("/blobs/")
        if self.is_closed:
            challenge = {"WWW-Authenticate": 'Basic realm="closed"'}
            return web.Response(status=401, headers=challenge)
        if request.method == "PUT":
            return await (self._end(request, name, blob) if blob else self._manifest(request, path))
        if request.method in {"GET", "HEAD"}:
            return self._found(path, blob)
        number = blob.rpartition("/")[2] if request.method == "PATCH" else str(len(self._uploads))
        self._uploads.setdefault(number, b"")  # before the next one begins
        self._uploads[number] += await request.read()
        return self._go_on(name, number)

    def _found(self, path: str, blob: str) -> web.Response:
        there = {"": b"", **({path: self.blobs[blob]} if blob in self.blobs else {})}
        return web.Response(body=there[path]) if path in there else web.Response(status=404)

    def _go_on(self, name: str, number: str) -> web.Response:
        place = f"http://{self.host}/v2/{name}/blobs/uploads/{number}"
        end = max(len(self._uploads[number]) - 1, 0)
        return web.Response(status=202, headers={"Location": place, "Range": f"0-{end}"})

    async def _end(self, request: web.Request, name: str, upload: str) -> web.Response:
        blob = self._uploads[upload.rpartition("/")[2]] + await request.read()
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        assert digest == request.query["digest"]
        self.blobs[digest] = blob
        place = f"http://{self.host}/v2/{name}/blobs/{digest}"
        return web.Response(
            status=201, headers={"Location": place, "Docker-Content-Digest": digest}
        )

    async def _manifest(self, request: web.Request, path: str) -> web.Response:
        digest = f"sha256:{hashlib.sha256(await request.read()).hexdigest()}"
        name, _, tag = path.partition("/manifests/")
        self.tags.add(f"{name}:{tag}")
        return web.Response(status=201, headers={"Docker-Content-Digest": digest})


@contextmanager
def running_registry() -> Iterator[Registry]:
    """Open for the length of a `with`."""
    registry = Registry()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", registry.answer)
    runner = web.AppRunner(app, access_log=None)
    registry.port = runtime.run(_listen(runner))
    try:
        yield registry
    finally:
        runtime.run(runner.cleanup())


async def _listen(runner: web.AppRunner) -> int:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])
