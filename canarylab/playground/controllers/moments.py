"""What time is it? Asked here, so that a test can answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The moment it is."""
    return datetime.now(UTC)
