"""How is an answer framed for the client, and what of it waits to be sent?

What a pod sends at once goes on at once, in one piece: a small answer is one packet.
"""

from __future__ import annotations

from canarylab.playground.network.http.forwarding import LAST_CHUNK, Reply, chunk, reply_bytes
from canarylab.playground.network.http.head import Head


class Outgoing:
    """The answer to one request."""

    def __init__(self, head: Head) -> None:
        self.has_begun = False
        self._head = head
        self._is_chunked = False
        self._waiting: list[bytes] = []

    def switch(self, reply: Reply) -> None:
        """What follows is no HTTP any more."""
        self.has_begun = True
        self._waiting.append(reply_bytes(reply, is_chunked=False, connection=b"upgrade"))

    def begin(self, reply: Reply, *, may_go_on: bool) -> bool:
        """Take the head; return whether another request may follow on the connection.

        Where the pod does not say a length, a client of HTTP/1.0 reads to the connection's end.
        """
        self.has_begun = True
        bodiless = self._head.method == "HEAD" or reply.status in {204, 304}
        unmeasured = not bodiless and reply.length is None
        self._is_chunked = unmeasured and self._head.version == "1.1"
        goes_on = may_go_on and (not unmeasured or self._is_chunked)
        connection = b"keep-alive" if goes_on else b"close"
        self._waiting.append(reply_bytes(reply, is_chunked=self._is_chunked, connection=connection))
        return goes_on

    def add(self, piece: bytes) -> None:
        """A piece of the body."""
        self._waiting.append(chunk(piece) if self._is_chunked else piece)

    def end(self) -> None:
        """It is whole."""
        if self._is_chunked:
            self._waiting.append(LAST_CHUNK)

    def take(self) -> bytes:
        """What waits, which then waits no more."""
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)
