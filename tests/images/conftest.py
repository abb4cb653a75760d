"""For tests: a workshop in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images.contexts import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """An empty one."""
    return Workshop(tmp_path)
