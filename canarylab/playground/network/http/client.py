"""A connection of a client: requests come in, and are answered in the same order."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from typing import Protocol

import httptools

from canarylab.playground.network.http.exchange import Exchange
from canarylab.playground.network.http.head import Field, Parsed, Refused, read_head
from canarylab.playground.network.http.pages import answer_bytes
from canarylab.playground.network.http.pool import Pool
from canarylab.playground.network.http.shared import Shared
from canarylab.playground.network.http.verdicts import Answer

logger = logging.getLogger(__name__)


class House(Protocol):
    """Knows who is there."""

    def welcome(self, client: Client) -> None: ...

    def forget(self, client: Client) -> None: ...


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, shared: Shared, pool: Pool, house: House) -> None:
        self.host = ""
        self.is_writable = True
        self.deadline = math.inf
        self._shared, self._pool, self._house = shared, pool, house
        self._parser = httptools.HttpRequestParser(self)
        self._exchanges: deque[Exchange] = deque()
        self._receiving: Exchange | None = None
        self._target, self._fields, self._head_bytes = b"", list[Field](), 0
        self._in_head = True
        self._is_deaf = self._is_upgrading = False
        self._refused = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.host = transport.get_extra_info("peername")[0]
        self.expect_within(self._shared.limits.client_s)
        self._house.welcome(self)

    def data_received(self, data: bytes) -> None:
        """Requests, or pieces of them."""
        if self._is_deaf or self._refused:
            return
        if self._is_upgrading:
            self._exchanges[-1].from_client(data)
        else:
            self._parse(data)
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._house.forget(self)
        exchanges, self._exchanges = self._exchanges, deque()
        for exchange in exchanges:
            exchange.client_lost()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""
        self.is_writable = False
        if self._exchanges:
            self._exchanges[0].client_writable(is_writable=False)

    def resume_writing(self) -> None:
        """It has caught up."""
        self.is_writable = True
        if self._exchanges:
            self._exchanges[0].client_writable(is_writable=True)

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    def overdue(self) -> None:
        """It has been silent for too long, or what it waits for has."""
        if self._exchanges and not self._is_deaf:
            self._exchanges[0].overdue()
        else:
            self._transport.close()

    # What an exchange asks for.

    def write(self, piece: bytes) -> None:
        """Send it when there is room."""
        self._transport.write(piece)

    def unsent(self) -> int:
        """Bytes that wait for room."""
        return self._transport.get_write_buffer_size()

    def expect_within(self, seconds: float) -> None:
        """From now."""
        self.deadline = self._shared.clock() + seconds

    def regulate(self) -> None:
        """A second request waits outside until the first is answered, a body until it has a way."""
        waiting = len(self._exchanges) > 1 or (
            bool(self._exchanges) and not self._exchanges[0].wants_more
        )
        if waiting and not self._is_deaf:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def exchange_done(self) -> None:
        """The next one, or the end."""
        done = self._exchanges.popleft()
        if not done.keep_alive:
            self._end(linger=not done.is_request_complete)
            return
        self.expect_within(self._shared.limits.keep_alive_s)
        if self._exchanges or self._refused:
            asyncio.get_running_loop().call_soon(self._advance)
        else:
            self.regulate()

    def cut(self) -> None:
        """So that the client sees that the answer is not whole: it ends without its end."""
        self._transport.close()

    # How.

    def _advance(self) -> None:
        """Begin the first request that waits; what is left of a refused one, answer."""
        while self._exchanges and not self._exchanges[0].is_begun:
            self._exchanges[0].begin()
        if self._refused and not self._exchanges and not self._is_deaf:
            self._refuse()
        self.regulate()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._is_upgrading = not self._refused
            if self._is_upgrading and (rest := data[upgrade.args[0] :]):
                self._exchanges[-1].from_client(rest)
        except httptools.HttpParserCallbackError:
            logger.exception("a request could not be read")
            self._transport.abort()
        except httptools.HttpParserError:
            self._broken()
        if self._in_head and not self._refused:
            self._head_bytes += len(data)
            self._check_size()

    def _broken(self) -> None:
        """What comes is no HTTP: a request that it cuts off is not answered but with 400."""
        self._refused = self._refused or 400
        if self._receiving is not None and self._receiving in self._exchanges:
            self._exchanges.remove(self._receiving)
            self._receiving.client_lost()
            if self._receiving.is_answering:
                self._transport.abort()

    def _check_size(self) -> None:
        if len(self._target) > self._shared.limits.target_bytes:
            self._refused = 414
        elif self._head_bytes > self._shared.limits.head_bytes:
            self._refused = 400

    def _refuse(self) -> None:
        self.write(answer_bytes(Answer(self._refused), keep_alive=False, bodiless=False))
        self._end(linger=True)

    def _end(self, *, linger: bool) -> None:
        """Close; but who is still sending would lose the answer to a reset, so hear him out."""
        self._is_deaf = True
        if linger and self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
            self._transport.resume_reading()
            self.expect_within(self._shared.limits.linger_s)
        else:
            self._transport.close()

    # What the parser says.

    def on_message_begin(self) -> None:
        """Another request."""
        self._target, self._fields, self._head_bytes, self._in_head = b"", [], 0, True

    def on_url(self, piece: bytes) -> None:
        """A piece of its target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of its head; what follows a chunked body is dropped."""
        if self._in_head:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._in_head = False
        self._head_bytes = sum(len(name) + len(value) for name, value in self._fields)
        self._check_size()
        if self._refused:
            return
        head = read_head(
            Parsed(
                method=self._parser.get_method().decode("latin-1"),
                target=self._target,
                version=self._parser.get_http_version(),
                fields=self._fields,
                keep_alive=self._parser.should_keep_alive(),
                upgrades=self._parser.should_upgrade(),
            )
        )
        if isinstance(head, Refused):
            self._refused = head.status
            return
        self._receiving = Exchange(self._shared, self._pool, self, head)
        self._exchanges.append(self._receiving)

    def on_body(self, piece: bytes) -> None:
        """A piece of its body."""
        if self._receiving is not None:
            self._receiving.body(piece)

    def on_message_complete(self) -> None:
        """It is whole."""
        receiving, self._receiving = self._receiving, None
        self._head_bytes, self._in_head = 0, True
        if receiving is not None:
            receiving.body_done()
