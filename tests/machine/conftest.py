"""What the tests of this machine share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine.fake_docker import FakeDocker, fake_docker

TOLD_BY = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
TOLD_BY_PODMAN = ("KIND_EXPERIMENTAL_PROVIDER", "CONTAINER_HOST")


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's engine, whatever this machine has: a socket that is not there."""
    for name in (*TOLD_BY, *TOLD_BY_PODMAN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-settings"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is all of PATH: nothing is installed but what a test puts there."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeDocker]:
    """An engine that answers, and DOCKER_HOST names it."""
    with fake_docker(tmp_path) as running:
        monkeypatch.setenv("DOCKER_HOST", running.host)
        yield running


def install(folder: Path, name: str, script: str) -> None:
    """Put a program there."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
