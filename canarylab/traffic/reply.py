"""Who answered, according to the bytes that came back?"""

from __future__ import annotations

import re
from typing import NamedTuple

from httptools import HttpResponseParser

_MOST_BODY = 65_536  # bytes; a version stands near the beginning
_VERSION = re.compile(rb"Version ([^\s\"',<>{}\\]+)")
_SIZES = (b"content-length", b"transfer-encoding")


class Reply(NamedTuple):
    """One complete response."""

    status: int
    version: str | None
    pod: str | None
    keeps: bool
    """Whether the server keeps the connection."""


class Reader:
    r"""Takes bytes until a response is complete; then `reply` holds it.

    >>> reader = Reader()
    >>> reader.feed(b"HTTP/1.1 200 OK\r\nX-Pod: a\r\nContent-Length: 13\r\n\r\n")
    >>> reader.feed(b'"Version 1.0"')
    >>> reader.reply
    Reply(status=200, version='1.0', pod='a', keeps=True)
    """

    def __init__(self) -> None:
        self.reply: Reply | None = None
        self.started = False
        """Whether anything came at all."""
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._headed = self._sized = False
        self._version: bytes | None = None
        self._pod: bytes | None = None
        self._body = b""

    def feed(self, received: bytes) -> None:
        """Take what came next; `httptools` raises its own error for what is not HTTP."""
        self.started = True
        if self._parser is not None:
            self._parser.feed_data(received)

    def end(self) -> bool:
        """Nothing more will come: whether that completes the response.

        A response that does not say its size ends where the connection ends.
        """
        if self._parser is not None and self._headed and not self._sized:
            self._complete(self._parser)
        return self.reply is not None

    # What `httptools` calls, in this order.

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        if key == b"x-version":
            self._version = value
        elif key == b"x-pod":
            self._pod = value
        elif key in _SIZES:
            self._sized = True

    def on_headers_complete(self) -> None:
        self._headed = True

    def on_body(self, part: bytes) -> None:
        if self._version is None and len(self._body) < _MOST_BODY:
            self._body += part

    def on_message_complete(self) -> None:
        if self._parser is None:
            return  # more than was asked for
        if self._parser.get_status_code() < 200:
            self._forget()  # "100 Continue" and its like come before the response
        else:
            self._complete(self._parser)

    def _forget(self) -> None:
        self._headed = self._sized = False
        self._version = self._pod = None
        self._body = b""

    def _complete(self, parser: HttpResponseParser) -> None:
        if self._version is None and (found := _VERSION.search(self._body)):
            self._version = found[1]
        self.reply = Reply(
            parser.get_status_code(),
            _text(self._version),
            _text(self._pod),
            parser.should_keep_alive(),
        )
        self._parser = None  # it refers to us: no circles, or the collector slows every sample


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1").strip() or None if value else None
