"""What does a client ask for, read strictly?

What two programs in a row could read differently is refused, not repaired: that is how requests
are smuggled past a proxy. The parser refuses most of it; the rest is here.
https://www.rfc-editor.org/rfc/rfc9112#section-11.2
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

Field = tuple[bytes, bytes]


class Head(NamedTuple):
    """A request before its body."""

    method: str
    target: str
    """Path and query, as sent."""
    host: str
    version: str
    fields: Sequence[Field]
    """Name and value as sent, in their order."""
    named: dict[str, str]
    """By names in lower case; values of one name are joined."""
    length: int | None
    """The body's, if it says one."""
    is_chunked: bool
    keep_alive: bool
    upgrades: bool

    @property
    def has_body(self) -> bool:
        """Will there be anything after the head?"""
        return self.is_chunked or bool(self.length)


class Refused(NamedTuple):
    """The status for a request that is not taken."""

    status: int


class Parsed(NamedTuple):
    """What the parser says of a request."""

    method: str
    target: bytes
    version: str
    fields: Sequence[Field]
    keep_alive: bool
    upgrades: bool


def read_head(parsed: Parsed) -> Head | Refused:
    """The head, or why not."""
    named = _named(parsed.fields)
    target, host = _target_and_host(parsed.target.decode("latin-1"), named.get("host", ""))
    if refusal := _refusal(parsed, named, target, host):
        return refusal
    length = named.get("content-length")
    return Head(
        method=parsed.method,
        target=target,
        host=host,
        version=parsed.version,
        fields=parsed.fields,
        named=named,
        length=None if length is None else int(length),
        is_chunked="transfer-encoding" in named,
        keep_alive=parsed.keep_alive,
        upgrades=parsed.upgrades,
    )


def _refusal(parsed: Parsed, named: dict[str, str], target: str, host: str) -> Refused | None:
    if parsed.version not in {"1.0", "1.1"}:
        return Refused(505)
    if parsed.method in {"CONNECT", "TRACE"}:
        return Refused(405)
    encoding = named.get("transfer-encoding")
    if encoding is not None and encoding.lower() != "chunked":
        return Refused(501)
    is_doubtful = encoding is not None and (parsed.version == "1.0" or "content-length" in named)
    if is_doubtful or not _names_one_host(parsed) or not _is_plain(target, host):
        return Refused(400)
    return None


def _names_one_host(parsed: Parsed) -> bool:
    hosts = sum(name.lower() == b"host" for name, _ in parsed.fields)
    return hosts == 1 or (hosts == 0 and parsed.version == "1.0")


def _is_plain(target: str, host: str) -> bool:
    return target.startswith("/") and not any(mark in host for mark in " /,@\\")


def _named(fields: Sequence[Field]) -> dict[str, str]:
    named: dict[str, str] = {}
    for name_bytes, value_bytes in fields:
        name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
        if name in named:
            value = named[name] + ("; " if name == "cookie" else ", ") + value
        named[name] = value
    return named


def _target_and_host(target: str, host: str) -> tuple[str, str]:
    """`GET http://foo.bar.com/x` names the host better than the header does."""
    if not target.lower().startswith("http://"):
        return target, host
    parts = urlsplit(target)
    rest = target[len("http://") + len(parts.netloc) :]
    return rest if rest.startswith("/") else f"/{rest}", parts.netloc
