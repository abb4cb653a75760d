"""A Docker engine that has answers ready, on a socket of its own."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

VERSION = {"Version": "29.1.3", "ApiVersion": "1.51", "MinAPIVersion": "1.40"}
INFO = {"ServerVersion": "29.1.3", "OperatingSystem": "Debian GNU/Linux 13", "CgroupVersion": "2"}

Answer = Callable[[str, bytes], tuple[int, Any]]
"""From path and body to status and answer: bytes as they are, all else as JSON."""
HANG_UP = (0, None)
"""The answer of an engine that dies."""


class FakeDocker(ThreadingMixIn, UnixStreamServer):
    """Answers what the engine answers; `asked` holds method and path of every request."""

    daemon_threads = True

    def __init__(self, socket: Path, answers: dict[str, Answer]) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {
            "GET /version": lambda path, body: (200, VERSION),
            "GET /info": lambda path, body: (200, INFO),
            **answers,
        }
        self.host = f"unix://{socket}"
        super().__init__(str(socket), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error; anything else is shown, as it is by default."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Of the first entry whose method and path the request begins with."""
        bare = path.removeprefix(f"/v{VERSION['ApiVersion']}")
        self.asked.append(f"{method} {bare}")
        for beginning, answer in self.answers.items():
            if f"{method} {bare}".startswith(beginning):
                return answer(bare, body)
        return 404, {"message": f"this fake does not know {method} {bare}"}


class _Handler(BaseHTTPRequestHandler):
    server: FakeDocker

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def address_string(self) -> str:  # a unix socket has no address to name
        return "docker"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, body: bytes) -> None:
        status, said = self.server.answer(self.command, self.path, body)
        if (status, said) == HANG_UP:
            return
        sent = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        kind = "application/x-tar" if isinstance(said, bytes) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole


@contextmanager
def fake_docker(folder: Path, **answers: Answer) -> Iterator[FakeDocker]:
    """An engine that runs; `answers` names paths as `GET_info`."""
    named = {name.replace("_", " /", 1): answer for name, answer in answers.items()}
    with FakeDocker(folder / "docker.sock", named) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
