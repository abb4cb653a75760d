"""Sends a copy of a request to a pod, and throws its answer away.

Nobody waits for a copy: what fails it, or would slow the real request down, ends it.
"""

from __future__ import annotations

from contextlib import suppress

from canarylab.kube_objects import Address
from canarylab.playground.network.http.forwarding import Reply
from canarylab.playground.network.http.pod import Pod
from canarylab.playground.network.http.pool import Pool

MOST_UNSENT = 1_048_576  # bytes


class Mirror:
    """One copy of one request."""

    is_tunnel = False

    def __init__(self, pool: Pool, address: Address, *, wants_body: bool) -> None:
        self.wants_body = wants_body
        self._pool = pool
        self._pod: Pod | None = None
        self._unsent: list[bytes] = []
        self._is_over = self._is_complete = self._is_answered = False
        self._connecting = pool.go(self._connect(address))

    def write(self, piece: bytes) -> None:
        """A piece of the request, as a pod reads it."""
        if self._is_over:
            return
        if self._pod is None:
            self._unsent.append(piece)
            waiting = sum(map(len, self._unsent))
        else:
            self._pod.write(piece)
            waiting = self._pod.transport.get_write_buffer_size()
        if waiting > MOST_UNSENT:
            self.stop()

    def end(self) -> None:
        """The request is whole; the answer may come."""
        self._is_complete = True

    def stop(self) -> None:
        """There is no use in it any more."""
        self._is_over = True
        self._connecting.cancel()
        if self._pod is not None:
            self._pod.abandon()
            self._pod = None

    async def _connect(self, address: Address) -> None:
        with suppress(OSError):
            self._pod = self._pool.take(address) or await self._pool.connect(address)
            self._pod.serve(self)
            for piece in self._unsent:
                self._pod.write(piece)
        self._unsent = []
        self._is_over = self._pod is None

    # What the pod does, which nobody hears.

    def reply_head(self, reply: Reply) -> None:
        """An answer begins."""

    def reply_body(self, piece: bytes) -> None:
        """It goes on."""

    def reply_pause(self) -> None:
        """It pauses."""

    def reply_done(self) -> None:
        """The pod is free for another."""
        pod, self._pod = self._pod, None
        self._is_over = True
        if pod is not None and self._is_complete:
            self._pool.give(pod)
        elif pod is not None:
            pod.abandon()

    def raw(self, piece: bytes) -> None:
        """A copy is no conversation."""
        self.stop()

    def pod_lost(self) -> None:
        """So be it."""
        self._pod, self._is_over = None, True

    def pod_writable(self) -> None:
        """What it did not take in time was the end of it."""


class Copies:
    """All copies of one request."""

    def __init__(self, pool: Pool, *, wants_body: bool) -> None:
        self._pool, self._wants_body = pool, wants_body
        self._mirrors: list[Mirror] = []

    def begin(self, address: Address, pieces: list[bytes]) -> None:
        """Another one, with what of the request there is so far."""
        mirror = Mirror(self._pool, address, wants_body=self._wants_body)
        mirror.write(b"".join(pieces))
        self._mirrors.append(mirror)

    def write(self, piece: bytes) -> None:
        """To all of them."""
        for mirror in self._mirrors:
            mirror.write(piece)

    def end(self) -> None:
        """The request is whole."""
        for mirror in self._mirrors:
            mirror.end()

    def stop(self) -> None:
        """The request will never be whole."""
        for mirror in self._mirrors:
            mirror.stop()
