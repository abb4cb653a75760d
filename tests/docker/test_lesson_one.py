"""Lesson 1 holds with a real Docker engine, and leaves both images there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab.playground import daemon_control
from tests.docker.conftest import DockerSetup
from tests.lessons.read_lessons import NOTEBOOKS
from tests.lessons.run_lessons import run

NAME = "01-two-versions.ipynb"
pytestmark = pytest.mark.usefixtures("local_ports")


@pytest.fixture
def place(docker: DockerSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for the notebook; the engine has none of the app's images."""
    for image in docker.builder.list_images():
        docker.client.images.remove(image.reference, force=True, noprune=True)
    monkeypatch.setenv("CANARYLAB_CLUSTER", "playground")
    folder = tmp_path / "notebook"
    folder.mkdir()
    yield folder
    daemon_control.down(docker.home)


async def test_lesson_one_holds_with_containers(docker: DockerSetup, place: Path) -> None:
    await run(NOTEBOOKS / "solved" / NAME, docker.home.root, place, strict=True)
    there = {image.reference for image in docker.builder.list_images()}
    assert {"node_app:1.0", "node_app:2.0"} <= there
    assert docker.containers() == []
