"""`canarylab build` with a real engine."""

from __future__ import annotations

import os
import subprocess
import sys

from canarylab.playground.images import find
from tests.docker.conftest import Bench
from tests.docker.registries import running_registry


def canarylab(bench: Bench, *words: str) -> list[str]:
    """What it prints; the test fails where the command fails."""
    ours = {"CANARYLAB_HOME": str(bench.home.root), "CANARYLAB_CLUSTER": "playground"}
    return subprocess.run(
        [sys.executable, "-m", "canarylab", *words],
        env={**os.environ, **ours},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_it_builds_with_docker_and_for_the_playground(bench: Bench) -> None:
    said = canarylab(bench, "build")
    assert said[0] == "Building with Docker. Docker answers here."
    assert sum("RUN npm ci" in line for line in said) == 2
    for image in bench.builder.listed():
        if image.reference in {"node_app:1.0", "node_app:2.0"}:
            shown = f"{image.reference} is built: {image.size / 1e6:.0f} MB, {image.id[:19]}"
            assert shown in said
            assert find(bench.home.images, image.reference) is not None


def test_with_a_registry_it_pushes_and_says_how_the_lessons_find_it(bench: Bench) -> None:
    with running_registry() as registry:
        said = canarylab(bench, "build", "--registry", f"{registry.host}/class")

    assert registry.tags == {"class/node_app:1.0", "class/node_app:2.0"}
    assert f"node_app:2.0 is pushed as {registry.host}/class/node_app:2.0." in said
    assert said[-1] == (
        "For the lessons: export CANARYLAB_CLUSTER=kubeconfig "
        f"CANARYLAB_REGISTRY={registry.host}/class"
    )
