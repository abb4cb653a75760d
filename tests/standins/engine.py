"""A stand-in for the Docker engine: the few questions we ask, on a socket, for docker-py to ask."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.standins.world import World, normalized

KIND_LABEL = "io.x-k8s.kind.cluster"


class Engine(ThreadingMixIn, UnixStreamServer):
    """Listens on a socket and tells what the world holds."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error; anything else is shown, as it is by default."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __init__(self, socket: Path, world: World) -> None:
        self.world = world
        super().__init__(str(socket), Answer)


class Answer(BaseHTTPRequestHandler):
    """One connection."""

    server: Engine
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Questions."""
        parts = urlsplit(self.path)
        path, query = _without_version(parts.path), parse_qs(parts.query)
        settings = self.server.world.settings()
        if path == "/version":
            self._send(200, {"ApiVersion": settings["api_version"], "Version": "29.1.0"})
        elif path == "/info":
            self._send(200, _info(settings))
        elif path == "/containers/json":
            self._send(200, self._containers(json.loads(query["filters"][0])))
        elif path.startswith("/images/") and path.endswith("/json"):
            self._tell_image(unquote(path.removeprefix("/images/").removesuffix("/json")))
        else:
            self._send(404, {"message": f"page not found: {path}"})

    def do_POST(self) -> None:
        """`POST /containers/ID/start`."""
        _, _, node, verb = _without_version(self.path).split("/")
        world = self.server.world
        found = [name for name in world.clusters() if (world.cluster(name) or {}).get("id") == node]
        if verb != "start" or not found:
            self._send(404, {"message": f"No such container: {node}"})
        elif order := world.order("restart"):
            self._send(500, {"message": " ".join(order["words"])})
        else:
            world.write_cluster(found[0], (world.cluster(found[0]) or {}) | {"running": True})
            self._send(204, None)

    def _containers(self, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
        (label,) = filters["label"]
        key, _, name = label.partition("=")
        node = self.server.world.cluster(name) if key == KIND_LABEL else None
        if node is None:
            return []
        state = "running" if node["running"] else "exited"
        return [{"Id": node["id"], "Names": [f"/{name}-control-plane"], "State": state}]

    def _tell_image(self, name: str) -> None:
        image = self.server.world.image(normalized(name))
        if image is None:
            self._send(404, {"message": f"No such image: {name}"})
        else:
            self._send(200, {"Id": image})

    def _send(self, status: int, content: Any) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Not a word."""


@contextmanager
def listening(world: World) -> Iterator[str]:
    """The engine, for the length of a `with`; its address as DOCKER_HOST names it."""
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:  # a socket's path must be short
        socket = Path(folder) / "docker.sock"
        with Engine(socket, world) as engine:
            thread = threading.Thread(target=engine.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"unix://{socket}"
            finally:
                engine.shutdown()
                thread.join()


def _info(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "ServerVersion": "29.1.0",
        "OperatingSystem": "Debian GNU/Linux 12",
        "Architecture": settings["architecture"],
        "CgroupVersion": settings["cgroup_version"],
        "DockerRootDir": settings["docker_root"],
    }


def _without_version(path: str) -> str:
    return "/" + path.split("/", 2)[2] if path.startswith("/v1.") else path
