"""One request, and its answer in full: what `curl -i` shows."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from canarylab.errors import TrafficError

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Reply:
    """A status line, headers and a body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: str

    def __repr__(self) -> str:
        head = [f"{self.status} {self.reason}", *(f"{k}: {v}" for k, v in self.headers.items())]
        return "\n".join([*head, "", self.body])


def ask(url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
    """Ask once, on a connection of its own; raise TrafficError when nobody answers."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f'"{url}" is no address to ask. Write it like http://127.0.0.1:8888.')
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers=dict(headers or {}) | {"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as exc:
        raise TrafficError(
            f"Nobody answers at {url}: {exc or type(exc).__name__}. "
            "Start what should answer there, or correct the address."
        ) from exc
    finally:
        connection.close()
    return Reply(answer.status, answer.reason, dict(answer.getheaders()), body)
