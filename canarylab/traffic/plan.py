"""How many requests are sent, how fast, and over which connections?"""

from __future__ import annotations

from dataclasses import dataclass

MOST_REQUESTS = 200_000
LONGEST_S = 600.0
MOST_AT_ONCE = 256  # connections
LONGEST_PATIENCE_S = 60.0
FASTEST = 100_000.0  # requests per second


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The bounds of one sample: a number of requests or a time, one of the two.

    >>> Plan(count=40).workers
    16
    >>> Plan(seconds=2, keep_alive=4).workers
    4
    """

    count: int | None = None
    seconds: float | None = None
    """No request starts later than this; it ends earlier at `MOST_REQUESTS`."""
    concurrency: int = 16
    """How many requests are under way at once; with `keep_alive` it is one per connection."""
    keep_alive: int = 0
    """How many connections are opened and kept; 0 opens a new one for each request."""
    per_second: float | None = None
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        if (self.count is None) == (self.seconds is None):
            asked = "neither" if self.count is None else "both"
            raise ValueError(
                f"A sample is bounded by a number of requests or by a time, and here {asked} "
                "is given. Give count=200, or seconds=10."
            )
        _within("count", self.count, 1, MOST_REQUESTS)
        _above_nought("seconds", self.seconds, LONGEST_S)
        _within("concurrency", self.concurrency, 1, MOST_AT_ONCE)
        _within("keep_alive", self.keep_alive, 0, MOST_AT_ONCE)
        _above_nought("per_second", self.per_second, FASTEST)
        _above_nought("timeout_s", self.timeout_s, LONGEST_PATIENCE_S)

    @property
    def workers(self) -> int:
        """How many requests can be under way at once."""
        return min(self.keep_alive or self.concurrency, self.most)

    @property
    def most(self) -> int:
        """No more requests than this, whatever the time."""
        return self.count or MOST_REQUESTS


def _within(name: str, value: int | None, least: int, most: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(
            f"{name} cannot be {value!r}. Give a whole number from {least} to {most:,}."
        )


def _above_nought(name: str, value: float | None, most: float) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most:
        raise ValueError(f"{name} cannot be {value!r}. Give a number above 0, {most:,.0f} at most.")
