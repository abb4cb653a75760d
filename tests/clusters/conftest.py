"""A machine with stand-ins for kind, docker and podman, and a home and an engine of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab.clusters.kind import Kind
from canarylab.playground.home import Home
from tests.clusters.kind_machine import arrange
from tests.standins.engine import listening
from tests.standins.installed import install
from tests.standins.world import FOLDER, NAMED_PROVIDER, World

PROXIES = [
    written
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    for written in (name, name.lower())
]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """What the stand-ins know; everything is there and fine."""
    world = World(tmp_path / "world")
    world.root.mkdir()
    install(tmp_path / "bin", "kind", "docker")
    (tmp_path / "user").mkdir()
    for name in (NAMED_PROVIDER, "DOCKER_CONTEXT", "KUBECONFIG", *PROXIES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(FOLDER, str(world.root))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path / "home"))
    with listening(world) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        yield world


@pytest.fixture
def kind(world: World, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """On that machine; its API answers when the node runs, and its ports are free."""
    arrange(world, monkeypatch.setattr)
    return Kind(Home.of_user())


@pytest.fixture
def told() -> list[str]:
    """What `report` heard: `kind.start(told.append)`."""
    return []
