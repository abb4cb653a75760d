"""`canarylab build`, as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.needs import needs

Done = subprocess.CompletedProcess[str]


def build(home: Path, *words: str, **environment: str) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "canarylab", "build", *words],
        env={**os.environ, "CANARYLAB_HOME": str(home), **environment},
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
