"""What is found out about the engine, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.machine import docker_engine as facts
from canarylab.machine import system
from tests.machine.fake_docker import INFO, FakeDocker, fake_docker


def test_an_engine_that_answers_is_fine_with_its_version(docker: FakeDocker) -> None:
    found = facts.docker_engine()
    assert found.state == "fine"
    assert str(found) == "Docker 29.1.3 answers (Debian GNU/Linux 13)."


def test_cgroup_version_two_is_fine(docker: FakeDocker) -> None:
    found = facts.cgroups()
    assert (found.state, str(found)) == ("fine", "Containers run under cgroup v2.")


def test_both_are_known_from_one_question(docker: FakeDocker) -> None:
    facts.engine_and_cgroups()
    assert docker.asked.count("GET /info") == 1


@pytest.mark.parametrize(
    ("here", "told", "remedy"),
    [
        ("Linux", {"CgroupVersion": "1"}, "systemd.unified_cgroup_hierarchy=1"),
        ("Linux", {"CgroupVersion": None}, "systemd.unified_cgroup_hierarchy=1"),
        ("WSL", {"CgroupVersion": "1"}, "wsl --update"),
        ("macOS", {"CgroupVersion": "1"}, "Update"),
        ("WSL", {"CgroupVersion": "1", "OperatingSystem": "Docker Desktop"}, "Docker Desktop"),
    ],
)
def test_cgroup_version_one_is_not_enough(
    here: system.System,
    told: dict[str, str],
    remedy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system, "this_system", lambda: here)
    with fake_docker(tmp_path, GET_info=lambda path, body: (200, {**INFO, **told})) as old:
        monkeypatch.setenv("DOCKER_HOST", old.host)
        found = facts.cgroups()
    assert (found.state, found.words) == ("missing", "Containers run under cgroup v1")
    assert remedy in found.remedy


def test_without_an_engine_nothing_is_known_of_cgroups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    engine, cgroups = facts.engine_and_cgroups()
    assert (engine.state, cgroups.state) == ("missing", "missing")
    assert str(cgroups) == "Unknown until Docker answers. First start Docker."


def test_podman_is_called_by_its_name(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    assert facts.docker_engine().words.startswith("Podman 29.1.3 answers")
