"""The context that kubectl would use, and the client for it."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from canarylab.clusters.client import (
    KubeconfigContext,
    api_client,
    find_context,
    is_local,
    kubeconfig_files,
    write_current_context,
)
from canarylab.errors import SetupError
from canarylab.release.connection import Connection
from tests.needs import needs
from tests.running_playground import RunningPlayground


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

    assert find_context(file) == KubeconfigContext(
        "lab", "student-07", "https://lab", is_current=True
    )


def test_without_a_namespace_it_is_default(tmp_path: Path) -> None:
    assert find_context(kubeconfig(tmp_path / "c", "lab", current="lab")).namespace == "default"


def test_another_one_can_be_named(tmp_path: Path) -> None:
    found = find_context(kubeconfig(tmp_path / "c", "lab", "work", current="lab"), "work")

    assert (found.name, found.is_current) == ("work", False)


def test_an_unknown_one_is_told_with_those_there_are(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "lab", "work", current="lab")

    with pytest.raises(SetupError) as refused:
        find_context(file, "labb")

    assert str(refused.value) == (
        f'There is no context "labb" in {file}. Choose one of: lab, work.'
    )


def test_no_current_context(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="has no current context"):
        find_context(kubeconfig(tmp_path / "config", "lab"))


def test_a_current_context_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match='There is no context "gone"'):
        find_context(kubeconfig(tmp_path / "config", "lab", current="gone"))


def test_no_kubeconfig_at_all(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="There is no kubeconfig at"):
        find_context(str(tmp_path / "none"))


def test_the_playground_s_kubeconfig_is_one_that_the_playground_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path))
    file = str(tmp_path / "playground.kubeconfig")

    with pytest.raises(SetupError) as refused:
        find_context(file)

    assert str(refused.value) == (
        f"There is no kubeconfig at {file}. The playground writes it: start that with "
        "`canarylab up --cluster playground`, or set KUBECONFIG to another file."
    )


@pytest.mark.parametrize("text", ["- a list", "{", "\x00"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)

    with pytest.raises(SetupError, match="kubeconfig"):
        find_context(str(file))


def test_several_files_are_one_and_the_first_decides(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "a", "lab", current="lab", namespace="first")
    second = kubeconfig(tmp_path / "b", "lab", "work", current="work", namespace="second")
    both = os.pathsep.join([first, second])

    assert find_context(both).namespace == "first"
    assert find_context(both, "work").namespace == "second"


def test_kubeconfig_names_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", "/some/where")
    assert kubeconfig_files() == "/some/where"

    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig_files() == str(tmp_path / ".kube" / "config")


def test_a_chosen_context_wins_in_front_of_the_other_files(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "lab", "work", current="lab")
    write_current_context(tmp_path / "home" / "chosen", "work")

    both = os.pathsep.join([str(tmp_path / "home" / "chosen"), file])

    assert find_context(both) == KubeconfigContext(
        "work", "default", "https://work", is_current=True
    )


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SetupError, match="canarylab cannot write"):
        write_current_context(tmp_path / "file" / "chosen", "work")


@needs("linux")
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_is_not_asked_for_this_machine(
    playground: RunningPlayground, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there
    with closing(Connection(playground.kubeconfig)) as connection:
        assert connection.core.list_namespaced_pod("default").items == []


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.90.0.1", "[::1]"])
def test_addresses_of_this_machine(name: str) -> None:
    assert is_local(f"https://{name}:6443")


@pytest.mark.parametrize("server", ["https://cluster.example", "https://10.0.0.1:6443", ""])
def test_addresses_of_others(server: str) -> None:
    assert not is_local(server)


def test_a_file_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be used as a kubeconfig"):
        api_client(str(tmp_path / "none"))
