"""A node port as a real node has it: refused by source port, as connection tracking does.

Before kube-proxy knows the port, a connection is refused, and the kernel keeps an untranslated
entry for its source port; a later connection from that port matches the entry and is refused too.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

FIRST_EPHEMERAL, EPHEMERAL_PORTS = 32_768, 64
_RESET = struct.pack("ii", 1, 0)
_RESPONSE = b"HTTP/1.1 200 OK\r\nX-Version: 1.0\r\nX-Pod: a\r\nContent-Length: 0\r\n\r\n"


class ConntrackNode(socketserver.ThreadingTCPServer):
    """Answers as pod "a" from `known_after_s` after the first connection on."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, *, known_after_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._known_after_s, self._known_at = known_after_s, float("inf")
        self._lock = threading.Lock()
        self.untranslated: set[int] = set()

    @property
    def url(self) -> str:
        """Where the node port is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def refuses(self, source_port: int) -> bool:
        """Whether a connection from this port is refused now; it then stays so."""
        if source_port >= FIRST_EPHEMERAL:  # few of them, so that each is soon used again
            source_port = FIRST_EPHEMERAL + source_port % EPHEMERAL_PORTS
        with self._lock:
            now = time.monotonic()
            self._known_at = min(self._known_at, now + self._known_after_s)
            if now < self._known_at:
                self.untranslated.add(source_port)
            return source_port in self.untranslated


class _Handler(socketserver.BaseRequestHandler):
    server: ConntrackNode

    def handle(self) -> None:
        if self.server.refuses(self.client_address[1]):
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return
        self.request.recv(4096)
        self.request.sendall(_RESPONSE)


@contextmanager
def conntrack_node(*, known_after_s: float) -> Iterator[ConntrackNode]:
    """Serve for the length of a `with`."""
    with ConntrackNode(known_after_s=known_after_s) as node:
        thread = threading.Thread(target=node.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield node
        finally:
            node.shutdown()
            thread.join()
