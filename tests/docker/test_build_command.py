"""`canarylab build` with a real engine."""

from __future__ import annotations

import os
import subprocess
import sys

from canarylab.playground.images import find
from tests.docker.conftest import DockerSetup
from tests.docker.registries import running_registry


def canarylab(docker: DockerSetup, *words: str) -> list[str]:
    """What it prints; the test fails where the command fails."""
    ours = {"CANARYLAB_HOME": str(docker.home.root), "CANARYLAB_CLUSTER": "playground"}
    return subprocess.run(
        [sys.executable, "-m", "canarylab", *words],
        env={**os.environ, **ours},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_it_builds_with_docker_and_for_the_playground(docker: DockerSetup) -> None:
    said = canarylab(docker, "build")
    assert said[0] == "Building with Docker. Docker is running on this machine."
    assert sum("RUN npm ci" in line for line in said) == 2
    for image in docker.builder.list_images():
        if image.reference in {"node_app:1.0", "node_app:2.0"}:
            shown = f"{image.reference} is built: {image.size / 1e6:.0f} MB, {image.id[:19]}"
            assert shown in said
            assert find(docker.home.images, image.reference) is not None


def test_with_a_registry_it_pushes_and_prints_the_settings_for_the_lessons(
    docker: DockerSetup,
) -> None:
    with running_registry() as registry:
        said = canarylab(docker, "build", "--registry", f"{registry.host}/class")

    assert registry.tags == {"class/node_app:1.0", "class/node_app:2.0"}
    assert f"node_app:2.0 is pushed as {registry.host}/class/node_app:2.0." in said
    assert said[-1] == (
        "For the lessons: export CANARYLAB_CLUSTER=kubeconfig "
        f"CANARYLAB_REGISTRY={registry.host}/class"
    )
