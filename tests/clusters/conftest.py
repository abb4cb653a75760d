"""A machine with stand-ins for kind and docker, and a home and an engine of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab import external_tools
from canarylab.clusters.kind import KindCluster
from canarylab.playground.home import Home
from tests.clusters.kind_machine import arrange
from tests.fakes.engine import listening
from tests.fakes.installed import FakeTools, install
from tests.fakes.state import FOLDER, FakeState

PROXIES = [
    written
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    for written in (name, name.lower())
]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeState]:
    """What the stand-ins know; everything is there and fine."""
    state = FakeState(tmp_path / "state")
    state.root.mkdir()
    (tmp_path / "user").mkdir()
    for name in ("DOCKER_CONTEXT", "KIND_EXPERIMENTAL_PROVIDER", "KUBECONFIG", *PROXIES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(FOLDER, str(state.root))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path / "home"))
    with listening(state) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        yield state


@pytest.fixture
def tools(state: FakeState, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    """The kind and docker programs, without a process."""
    tools = FakeTools(state, "kind", "docker")
    for name in ("find", "run", "stream"):
        monkeypatch.setattr(external_tools, name, getattr(tools, name))
    return tools


@pytest.fixture
def programs(state: FakeState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind and docker programs as executables, which other processes find too."""
    install(tmp_path / "bin", "kind", "docker")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def kind(state: FakeState, tools: FakeTools, monkeypatch: pytest.MonkeyPatch) -> KindCluster:
    """On that machine; its API answers when the node runs, and its ports are free."""
    arrange(state, monkeypatch.setattr)
    return KindCluster(Home.of_user())


@pytest.fixture
def made(kind: KindCluster, state: FakeState) -> KindCluster:
    """A cluster that is there; what was called to make it is forgotten."""
    kind.start(lambda _words: None)
    return kind


@pytest.fixture
def told() -> list[str]:
    """What `report` got: `kind.start(told.append)`."""
    return []
