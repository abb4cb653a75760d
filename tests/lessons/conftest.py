"""The playground that lessons run on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab.images.builder import VERSIONS
from canarylab.release.connection import Connection
from tests.processes import wait_until_only_the_playground_runs
from tests.running_playground import RunningPlayground


@pytest.fixture
def home(
    playground: RunningPlayground, connection: Connection, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """The playground's, with nothing of another lesson in it; a lesson leaves no process there."""
    if "01-two-versions" in request.node.name:  # the one that runs both versions locally
        request.getfixturevalue("local_ports")
    yield playground.home.root
    for tag in (playground.home.images / "node_app").iterdir():
        if tag.name not in VERSIONS:  # lesson 1 builds a third one
            shutil.rmtree(tag)
    wait_until_only_the_playground_runs(playground.home.root)
