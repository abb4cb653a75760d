"""What of a request's body was received, and what can still be sent again?"""

from __future__ import annotations

from canarylab.playground.network.http.forwarding import LAST_CHUNK, chunk
from canarylab.playground.network.http.head import Head


class Body:
    """The body of one request, most of which is gone as soon as it is sent on."""

    def __init__(self, head: Head, *, replay_bytes: int) -> None:
        self.received = 0
        self.is_complete = not head.has_body
        self._length = head.length or 0
        self._is_chunked, self._replay_bytes = head.is_chunked, replay_bytes
        self._kept: list[bytes] | None = []

    @property
    def is_repeatable(self) -> bool:
        """Can it be sent from its beginning?"""
        return self._kept is not None

    def exceeds(self, limit: int) -> bool:
        """Is there more of it than so many bytes, or will there be? 0 is no limit."""
        return bool(limit) and max(self._length, self.received) > limit

    def add(self, piece: bytes, *, is_sent: bool) -> bytes:
        """Take note of a piece; return it as a pod reads it.

        What is not sent yet is kept in any case, what is, up to a limit.
        """
        self.received += len(piece)
        if is_sent and self.received > self._replay_bytes:
            self._kept = None
        elif self._kept is not None:
            self._kept.append(piece)
        return self._framed(piece)

    def end(self) -> bytes:
        """There is no more; return what tells a pod so."""
        self.is_complete = True
        return LAST_CHUNK if self._is_chunked else b""

    def from_beginning(self) -> list[bytes]:
        """All of it so far, as a pod reads it."""
        pieces = [self._framed(piece) for piece in self._kept or ()]
        return [*pieces, LAST_CHUNK] if self.is_complete and self._is_chunked else pieces

    def _framed(self, piece: bytes) -> bytes:
        return chunk(piece) if self._is_chunked else piece
