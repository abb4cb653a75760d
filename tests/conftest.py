"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from canarylab import content
from canarylab.release.connection import Connection
from canarylab.release.stages import reset_to
from tests.running_playground import RunningPlayground, running_playground
from tests.stranger import Stranger, strangers_cluster


@pytest.fixture(scope="session")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlayground]:
    """One playground for the whole session; a test cleans up what it made there."""
    with running_playground(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def connection(playground: RunningPlayground) -> Iterator[Connection]:
    """To that playground, with nothing of the lessons in it before and after the test."""
    manifests = content.folder("manifests")
    with closing(Connection(playground.kubeconfig)) as connection:
        reset_to(connection, "empty", manifests)
        yield connection
        reset_to(connection, "empty", manifests)


@pytest.fixture
def stranger(
    playground: RunningPlayground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stranger]:
    """That playground as somebody else's cluster, and an environment in which a lab goes there."""
    with strangers_cluster(playground, tmp_path) as cluster:
        for name, value in cluster.environment(tmp_path / "home").items():
            monkeypatch.setenv(name, value)
        yield cluster


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test touches the home, or the Docker, of whoever runs it."""
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path_factory.getbasetemp() / "unused-home"))
    monkeypatch.delenv("CANARYLAB_CLUSTER", raising=False)
    monkeypatch.setenv("CANARYLAB_BUILDER", "process")  # tests/docker has an engine of its own
