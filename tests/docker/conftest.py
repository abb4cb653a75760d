"""For tests with a real Docker engine: one of their own, and nothing else of this machine."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient

from canarylab import resources
from canarylab.images.base import Step
from canarylab.images.docker import DockerBuilder
from canarylab.playground.home import Home
from tests.docker.base_images import make_base_image
from tests.docker.clients import installed, with_buildkit, wrapped
from tests.docker.engines import private_engine
from tests.needs import needs

WAYS = ("classic", "buildkit", "engine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder needs an engine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(needs("docker"))


@dataclass(frozen=True)
class Bench:
    """A home, a copy of the app, and the engine."""

    home: Home
    app: Path
    client: DockerClient

    @property
    def builder(self) -> DockerBuilder:
        """As a new kernel would have it."""
        return DockerBuilder(self.home.root, app=self.app)

    def build(self, version: str = "1.0") -> list[Step]:
        """Build, and the steps in the Dockerfile's order."""
        steps: list[Step] = []
        self.builder.build(version, steps.append)
        return sorted(steps)

    def dockerfile(self, *lines: str) -> None:
        """Another app than the usual one."""
        (self.app / "Dockerfile").write_text("\n".join(["FROM node:24-slim", *lines, ""]))

    def containers(self) -> list[str]:
        """The names of all containers, in whatever state."""
        found = self.client.containers.list(all=True, ignore_removed=True)
        return sorted(str(container.name) for container in found)


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """Its address. It has the base image, and both versions in the classic builder's cache."""
    with private_engine() as address:
        make_base_image(address)
        yield address


@pytest.fixture
def bench(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A home and an app of the test's own; no container is left to the next one."""
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
        yield Bench(home, app, client)
        for container in client.containers.list(all=True, ignore_removed=True):
            container.remove(force=True)


@pytest.fixture
def built(bench: Bench) -> Bench:
    """With both versions built."""
    bench.build("1.0")
    bench.build("2.0")
    return bench


@pytest.fixture(params=WAYS)
def way(
    request: pytest.FixtureRequest, built: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Each way to build in turn: docker's classic builder, BuildKit, the engine without docker."""
    if request.param == "engine":  # which cannot reach npm's registry, and has all in its cache
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    if request.param == "buildkit":
        program = with_buildkit()
        if program is None:
            pytest.skip("no docker program here knows BuildKit")
        use(monkeypatch, wrapped(tmp_path / "buildkit", program))
        monkeypatch.setenv("DOCKER_BUILDKIT", "1")
    return str(request.param)


def use(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Put a folder first on PATH, and the Python of the tests with it."""
    monkeypatch.setenv(
        "PATH", f"{folder}:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    )
