"""Which builder is chosen, and why."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from canarylab.errors import EngineError
from canarylab.images.choose import choose_builder
from canarylab.playground.home import Home


@pytest.fixture(autouse=True)
def without_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has nothing of Docker."""
    for name in list(os.environ):
        if name.startswith(("DOCKER_", "KIND_")) or name == "CANARYLAB_BUILDER":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("canarylab.images.choose.SOCKET", tmp_path / "docker.sock")


def chosen(home: Path, name: str | None = None) -> tuple[str, str]:
    builder, why = choose_builder(name, home=Home(home))
    return builder.name, why


def test_without_docker_it_is_processes(tmp_path: Path) -> None:
    assert chosen(tmp_path) == ("process", "Docker is not installed here.")


def test_what_was_asked_for_is_taken(tmp_path: Path) -> None:
    assert chosen(tmp_path, "process") == ("process", "It was asked for.")


def test_the_variable_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYLAB_BUILDER", "process")
    assert chosen(tmp_path) == ("process", "CANARYLAB_BUILDER names it.")


def test_what_was_asked_for_counts_more_than_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARYLAB_BUILDER", "docker")
    assert chosen(tmp_path, "process")[0] == "process"


def test_an_empty_variable_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYLAB_BUILDER", "")
    assert chosen(tmp_path) == ("process", "Docker is not installed here.")


def test_an_unknown_name_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'no builder "kaniko"\. There are: docker, process'):
        choose_builder("kaniko", home=Home(tmp_path))


def test_docker_that_was_asked_for_and_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(EngineError, match="Docker is not installed"):
        choose_builder("docker", home=Home(tmp_path))


def test_an_engine_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr("canarylab.images.choose.PATIENCE_S", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/docker.sock")
        silent.listen()
        name, why = chosen(tmp_path)
    assert name == "process"
    assert "no engine answers" in why


def test_without_docker_its_library_is_not_even_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from canarylab.images import choose;"
        "choose.SOCKET = Path('/nowhere'); print(choose.choose_builder()[1]);"
        "print('docker' in sys.modules, 'requests' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "Docker is not installed here.\nFalse False\n"
