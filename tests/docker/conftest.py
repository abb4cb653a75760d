"""Fixtures for tests with a real Docker engine: they start one of their own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from canarylab import resources
from canarylab.images.builder import VERSIONS, BuildStep, app_reference
from canarylab.images.docker import DockerBuilder
from canarylab.playground.home import Home
from tests.docker.base_images import make_base_image
from tests.docker.docker_program import installed, with_buildkit, wrapped
from tests.docker.engines import private_engine
from tests.needs import needs

BUILDERS = ("classic", "buildkit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in this folder: it needs an engine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(needs("docker"))


@dataclass(frozen=True)
class DockerSetup:
    """A home, a copy of the app, and a client of the engine."""

    home: Home
    app: Path
    client: DockerClient

    @property
    def builder(self) -> DockerBuilder:
        """A new builder, as a new kernel has it."""
        return DockerBuilder(self.home.root, app=self.app)

    def build(self, version: str = "1.0") -> list[BuildStep]:
        """Build; return the steps in the Dockerfile's order."""
        steps: list[BuildStep] = []
        self.builder.build(version, steps.append)
        return sorted(steps)

    def dockerfile(self, *lines: str) -> None:
        """Write another Dockerfile than the app's."""
        (self.app / "Dockerfile").write_text("\n".join(["FROM node:24-slim", *lines, ""]))

    def containers(self) -> list[str]:
        """Return the names of all containers, in every state."""
        found = self.client.containers.list(all=True, ignore_removed=True)
        return sorted(str(container.name) for container in found)


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """The address of an engine that has the base image."""
    with private_engine() as address:
        make_base_image(address)
        yield address


@pytest.fixture
def docker(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerSetup]:
    """A home and an app of the test's own; no container is left to the next test."""
    monkeypatch.setenv("DOCKER_HOST", engine)
    for name in (
        "DOCKER_BUILDKIT",
        "DOCKER_CONTEXT",
        "CANARYLAB_BUILDER",
        "KIND_EXPERIMENTAL_PROVIDER",
    ):
        monkeypatch.delenv(name, raising=False)
    use(monkeypatch, wrapped(tmp_path / "bin", installed()[0]))
    app = tmp_path / "app"
    shutil.copytree(resources.folder("app"), app, ignore=shutil.ignore_patterns("node_modules"))
    home = Home(tmp_path / "home")
    home.prepare()
    with closing(DockerClient(base_url=engine, version="auto")) as client:
        yield DockerSetup(home, app, client)
        for container in client.containers.list(all=True, ignore_removed=True):
            remove(container)


@pytest.fixture
def built(docker: DockerSetup) -> DockerSetup:
    """The setup with both versions built; the engine keeps them for the next test."""
    present = {image.reference for image in docker.builder.list_images()}
    for version in VERSIONS:
        if app_reference(version) not in present:
            docker.build(version)
    return docker


@pytest.fixture(params=BUILDERS)
def build_engine(
    request: pytest.FixtureRequest,
    built: DockerSetup,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Each builder of the docker program in turn: the classic one, and BuildKit."""
    if request.param == "buildkit":
        program = with_buildkit()
        if program is None:
            pytest.skip("no docker program here knows BuildKit")
        use(monkeypatch, wrapped(tmp_path / "buildkit", program))
    monkeypatch.setenv("DOCKER_BUILDKIT", "1" if request.param == "buildkit" else "0")
    return str(request.param)


def use(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Put a folder first on PATH, then the Python of the tests."""
    monkeypatch.setenv(
        "PATH", f"{folder}:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    )


def remove(container: Container) -> None:
    """Remove a container, also while another program removes it."""
    try:
        container.remove(force=True)
    except NotFound:
        return
    except APIError as exc:
        if exc.status_code != 409:  # removal is already in progress
            raise
        with suppress(NotFound):
            container.wait(condition="removed")
