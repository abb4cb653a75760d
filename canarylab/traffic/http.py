"""HTTP of the measuring half: one GET in full, a URL and request as bytes, a response parser."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from httptools import HttpParserError, HttpResponseParser

from canarylab.errors import TrafficError

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class HttpResponse:
    """A status line, headers and a body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: str

    @property
    def cookies(self) -> dict[str, str]:
        """The cookie that the response sets, as a browser would send it with the next request.

        >>> HttpResponse(200, "OK", {"Set-Cookie": "seen=yes; Path=/; HttpOnly"}, "").cookies
        {'seen': 'yes'}
        """
        fields = {name.lower(): value for name, value in self.headers.items()}
        name, equals, value = fields.get("set-cookie", "").partition(";")[0].partition("=")
        return {name.strip(): value.strip()} if equals else {}

    def __repr__(self) -> str:
        head = [f"{self.status} {self.reason}", *(f"{k}: {v}" for k, v in self.headers.items())]
        return "\n".join([*head, "", self.body])


def get(url: str, request: Request | None = None) -> HttpResponse:
    """Send one GET on a new connection; raise TrafficError when there is no response."""
    parts, shown = _split(url), without_password(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(
            f'"{shown}" is not a URL with a host. Write it like http://127.0.0.1:8888.'
        )
    fields = request.fields if request else {}
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers={**fields, "Connection": "close"})
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as exc:
        raise TrafficError(
            f"There is no answer at {shown}: {exc or type(exc).__name__}. "
            "Start the server, or correct the URL."
        ) from exc
    finally:
        connection.close()
    return HttpResponse(answer.status, answer.reason, dict(answer.getheaders()), body)


def without_password(url: str) -> str:
    """The URL without the user and password in it, as it may be printed.

    >>> without_password("http://ada:secret@127.0.0.1:8888/a@b")
    'http://127.0.0.1:8888/a@b'
    """
    return re.sub(r"//[^/?#]*@", "//", url, count=1)


PORTS = {"http": 80, "https": 443}
_SAFE_IN_PATH = "/?%:@!$&'()*+,;=-._~[]"


VERSION_HEADER = "X-Version"
VERSION_PATTERN = r"""(?i)\bversion\b["'\s:=]*v?(\d\w*(?:[.+-]\w+)*)"""


@dataclass(frozen=True)
class VersionSource:
    """Where a response names its version: in a header, else in its body.

    Without a group, the whole match of the pattern is the version; with groups, the first.

    >>> print(VersionSource(header="X-App-Version"))
    in the header X-App-Version, then as the word version and a number after it in the body
    >>> VersionSource(pattern="*")
    Traceback (most recent call last):
    ValueError: '*' is not a regular expression: nothing to repeat at position 0. Write it as ...
    """

    header: str = VERSION_HEADER
    pattern: str = VERSION_PATTERN

    def __post_init__(self) -> None:
        _ = self.compiled

    @cached_property
    def compiled(self) -> re.Pattern[bytes]:
        """The pattern, for bytes."""
        try:
            return re.compile(self.pattern.encode())
        except re.error as exc:
            raise ValueError(
                f"{self.pattern!r} is not a regular expression: {exc}. "
                "Write it as Python's re module reads it, such as 'v([0-9.]+)'."
            ) from exc

    @cached_property
    def key(self) -> bytes:
        """The name of the header, as it is compared."""
        return self.header.lower().encode()

    def find(self, body: bytes) -> bytes | None:
        """The version that a body names."""
        found = self.compiled.search(body)
        if found is None:
            return None
        return next((group for group in found.groups() if group), found[0])

    def __str__(self) -> str:
        is_default = self.pattern == VERSION_PATTERN
        words = "the word version and a number after it" if is_default else f"{self.pattern!r}"
        return f"in the header {self.header}, then as {words} in the body"


@dataclass(frozen=True)
class Request:
    """What a request adds to a plain GET: Host, headers, cookies, TLS trust."""

    host: str | None = None
    """The Host header, if it differs from the host of the URL."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    """Trusted certificates for https; None is this machine's trust store."""
    version_source: VersionSource = field(default_factory=VersionSource)
    """Where its response names the version."""

    def __post_init__(self) -> None:
        fields = {"Host": self.host or "", **self.headers, **self.cookies}
        for name, value in fields.items():
            if any(not character.isprintable() for character in name + value) or not name:
                raise ValueError(
                    f"The header or cookie {name!r}: {value!r} has characters that would break "
                    "the request apart. Use printable characters in one line."
                )

    @property
    def fields(self) -> dict[str, str]:
        """The header fields that are added."""
        fields = {"Host": self.host} if self.host else {}
        fields |= self.headers
        if self.cookies:
            fields["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        return fields


@dataclass(frozen=True)
class Target:
    """The parts of a URL."""

    url: str
    """Without a user and a password."""
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
        parts, url = _split(url), without_password(url)
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
        """Default value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host.encode("idna").decode()
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def message(self, request: Request, *, kept: bool) -> bytes:
        """The request as bytes; `kept` asks the server to keep the connection."""
        lines = {
            "Host": self.authority,
            "User-Agent": "canarylab",
            "Accept": "application/json, */*",
            "Connection": "keep-alive" if kept else "close",
        } | request.fields
        head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
        return f"GET {self.path} HTTP/1.1\r\n{head}\r\n".encode()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading the port validates it
    except ValueError as exc:
        if "@" in url:  # a password with a slash reads as a port and a path
            shown, why = re.sub(r"//.*@", "//", url), "its user, password or port is wrong"
        else:
            shown, why = url, str(exc)
        raise ValueError(
            f"{shown!r} cannot be read as a URL: {why}. Write it as http://HOST:PORT/."
        ) from None
    return parts


_MAX_BODY = 65_536  # bytes; the version is near the beginning
_MAX_HEAD = 1_000_000  # bytes; servers send a few thousand, and the parser keeps a whole field
_SIZES = (b"content-length", b"transfer-encoding")
_DEFAULT_SOURCE = VersionSource()


class ParsedResponse(NamedTuple):
    """One complete response."""

    status: int
    version: str | None
    pod: str | None
    keep_alive: bool
    """Whether the server keeps the connection open."""


class ResponseParser:
    r"""Parses bytes until a response is complete; then `response` holds it.

    >>> parser = ResponseParser()
    >>> parser.feed(b"HTTP/1.1 200 OK\r\nX-Pod: a\r\nContent-Length: 13\r\n\r\n")
    >>> parser.feed(b'"Version 1.0"')
    >>> parser.response
    ParsedResponse(status=200, version='1.0', pod='a', keep_alive=True)
    """

    def __init__(self, version_source: VersionSource = _DEFAULT_SOURCE) -> None:
        self.response: ParsedResponse | None = None
        self._source, self._version_header = version_source, version_source.key
        self.started = False
        """Whether any byte was received."""
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._has_headers = self._has_size = False
        self._version: bytes | None = None
        self._pod: bytes | None = None
        self._body = b""
        self._head_bytes = 0

    def feed(self, received: bytes) -> None:
        """Parse received bytes; `httptools` raises its own error for what is not HTTP."""
        self.started = True
        if not self._has_headers:
            self._head_bytes += len(received)
            if self._head_bytes > _MAX_HEAD:
                raise HttpParserError(f"The headers are longer than {_MAX_HEAD:,} bytes.")
        if self._parser is not None:
            self._parser.feed_data(received)

    def end(self) -> bool:
        """End of the connection: return whether the response is complete.

        A response without a size ends where the connection ends.
        """
        if self._parser is not None and self._has_headers and not self._has_size:
            self._complete(self._parser)
        return self.response is not None

    # Callbacks of `httptools`, in this order.

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        if key == self._version_header:
            self._version = value
        elif key == b"x-pod":
            self._pod = value
        elif key in _SIZES:
            self._has_size = True

    def on_headers_complete(self) -> None:
        self._has_headers = True

    def on_body(self, part: bytes) -> None:
        if self._version is None and len(self._body) < _MAX_BODY:
            self._body += part

    def on_message_complete(self) -> None:
        if self._parser is None:
            return  # more than one response
        if self._parser.get_status_code() < 200:
            self._reset()  # "100 Continue" and its like come before the response
        else:
            self._complete(self._parser)

    def _reset(self) -> None:
        self._has_headers = self._has_size = False
        self._version = self._pod = None
        self._body = b""

    def _complete(self, parser: HttpResponseParser) -> None:
        if self._version is None and self._body:
            self._version = self._source.find(self._body)
        self.response = ParsedResponse(
            parser.get_status_code(),
            _text(self._version),
            _text(self._pod),
            parser.should_keep_alive(),
        )
        self._parser = (
            None  # it refers to this object; a reference cycle would slow every sample down
        )


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1").strip() or None if value else None
