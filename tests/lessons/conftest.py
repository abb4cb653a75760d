"""What tests that run notebooks share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.lessons.running import own_home


@pytest.fixture
async def home() -> AsyncIterator[Path]:
    """A home for one notebook."""
    async with own_home() as folder:
        yield folder
