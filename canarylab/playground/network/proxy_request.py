"""Requests of the reverse proxy: their heads, the decision about each, the headers that pods get.

The header fields are those that ingress-nginx sets and drops. X-Forwarded-* headers of the client
are replaced: https://kubernetes.github.io/ingress-nginx/user-guide/miscellaneous/
https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/template/nginx.tmpl
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11
from multidict import CIMultiDict

from canarylab.http_headers import HOP_BY_HOP
from canarylab.ingress_rules.affinity import Session
from canarylab.ingress_rules.paths import HEADER_NAME
from canarylab.kube_objects import Address

_NOT_FORWARDED = HOP_BY_HOP | {
    "host",
    "content-length",
    "expect",
    "proxy",
    "x-request-id",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-scheme",
    "x-original-forwarded-for",
}


class RequestHead(NamedTuple):
    """A request without its body."""

    method: str
    target: str
    """Path and query, as sent."""
    host: str
    headers: Sequence[tuple[str, str]]
    """Names and values as sent, in their order."""
    by_name: dict[str, str]
    """By names in lower case; values of one name are joined."""
    length: int | None = None
    """Of the body, if it is known."""
    is_upgrade: bool = False
    """Whether the client requests a WebSocket."""


class DirectResponse(NamedTuple):
    """A response made by the proxy, without a pod."""

    status: int
    body: bytes | None = None
    """None for the error page of the status."""
    headers: tuple[tuple[str, str], ...] = ()


class Timeouts(NamedTuple):
    """How long a request may take, in seconds; 0 is no limit."""

    request_s: float = 0.0
    """From the first byte to the end of the response, with all tries."""
    backend_s: float = 0.0
    """One try."""


class Forward(NamedTuple):
    """A request to forward, and its possible endpoints."""

    key: Hashable
    """Key of the round-robin counter."""
    endpoints: tuple[Address, ...]
    head: RequestHead
    """The request as the pod receives it."""
    body_limit: int = 0
    """Bytes; 0 is no limit."""
    mirrors: tuple[Forward, ...] = ()
    timeouts: Timeouts = Timeouts()
    session: Session | None = None
    """Which of the endpoints it is, if a cookie decides; else they take turns."""


Decide = Callable[[RequestHead], DirectResponse | Forward]


class RequestSource(NamedTuple):
    """The source of a request, for the X-Forwarded headers."""

    client: str
    port: int
    """The port of this machine that the client connected to."""
    request_id: str


def read_head(request: web.BaseRequest) -> RequestHead | DirectResponse:
    """Parse the head. Ambiguous requests (request smuggling) get 4xx or 5xx."""
    if status := _error_status(request):
        return DirectResponse(status)
    hosts = request.headers.getall("Host", [])
    target, host = _target_and_host(request.raw_path, hosts[0] if hosts else "")
    if not target.startswith("/") or any(mark in host for mark in " /,@\\"):
        return DirectResponse(400)
    by_name: dict[str, str] = {}
    for mixed_case, value in request.headers.items():
        name = mixed_case.lower()
        if name in by_name:
            by_name[name] += ("; " if name == "cookie" else ", ") + value
        else:
            by_name[name] = value
    return RequestHead(
        method=request.method,
        target=target,
        host=host,
        headers=list(request.headers.items()),
        by_name=by_name,
        length=request.content_length,
        is_upgrade=by_name.get("upgrade", "").lower() == "websocket"
        and "upgrade" in by_name.get("connection", "").lower(),
    )


def as_read_by_nginx(head: RequestHead) -> RequestHead:
    """Without the header fields that nginx drops: `X_Canary`, which CGI takes for `X-Canary`."""
    kept = [field for field in head.headers if HEADER_NAME.fullmatch(field[0])]
    return head if len(kept) == len(head.headers) else head._replace(headers=kept)


def upstream_headers(head: RequestHead, source: RequestSource) -> CIMultiDict[str]:
    """The header fields of the request to a pod."""
    named = head.by_name
    headers = CIMultiDict(
        {
            "Host": head.host,
            "X-Request-ID": named.get("x-request-id") or source.request_id,
            "X-Real-IP": source.client,
            "X-Forwarded-For": source.client,
            "X-Forwarded-Host": head.host,
            "X-Forwarded-Port": str(source.port),
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Scheme": "http",
            "X-Scheme": "http",
        }
    )
    if "x-forwarded-for" in named:
        headers["X-Original-Forwarded-For"] = named["x-forwarded-for"]
    if head.length is not None:
        headers["Content-Length"] = str(head.length)
    if head.is_upgrade:
        headers["Upgrade"], headers["Connection"] = named.get("upgrade", ""), "upgrade"
    of_connection = {name.strip().lower() for name in named.get("connection", "").split(",")}
    for name, value in head.headers:
        lower = name.lower()
        if lower not in _NOT_FORWARDED and lower not in of_connection:
            headers.add(name, sendable(value))
    return headers


def sendable(value: str) -> str:
    """A header value that aiohttp can send: bytes that are not UTF-8 are sent as Latin-1."""
    if value.isascii():
        return value
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _error_status(request: web.BaseRequest) -> int:
    """The status for a request that is not forwarded, or 0."""
    hosts = request.headers.getall("Host", [])
    encoding = request.headers.get("Transfer-Encoding")
    if request.version not in {HttpVersion10, HttpVersion11}:
        return 505
    if request.method in {"CONNECT", "TRACE"}:
        return 405
    if encoding is not None and encoding.lower() != "chunked":
        return 501
    if request.version == HttpVersion10:
        return 400 if encoding is not None or len(hosts) > 1 else 0
    return 0 if len(hosts) == 1 else 400


def _target_and_host(target: str, host: str) -> tuple[str, str]:
    """The path and the host; `GET http://foo.bar.com/x` overrides the Host field."""
    if not target.lower().startswith("http://"):
        return target, host
    parts = urlsplit(target)
    rest = target[len("http://") + len(parts.netloc) :]
    return rest if rest.startswith("/") else f"/{rest}", parts.netloc
