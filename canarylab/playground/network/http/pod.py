"""A connection to a pod: a request goes in, an answer comes out, and perhaps another after it."""

from __future__ import annotations

import asyncio

import httptools

from canarylab.kube_objects import Address
from canarylab.playground.network.http.forwarding import Reply
from canarylab.playground.network.http.head import Field
from canarylab.playground.network.http.sides import Asker


class Pod(asyncio.Protocol):
    """One connection; `serve` it a request when it is free."""

    def __init__(self, address: Address, all_open: set[Pod]) -> None:
        self.address = address
        self._all_open = all_open
        self.uses = 0
        self.is_writable = True
        self.is_reusable = False
        self.idle_since = 0.0
        self._asker: Asker | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._phrase, self._fields = b"", list[Field]()
        self._in_head, self._is_interim, self._is_done = True, False, False
        self._ends_with_connection = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There it is."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._all_open.add(self)

    def serve(self, asker: Asker) -> None:
        """The next answer is for this one. A parser of its own: the last may be in mid-answer."""
        self._asker = asker
        self.uses += 1
        self._parser = httptools.HttpResponseParser(self)
        self._begin_message()
        self._is_done = self._ends_with_connection = False

    def write(self, piece: bytes) -> None:
        """Send it when there is room; who sends much looks at `is_writable` first."""
        self.transport.write(piece)

    def hold_back(self, *, is_held: bool) -> None:
        """Let it send nothing, or go on."""
        if is_held:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        self._asker = None
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """A piece of an answer, or of several."""
        asker = self._asker
        if asker is None:
            self.transport.abort()  # it speaks without being asked
        elif asker.is_tunnel:
            asker.raw(data)
        else:
            self._read(asker, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Some answers end so; the others are cut."""
        asker, self._asker = self._asker, None
        self.is_reusable = False
        self._all_open.discard(self)
        if asker is None:
            return
        if self._ends_with_connection and exc is None:
            asker.reply_done()
        else:
            asker.pod_lost()

    def pause_writing(self) -> None:
        """It does not take in as fast as it is given."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """It does again."""
        self.is_writable = True
        if self._asker is not None:
            self._asker.pod_writable()

    def _read(self, asker: Asker, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            asker.reply_pause()
            if self._asker is asker and (rest := data[upgrade.args[0] :]):
                asker.raw(rest)
            return
        except httptools.HttpParserError:
            self._asker = None
            self.transport.abort()
            asker.reply_pause()
            asker.pod_lost()
            return
        if self._is_done and self._asker is asker:
            self._asker = None
            asker.reply_done()
        else:
            asker.reply_pause()

    # What the parser says.

    def on_message_begin(self) -> None:
        """Another answer, or the real one after an interim one."""
        self._begin_message()

    def on_status(self, phrase: bytes) -> None:
        """The words after the number."""
        self._phrase += phrase

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; what follows a chunked body is dropped."""
        if self._in_head:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        status = self._parser.get_status_code()
        self._is_interim = 100 <= status < 200 and status != 101
        asker = self._asker
        if self._is_interim or asker is None or self._is_done:
            return
        reply = self._reply(status)
        self.is_reusable = reply.keep_alive
        bodiless = not asker.wants_body or status in {204, 304}
        self._is_done = bodiless
        self._ends_with_connection = not (bodiless or reply.is_chunked or reply.length)
        asker.reply_head(reply)

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        if self._asker is not None and not self._is_done:
            self._asker.reply_body(piece)

    def on_message_complete(self) -> None:
        """The whole answer is there."""
        self._is_done = self._is_done or not self._is_interim

    def _begin_message(self) -> None:
        self._phrase, self._fields, self._in_head = b"", [], True

    def _reply(self, status: int) -> Reply:
        named = {name.lower(): value for name, value in self._fields}
        return Reply(
            status=status,
            phrase=self._phrase,
            fields=self._fields,
            length=named.get(b"content-length"),
            is_chunked=b"transfer-encoding" in named,
            keep_alive=self._parser.should_keep_alive(),
        )
