"""The builder is chosen, and a notebook may change it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from canarylab.errors import EngineError, ToolMissingError
from canarylab.images.builder import Builder
from canarylab.images.choose import BuilderSelection, choose_builder
from canarylab.playground.home import Home
from tests.images.fake_builder import FakeBuilder


@pytest.fixture(autouse=True)
def without_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take everything of Docker away from this machine."""
    for name in list(os.environ):
        if name.startswith(("DOCKER_", "KIND_")) or name == "CANARYLAB_BUILDER":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def docker_program(tmp_path: Path) -> None:
    """A docker program on PATH that does nothing."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


def chosen(home: Path, name: str | None = None) -> tuple[str, str]:
    builder, why = choose_builder(name, home=Home(home))
    return builder.name, why


def test_without_docker_the_process_builder_is_chosen(tmp_path: Path) -> None:
    assert chosen(tmp_path) == ("process", "Docker is not installed on this machine.")


def test_the_named_builder_is_chosen(tmp_path: Path) -> None:
    assert chosen(tmp_path, "process") == ("process", "You chose it.")


def test_the_variable_names_the_builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYLAB_BUILDER", "process")
    assert chosen(tmp_path) == ("process", "The variable CANARYLAB_BUILDER says so.")


def test_the_name_wins_over_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYLAB_BUILDER", "docker")
    assert chosen(tmp_path, "process")[0] == "process"


def test_an_empty_variable_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYLAB_BUILDER", "")
    assert chosen(tmp_path) == ("process", "Docker is not installed on this machine.")


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'no builder "kaniko"\. There are: docker, process'):
        choose_builder("kaniko", home=Home(tmp_path))


def test_an_engine_without_the_docker_program_is_not_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canarylab.images.choose.engine", nullcontext)
    assert chosen(tmp_path) == ("process", "Docker is not installed on this machine.")
    with pytest.raises(ToolMissingError, match="docker is needed and is not on PATH"):
        choose_builder("docker", home=Home(tmp_path))


@pytest.mark.usefixtures("docker_program")
def test_docker_is_chosen_where_its_engine_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canarylab.images.choose.engine", lambda timeout_s: nullcontext())
    assert chosen(tmp_path) == ("docker", "Docker is running on this machine.")


def test_a_missing_docker_is_an_error_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(EngineError, match="Docker is not installed"):
        choose_builder("docker", home=Home(tmp_path))


@pytest.mark.usefixtures("docker_program")
def test_an_engine_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr("canarylab.images.choose.PING_TIMEOUT_S", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/docker.sock")
        silent.listen()
        name, why = chosen(tmp_path)
    assert name == "process"
    assert "no engine answers" in why


def test_without_docker_docker_py_is_not_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from canarylab.images import choose; print(choose.choose_builder()[1]);"
        "print('docker' in sys.modules, 'requests' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "Docker is not installed on this machine.\nFalse False\n"


@pytest.fixture
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuilderSelection:
    """A selection of fake builders; Docker is chosen unless the other is named."""

    def choose(name: str | None = None, *, home: Home) -> tuple[Builder, str]:
        return FakeBuilder("process" if name == "process" else "docker"), "You chose it."

    monkeypatch.setattr("canarylab.images.choose.choose_builder", choose)
    monkeypatch.setattr("canarylab.images.choose.remove_containers", lambda home: [4711])
    return BuilderSelection(Home(tmp_path))


def test_a_builder_is_chosen_once(used: BuilderSelection) -> None:
    assert used.use() is used.use()
    assert used.use().name == "docker"


def test_the_builder_named_last_is_used_again(used: BuilderSelection) -> None:
    named = used.use("process")
    assert used.use() is named


def test_naming_a_builder_again_gives_the_same_one(used: BuilderSelection) -> None:
    first = used.use("docker")
    used.use("process")
    assert used.use("docker") is first


def test_runs_of_both_builders_are_listed_and_stopped(used: BuilderSelection) -> None:
    for name, port in (("docker", 1), ("process", 2)):
        used.use(name).build("1.0", lambda step: None)
        used.run("node_app:1.0", port=port)
    assert [run.port for run in used.running()] == [1, 2]
    assert used.stop_all() == [1, 2]


def test_a_run_replaces_the_other_builder_s_run_on_its_port(used: BuilderSelection) -> None:
    for name in ("docker", "process"):
        used.use(name).build("1.0", lambda step: None)
        used.run("node_app:1.0", port=1)
    assert used.use("docker").running() == []
    assert [run.port for run in used.use("process").running()] == [1]


def test_a_notebook_that_built_nothing_removes_containers_of_an_earlier_one(
    used: BuilderSelection,
) -> None:
    assert used.stop_all() == [4711]
