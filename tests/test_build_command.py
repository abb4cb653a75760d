"""`canarylab build`, as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from canarylab.playground.images import find
from tests.needs import needs

Done = subprocess.CompletedProcess[str]


def build(home: Path, *words: str, folder: Path | None = None, **environment: str) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "canarylab", "build", *words],
        env={**os.environ, "CANARYLAB_HOME": str(home), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@needs("linux")
def test_without_docker_it_shows_each_step_and_both_images(tmp_path: Path) -> None:
    done = build(tmp_path, "--builder", "process")
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == "Building without Docker. You chose it."
    assert sum("RUN npm ci" in line for line in rest) == 2
    assert [line.partition(":")[2].split()[0] for line in rest if "is built" in line] == [
        "1.0",
        "2.0",
    ]


@needs("linux")
def test_the_variable_names_the_builder_too(tmp_path: Path) -> None:
    done = build(tmp_path, CANARYLAB_BUILDER="process")
    assert done.stdout.startswith(
        "Building without Docker. The variable CANARYLAB_BUILDER says so.\n"
    )


def test_an_unknown_builder_is_one_clear_message(tmp_path: Path) -> None:
    done = build(tmp_path, "--builder", "kaniko")
    assert done.returncode == 1
    assert done.stderr == 'There is no builder "kaniko". There are: docker, process.\n'
    assert done.stdout == ""


def test_docker_that_does_not_answer_is_one_clear_message(tmp_path: Path) -> None:
    done = build(tmp_path, "--builder", "docker", DOCKER_HOST=f"unix://{tmp_path}/docker.sock")
    assert done.returncode == 1
    assert "Docker" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app of somebody's own."""
    own = tmp_path / "own"
    own.mkdir()
    lines = ("FROM node:14", "ARG GREETING=none", "ENV GREETING=$GREETING", 'CMD ["node"]')
    (own / "Dockerfile").write_text("\n".join(lines))
    return own


@needs("linux")
def test_a_folder_is_built_under_its_own_name_and_says_what_is_different(
    folder: Path, tmp_path: Path
) -> None:
    arguments = (
        "--tag",
        "team/web:2",
        "--build-arg",
        "GREETING=hello",
        "--build-arg",
        "HTTP_PROXY=",
    )
    done = build(tmp_path, str(folder), *arguments, "--builder", "process")
    assert done.returncode == 0, done.stderr
    *_, said, note = done.stdout.splitlines()
    assert said.startswith("team/web:2 is built: ")
    assert note.startswith("node:14 names Node.js 14, and this image runs on Node.js ")
    image = find(tmp_path / "images", "team/web:2")
    assert image is not None
    assert image.env == {"GREETING": "hello"}
    assert find(tmp_path / "images", "node_app:1.0") is None


@needs("linux")
@pytest.mark.parametrize("tag", ["web", "web:latest"])
def test_an_image_that_a_cluster_would_pull_is_noted(
    tag: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM node")
    done = build(tmp_path, str(folder), "--tag", tag, "--builder", "process")
    assert done.stdout.splitlines()[-1] == (
        "A real cluster asks a registry for web:latest whenever a pod of it starts, unless the "
        "pod's imagePullPolicy is IfNotPresent or Never. Give the image another tag, as in --tag "
        "web:1.0."
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([".", "-t", "web:1"], "There is no Dockerfile in ."),
        (["nowhere", "-t", "web:1"], "There is no folder nowhere."),
        (["own"], "a folder needs a name for its image: --tag web:1.0"),
        (["--tag", "web:1"], "--tag and --build-arg need a folder"),
        (["own", "--tag", "Web"], '"Web" cannot be the name of an image.'),
        (["own", "-t", "web:1", "--build-arg", "=2"], '"=2" is not a build argument.'),
        (["own", "-t", "web:1", "--build-arg", "X=2"], "No ARG line declares X."),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(
    folder: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    named = [word if word != "own" else str(folder) for word in words]
    done = build(tmp_path, *named, "--builder", "process", folder=tmp_path)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
