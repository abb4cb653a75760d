"""A project folder for tests of builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images.project import Project
from tests.root_ways import both_ways, machine_paths, own_root

__all__ = ["both_ways", "machine_paths", "own_root", "project"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path)
