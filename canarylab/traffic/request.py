"""Where does a request go, and what does it say?"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urlsplit

PORTS = {"http": 80, "https": 443}
_SAFE_IN_PATH = "/?%:@!$&'()*+,;=-._~[]"


@dataclass(frozen=True)
class Request:
    """What is added to a plain GET: another Host for an Ingress, headers, cookies, trust."""

    host: str | None = None
    """The Host header, where it is not the host that is connected to."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    """Whom to trust for https; None trusts whom this machine trusts."""

    def __post_init__(self) -> None:
        said = {"Host": self.host or "", **self.headers, **self.cookies}
        for name, value in said.items():
            if any(not character.isprintable() for character in name + value) or not name:
                raise ValueError(
                    f"The header or cookie {name!r}: {value!r} has characters that would break "
                    "the request apart. Use printable characters in one line."
                )


@dataclass(frozen=True)
class Target:
    """A URL, taken apart."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Target:
        """The parts of a URL, or a ValueError that says which part is missing.

        >>> Target.parse("http://127.0.0.1:32089/?a=b").port
        32089
        """
        parts = _split(url)
        if parts.scheme not in PORTS:
            raise ValueError(f"{url!r} does not start with http:// or https://. Write it in full.")
        if not parts.hostname or any(character.isspace() for character in parts.netloc):
            raise ValueError(f"{url!r} names no host. Write it as http://HOST:PORT/.")
        path = quote(parts.path or "/", safe=_SAFE_IN_PATH)
        query = quote(parts.query, safe=_SAFE_IN_PATH)
        port = parts.port or PORTS[parts.scheme]
        return cls(url, parts.scheme, parts.hostname, port, f"{path}?{query}" if query else path)

    @property
    def authority(self) -> str:
        """What the Host header says when nobody asks for another."""
        host = f"[{self.host}]" if ":" in self.host else self.host.encode("idna").decode()
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def message(self, request: Request, *, kept: bool) -> bytes:
        """The request as it goes over the wire; `kept` asks to keep the connection."""
        lines = {
            "Host": request.host or self.authority,
            "User-Agent": "canarylab",
            "Accept": "application/json, */*",
            "Connection": "keep-alive" if kept else "close",
        } | dict(request.headers)
        if request.cookies:
            lines["Cookie"] = "; ".join(f"{name}={text}" for name, text in request.cookies.items())
        head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
        return f"GET {self.path} HTTP/1.1\r\n{head}\r\n".encode()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it is what checks it
    except ValueError as exc:
        raise ValueError(
            f"{url!r} cannot be read as a URL: {exc}. Write it as http://HOST:PORT/."
        ) from exc
    return parts
