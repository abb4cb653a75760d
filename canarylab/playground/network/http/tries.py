"""May a request that a pod failed be sent to the next one?

https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream
"""

from __future__ import annotations

_NOT_TWICE = frozenset({"POST", "LOCK", "PATCH"})
"""What nginx does not send to a second pod once it was sent to a first."""


class Tries:
    """Those of one request."""

    def __init__(self, method: str, *, most: int) -> None:
        self.was_sent = False
        self._repeats = method not in _NOT_TWICE
        self._most, self._count = most, 0

    def begin(self) -> None:
        """One more."""
        self._count += 1

    def forgive(self) -> None:
        """A pod had closed a connection that was kept: that is no failure."""
        self._count -= 1

    @property
    def are_left(self) -> bool:
        """Would another one do no harm?"""
        return (self._repeats or not self.was_sent) and self._count < self._most
