"""What do the two sides of an exchange know of it: the client's connection, and the pod's?"""

from __future__ import annotations

from typing import Protocol

from canarylab.playground.network.http.forwarding import Reply


class Asking(Protocol):
    """The client's side of the exchange."""

    host: str
    is_writable: bool

    def write(self, piece: bytes) -> None: ...

    def unsent(self) -> int:
        """Bytes that the client has not taken yet."""
        ...

    def expect_within(self, seconds: float) -> None:
        """Ask `Exchange.overdue` if nothing happens for so long."""
        ...

    def regulate(self) -> None:
        """Read on, or wait, as the exchange now wants it."""
        ...

    def exchange_done(self) -> None: ...

    def cut(self) -> None:
        """End the connection in the middle of the answer."""
        ...


class Asker(Protocol):
    """Who waits for the answer."""

    @property
    def wants_body(self) -> bool:
        """Not for a HEAD request: its answer only looks as if it had one."""
        ...

    @property
    def is_tunnel(self) -> bool: ...

    def reply_head(self, reply: Reply) -> None: ...

    def reply_body(self, piece: bytes) -> None: ...

    def reply_pause(self) -> None:
        """Nothing more for now: what has come can be sent on in one go."""
        ...

    def reply_done(self) -> None: ...

    def raw(self, piece: bytes) -> None:
        """Bytes that are no HTTP any more."""
        ...

    def pod_lost(self) -> None: ...

    def pod_writable(self) -> None: ...
