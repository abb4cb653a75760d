"""The engine is found, and where it does not answer the reason is said."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path

import pytest

from canarylab import docker_engine, machine
from canarylab.errors import EngineError
from tests.fake_docker import HANG_UP, INFO, FakeDocker, fake_docker
from tests.needs import needs
from tests.no_docker import docker, install, no_engine, programs

__all__ = ["docker", "no_engine", "programs"]


def why_not(host: str, monkeypatch: pytest.MonkeyPatch) -> EngineError:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError) as caught, docker_engine.engine():
        pytest.fail("an engine answered")
    return caught.value


def test_an_engine_that_answers_can_be_asked(docker: FakeDocker) -> None:
    with docker_engine.engine() as client:
        assert client.info()["ServerVersion"] == "29.1.3"
    assert docker_engine.engine_answers()


def test_without_socket_and_program_docker_is_not_installed(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = why_not(f"unix://{tmp_path}/none.sock", monkeypatch)
    assert found.why == "not installed"
    assert str(found).startswith("Docker is not installed. ")
    assert not docker_engine.engine_answers()


def test_with_the_program_alone_docker_does_not_run(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "docker", "exit 1")
    found = why_not(f"unix://{tmp_path}/none.sock", monkeypatch)
    assert found.why == "not running"
    assert f"does not answer at {tmp_path}/none.sock" in found.problem


def test_a_socket_that_nobody_holds_any_more_is_not_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(left))
    found = why_not(f"unix://{left}", monkeypatch)
    assert (found.why, "Connection refused" in found.problem) == ("not running", True)


def test_an_engine_that_accepts_and_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/deaf.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{tmp_path}/deaf.sock")
        server.listen()
        with (
            pytest.raises(EngineError, match="no answer in time"),
            docker_engine.engine(timeout_s=0.1),
        ):
            pytest.fail("an engine answered")


def test_a_socket_of_others_is_no_permission(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(tmp_path / "docker.sock").chmod(0)
    if os.geteuid() == 0:  # root may do everything, so only the answer can be taken from it
        monkeypatch.setattr("os.access", lambda path, mode: False)
    found = docker_engine.unreachable_error(docker.host)
    assert found.why == "no permission"
    assert "usermod -aG docker" in found.remedy


def test_a_tcp_address_where_nobody_listens_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = why_not("tcp://127.0.0.1:1", monkeypatch)
    assert found.why == "not running"
    assert "tcp://127.0.0.1:1 (Connection refused)" in found.problem


@pytest.mark.parametrize("host", ["nonsense", "ssh://somebody@somewhere"])
def test_an_address_that_nobody_can_use_is_named(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = why_not(host, monkeypatch)
    assert host in found.problem


def test_certificates_that_are_missing_are_said(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "no-certificates"))
    found = why_not("tcp://127.0.0.1:1", monkeypatch)
    assert "certificate" in found.problem or "TLS" in found.problem


def test_an_engine_that_is_too_old_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_docker(tmp_path, GET_version=lambda path, body: (200, {"ApiVersion": "1.12"})) as old:
        found = why_not(old.host, monkeypatch)
    assert "no longer supported" in found.problem


def test_an_engine_that_goes_away_while_it_is_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_docker(tmp_path, GET_info=lambda path, body: HANG_UP) as dying:
        monkeypatch.setenv("DOCKER_HOST", dying.host)
        with (
            pytest.raises(EngineError, match="no engine answers"),
            docker_engine.engine() as client,
        ):
            client.info()


def test_the_context_that_is_chosen_says_where_the_engine_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "docker-settings"
    write_context(settings, "desktop", "unix:///somewhere/desktop.sock")
    write_context(settings, "rootless", "unix:///somewhere/rootless.sock")
    (settings / "config.json").write_text(json.dumps({"currentContext": "desktop"}))
    assert docker_engine.address() == "unix:///somewhere/desktop.sock"
    monkeypatch.setenv("DOCKER_CONTEXT", "rootless")
    assert docker_engine.address() == "unix:///somewhere/rootless.sock"
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert docker_engine.address() == "tcp://127.0.0.1:1"


def test_a_context_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(EngineError, match='context "gone" does not exist'):
        docker_engine.address()


def test_a_context_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_context(tmp_path / "docker-settings", "torn", "", text="{")
    (tmp_path / "docker-settings" / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONTEXT", "torn")
    with pytest.raises(EngineError, match='context "torn" cannot be read'):
        docker_engine.address()


def test_an_engine_without_root_that_was_not_chosen_is_pointed_out(
    programs: Path, tmp_path: Path
) -> None:
    install(programs, "docker", "exit 1")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "docker.sock").touch()
    found = docker_engine.unreachable_error(f"unix://{tmp_path}/none.sock")
    assert "docker context use rootless" in found.remedy


@needs("linux")
@pytest.mark.parametrize("here", ["Linux", "WSL", "macOS"])
def test_each_remedy_is_a_line_or_two(
    here: machine.System, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "this_system", lambda: here)
    not_installed = docker_engine.unreachable_error(f"unix://{tmp_path}/none.sock")
    install(programs, "docker", "exit 1")
    not_running = docker_engine.unreachable_error(f"unix://{tmp_path}/none.sock")
    remedies = [not_installed.remedy, not_running.remedy]
    assert len(set(remedies)) == 2
    assert all(40 < len(words) < 150 and words.endswith(".") for words in remedies)


def write_context(settings: Path, name: str, host: str, *, text: str | None = None) -> None:
    """As `docker context create` writes it."""
    folder = settings / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (settings / "config.json").touch()
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
    (folder / "meta.json").write_text(text if text is not None else json.dumps(meta))


def test_an_engine_that_answers_is_fine_with_its_version(docker: FakeDocker) -> None:
    found = docker_engine.docker_and_cgroups()[0]
    assert found.state == "fine"
    assert str(found) == "Docker 29.1.3 answers (Debian GNU/Linux 13)."


def test_cgroup_version_two_is_fine(docker: FakeDocker) -> None:
    found = docker_engine.docker_and_cgroups()[1]
    assert (found.state, str(found)) == ("fine", "Containers run under cgroup v2.")


def test_both_are_known_from_one_question(docker: FakeDocker) -> None:
    docker_engine.docker_and_cgroups()
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
    here: machine.System,
    told: dict[str, str],
    remedy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "this_system", lambda: here)
    with fake_docker(tmp_path, GET_info=lambda path, body: (200, {**INFO, **told})) as old:
        monkeypatch.setenv("DOCKER_HOST", old.host)
        found = docker_engine.docker_and_cgroups()[1]
    assert (found.state, found.words) == ("missing", "Containers run under cgroup v1")
    assert remedy in found.remedy


def test_without_an_engine_nothing_is_known_of_cgroups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    engine, cgroups = docker_engine.docker_and_cgroups()
    assert (engine.state, cgroups.state) == ("missing", "missing")
    assert str(cgroups) == "Unknown until Docker answers. First start Docker."
