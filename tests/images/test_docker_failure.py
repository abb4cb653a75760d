"""Every failure of a build has its sentence, and says how to go on without Docker."""

from __future__ import annotations

import pytest

from canarylab.images.base import WITHOUT_DOCKER
from canarylab.images.docker_failure import explained
from canarylab.images.output import Begun
from tests.images.test_docker_output import read

FAILED = ["classic-failed", "podman-failed", "buildkit-failed", "buildkit-failed-new"]
RUN = Begun(4, 5, "RUN npm ci", 0.0)


def why(name: str) -> str:
    reader = read(name)
    return str(explained("node_app:1.0", reader.failing, reader.last))


@pytest.mark.parametrize("name", FAILED)
def test_a_failing_step_is_named_with_its_status_after_its_last_words(name: str) -> None:
    said = why(name)
    assert '`RUN echo first && echo "no luck" >&2 && exit 3` ended with exit status 3.' in said
    assert said.index("no luck") < said.index("node_app:1.0, step 3 of ")


@pytest.mark.parametrize("name", ["classic-offline", "buildkit-offline"])
def test_offline_is_told_as_such(name: str) -> None:
    assert "the registry cannot be reached from here" in why(name)


@pytest.mark.parametrize("name", ["classic-rate-limit", "buildkit-rate-limit"])
def test_too_many_downloads_are_told_as_such(name: str) -> None:
    said = why(name)
    assert "Docker Hub has counted too many downloads from this address" in said
    assert "`docker login`" in said


@pytest.mark.parametrize(
    ("failing", "line"),
    [
        (None, "failed to register layer: write /usr/lib/x: no space left on device"),
        (RUN, "npm error ENOSPC: no space left on device, write"),
    ],
)
def test_a_full_disk_is_told_whatever_met_it(failing: Begun | None, line: str) -> None:
    assert "The engine's disk is full" in str(explained("node_app:1.0", failing, [line]))


def test_an_unknown_base_image_points_to_the_from_line() -> None:
    line = "manifest for nobody/nothing:1 not found: manifest unknown: manifest unknown"
    assert "Correct the name in the FROM line" in str(explained("node_app:1.0", None, [line]))


def test_npm_without_a_network_is_no_trouble_with_the_base_image() -> None:
    failing = Begun(4, 5, "RUN npm ci", 0.0)
    failing.said.append("npm error network connection refused")
    said = str(explained("node_app:1.0", failing, ["exit code: 1"]))
    assert "base image" not in said
    assert "`RUN npm ci` ended with exit status 1" in said


@pytest.mark.parametrize("name", [*FAILED, "classic-offline", "buildkit-rate-limit"])
def test_the_last_words_are_how_to_go_on_without_docker(name: str) -> None:
    assert why(name).endswith(WITHOUT_DOCKER)
