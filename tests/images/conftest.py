"""A project folder for tests of builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path)
