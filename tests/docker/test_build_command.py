"""`canarylab build` with a real engine."""

from __future__ import annotations

import os
import subprocess
import sys

from canarylab.playground.images import find
from tests.docker.conftest import Bench


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
