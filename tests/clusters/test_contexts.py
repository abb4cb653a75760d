"""Which kubeconfig, which context, which namespace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from canarylab.clusters import contexts
from canarylab.clusters.contexts import Context
from canarylab.errors import SetupError


def kubeconfig(file: Path, *names: str, current: str = "", **more: Any) -> str:
    """A file with a context of each name, each on a cluster of its own."""
    said = {
        "contexts": [{"name": each, "context": {"cluster": each, **more}} for each in names],
        "clusters": [{"name": each, "cluster": {"server": f"https://{each}"}} for each in names],
        "current-context": current,
    }
    file.write_text(yaml.safe_dump(said))
    return str(file)


def test_the_current_context_is_taken_with_its_namespace(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "lab", "work", current="lab", namespace="student-07")

    assert contexts.find(file) == Context("lab", "student-07", "https://lab", is_current=True)


def test_without_a_namespace_it_is_default(tmp_path: Path) -> None:
    assert contexts.find(kubeconfig(tmp_path / "c", "lab", current="lab")).namespace == "default"


def test_another_one_can_be_named(tmp_path: Path) -> None:
    found = contexts.find(kubeconfig(tmp_path / "c", "lab", "work", current="lab"), "work")

    assert (found.name, found.is_current) == ("work", False)


def test_an_unknown_one_is_told_with_those_there_are(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "lab", "work", current="lab")

    with pytest.raises(SetupError) as refused:
        contexts.find(file, "labb")

    assert str(refused.value) == (
        f'There is no context "labb" in {file}. Choose one of: lab, work.'
    )


def test_no_current_context(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="has no current context"):
        contexts.find(kubeconfig(tmp_path / "config", "lab"))


def test_a_current_context_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match='There is no context "gone"'):
        contexts.find(kubeconfig(tmp_path / "config", "lab", current="gone"))


def test_no_kubeconfig_at_all(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="There is no kubeconfig at"):
        contexts.find(str(tmp_path / "none"))


@pytest.mark.parametrize("text", ["- a list", "{", "\x00"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)

    with pytest.raises(SetupError, match="kubeconfig"):
        contexts.find(str(file))


def test_several_files_are_one_and_the_first_decides(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "a", "lab", current="lab", namespace="first")
    second = kubeconfig(tmp_path / "b", "lab", "work", current="work", namespace="second")
    both = os.pathsep.join([first, second])

    assert contexts.find(both).namespace == "first"
    assert contexts.find(both, "work").namespace == "second"


def test_kubeconfig_names_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", "/some/where")
    assert contexts.files() == "/some/where"

    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert contexts.files() == str(tmp_path / ".kube" / "config")


def test_a_chosen_context_wins_in_front_of_the_other_files(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "lab", "work", current="lab")
    contexts.choose(tmp_path / "home" / "chosen", "work")

    both = os.pathsep.join([str(tmp_path / "home" / "chosen"), file])

    assert contexts.find(both) == Context("work", "default", "https://work", is_current=True)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SetupError, match="canarylab cannot write"):
        contexts.choose(tmp_path / "file" / "chosen", "work")
