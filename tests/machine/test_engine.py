"""Is the engine found, and is what stands in the way said?"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path

import pytest

from canarylab.errors import EngineError
from canarylab.machine import engine as reach
from canarylab.machine import engine_trouble, system
from tests.machine.conftest import install
from tests.machine.fake_docker import HANG_UP, FakeDocker, fake_docker
from tests.needs import needs


def why_not(host: str, monkeypatch: pytest.MonkeyPatch) -> EngineError:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError) as caught, reach.engine():
        pytest.fail("an engine answered")
    return caught.value


def test_an_engine_that_answers_can_be_asked(docker: FakeDocker) -> None:
    with reach.engine() as client:
        assert client.info()["ServerVersion"] == "29.1.3"
    assert reach.answers()


def test_without_socket_and_program_docker_is_not_installed(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = why_not(f"unix://{tmp_path}/none.sock", monkeypatch)
    assert found.why == "not installed"
    assert str(found).startswith("Docker is not installed. ")
    assert not reach.answers()


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
        with pytest.raises(EngineError, match="no answer in time"), reach.engine(timeout_s=0.1):
            pytest.fail("an engine answered")


def test_a_socket_of_others_is_no_permission(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(tmp_path / "docker.sock").chmod(0)
    if os.geteuid() == 0:  # root may do everything, so only the answer can be taken from it
        monkeypatch.setattr("os.access", lambda path, mode: False)
    found = engine_trouble.trouble(docker.host)
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
        with pytest.raises(EngineError, match="no engine answers"), reach.engine() as client:
            client.info()


def test_the_context_that_is_chosen_says_where_the_engine_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "docker-settings"
    write_context(settings, "desktop", "unix:///somewhere/desktop.sock")
    write_context(settings, "rootless", "unix:///somewhere/rootless.sock")
    (settings / "config.json").write_text(json.dumps({"currentContext": "desktop"}))
    assert reach.address() == "unix:///somewhere/desktop.sock"
    monkeypatch.setenv("DOCKER_CONTEXT", "rootless")
    assert reach.address() == "unix:///somewhere/rootless.sock"
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert reach.address() == "tcp://127.0.0.1:1"


def test_a_context_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(EngineError, match='context "gone" does not exist'):
        reach.address()


def test_a_context_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_context(tmp_path / "docker-settings", "torn", "", text="{")
    (tmp_path / "docker-settings" / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONTEXT", "torn")
    with pytest.raises(EngineError, match='context "torn" cannot be read'):
        reach.address()


def test_where_kind_uses_podman_so_do_we(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    assert (reach.uses_podman(), reach.engine_name()) == (True, "Podman")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert reach.address() == f"unix://{tmp_path}/run/podman/podman.sock"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert reach.address() == "unix:///run/podman/podman.sock"


def test_podman_that_does_not_listen_is_told_how_to(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    install(programs, "podman", "exit 0")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    found = engine_trouble.trouble(reach.address())
    assert found.problem.startswith("Podman is installed, but its engine does not answer")
    assert "podman.socket" in found.remedy


def test_an_engine_without_root_that_was_not_chosen_is_pointed_out(
    programs: Path, tmp_path: Path
) -> None:
    install(programs, "docker", "exit 1")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "docker.sock").touch()
    found = engine_trouble.trouble(f"unix://{tmp_path}/none.sock")
    assert "docker context use rootless" in found.remedy


@needs("linux")
@pytest.mark.parametrize("here", ["Linux", "WSL", "macOS"])
def test_each_remedy_is_a_line_or_two(
    here: system.System, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "this_system", lambda: here)
    not_installed = engine_trouble.trouble(f"unix://{tmp_path}/none.sock")
    install(programs, "docker", "exit 1")
    not_running = engine_trouble.trouble(f"unix://{tmp_path}/none.sock")
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
