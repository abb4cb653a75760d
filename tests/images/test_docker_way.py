"""In which way images are built, by what is installed and what the user has settled."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.images.docker_way import BUILDKIT, CLASSIC, ENGINE, way

HAS_PLUGIN, HAS_NONE = "exit 0", "exit 1"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH; nothing is settled."""
    for name in ("DOCKER_BUILDKIT", "KIND_EXPERIMENTAL_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, script: str = HAS_NONE) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_without_a_program_the_engine_builds(programs: Path) -> None:
    assert way() == ENGINE


def test_with_the_plugin_it_is_buildkit(programs: Path) -> None:
    install(programs, "docker", HAS_PLUGIN)
    assert way() == BUILDKIT


def test_without_the_plugin_it_is_the_classic_builder(programs: Path) -> None:
    install(programs, "docker")
    assert way() == CLASSIC


@pytest.mark.parametrize(("settled", "expected"), [("1", BUILDKIT), ("0", CLASSIC)])
@pytest.mark.parametrize("script", [HAS_PLUGIN, HAS_NONE])
def test_what_the_user_has_settled_counts(
    programs: Path, monkeypatch: pytest.MonkeyPatch, settled: str, expected: object, script: str
) -> None:
    install(programs, "docker", script)
    monkeypatch.setenv("DOCKER_BUILDKIT", settled)
    assert way() == expected
