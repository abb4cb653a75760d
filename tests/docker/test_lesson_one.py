"""Lesson 1 holds what it promises with a real Docker engine, and leaves both images there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.conftest import DockerSetup
from tests.lessons.reading import NOTEBOOKS
from tests.lessons.running import own_home, run

NAME = "1-two-versions.ipynb"


@pytest.fixture
def place(docker: DockerSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the notebook; the engine has none of the app's images."""
    for image in docker.builder.list_images():
        docker.client.images.remove(image.reference, force=True, noprune=True)
    monkeypatch.setenv("CANARYLAB_CLUSTER", "playground")
    folder = tmp_path / "notebook"
    folder.mkdir()
    return folder


async def test_lesson_one_holds_with_containers(docker: DockerSetup, place: Path) -> None:
    async with own_home() as home:
        await run(NOTEBOOKS / "solved" / NAME, home, place, strict=True)
    there = {image.reference for image in docker.builder.list_images()}
    assert {"node_app:1.0", "node_app:2.0"} <= there
    assert docker.containers() == []


async def test_the_learner_s_notebook_runs_through_with_containers(
    docker: DockerSetup, place: Path
) -> None:
    async with own_home() as home:
        await run(NOTEBOOKS / NAME, home, place, strict=False)
    assert docker.containers() == []
