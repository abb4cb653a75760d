"""What does a pod read of a request, and a client of an answer?

The header fields are those that ingress-nginx sets and drops. It believes nothing that a client
says of its own address: https://kubernetes.github.io/ingress-nginx/user-guide/miscellaneous/
https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/template/nginx.tmpl
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from canarylab.playground.network.http.head import Field, Head

_OF_ONE_CONNECTION = frozenset(
    b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)
_NOT_SENT_BACK = _OF_ONE_CONNECTION | {b"content-length"}
_NOT_SENT_ON = _OF_ONE_CONNECTION | frozenset(
    b"host content-length expect proxy x-request-id x-real-ip x-forwarded-for x-forwarded-host "
    b"x-forwarded-port x-forwarded-proto x-forwarded-scheme x-scheme x-original-forwarded-for"
    b"".split()
)


class Visitor(NamedTuple):
    """Where a request came in, and from whom."""

    client: str
    port: int
    request_id: str


class Reply(NamedTuple):
    """An answer before its body, as a pod gave it."""

    status: int
    phrase: bytes
    fields: Sequence[Field]
    length: bytes | None
    is_chunked: bool
    keep_alive: bool


def request_bytes(head: Head, target: str, visitor: Visitor) -> bytes:
    """The head that a pod gets."""
    named = head.named
    lines = [
        f"{head.method} {target} HTTP/1.1",
        f"Host: {head.host}",
        f"X-Request-ID: {named.get('x-request-id') or visitor.request_id}",
        f"X-Real-IP: {visitor.client}",
        f"X-Forwarded-For: {visitor.client}",
        f"X-Forwarded-Host: {head.host}",
        f"X-Forwarded-Port: {visitor.port}",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Scheme: http",
        "X-Scheme: http",
    ]
    if "x-forwarded-for" in named:
        lines.append(f"X-Original-Forwarded-For: {named['x-forwarded-for']}")
    if head.is_chunked:
        lines.append("Transfer-Encoding: chunked")
    elif head.length is not None:
        lines.append(f"Content-Length: {head.length}")
    if head.upgrades:
        lines += [f"Upgrade: {named.get('upgrade', '')}", "Connection: upgrade"]
    dropped = _NOT_SENT_ON | _nominated(head)
    # A name with an underscore looks like another one with a hyphen to CGI; nginx drops it.
    kept = [
        name + b": " + value
        for name, value in head.fields
        if name.lower() not in dropped and b"_" not in name
    ]
    return b"\r\n".join(["\r\n".join(lines).encode("latin-1"), *kept]) + b"\r\n\r\n"


def reply_bytes(reply: Reply, *, is_chunked: bool, connection: bytes) -> bytes:
    """The head that a client gets; its framing is ours to say."""
    lines = [b"HTTP/1.1 %d %b" % (reply.status, reply.phrase)]
    dropped = _NOT_SENT_BACK - {b"upgrade"} if reply.status == 101 else _NOT_SENT_BACK
    lines += [name + b": " + value for name, value in reply.fields if name.lower() not in dropped]
    if is_chunked:
        lines.append(b"Transfer-Encoding: chunked")
    elif reply.length is not None:
        lines.append(b"Content-Length: " + reply.length)
    if connection:
        lines.append(b"Connection: " + connection)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def chunk(piece: bytes) -> bytes:
    """A piece of a body that does not say its length beforehand."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _nominated(head: Head) -> frozenset[bytes]:
    """Fields that the client says are for the next program only."""
    said = head.named.get("connection", "")
    return frozenset(name.strip().lower().encode("latin-1") for name in said.split(","))
