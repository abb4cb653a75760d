"""What a kind cluster needs is looked at before anything is made, and said in sentences."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from canarylab import ports
from canarylab.clusters.kind import Kind
from canarylab.errors import SetupError
from canarylab.machine import disk
from canarylab.playground import lifecycle
from tests.clusters.kind_machine import CLUSTER
from tests.standins.installed import install
from tests.standins.world import NAMED_PROVIDER, World


def refusal(kind: Kind) -> list[str]:
    """The lines of what `start` says no with."""
    with pytest.raises(SetupError) as raised:
        kind.start(lambda _words: None)
    return str(raised.value).splitlines()


def uninstall(kind: Kind, program: str) -> None:
    (kind.home.root.parent / "bin" / program).unlink()


def take(monkeypatch: pytest.MonkeyPatch, *taken: int, holder: str = "nginx (pid 4711)") -> None:
    def is_free(port: int, address: str = ports.LOOPBACK) -> bool:
        return port not in taken

    monkeypatch.setattr(ports, "is_free", is_free)
    monkeypatch.setattr(ports, "holder", lambda _port: holder)


def test_where_all_is_there_all_is_fine(kind: Kind) -> None:
    findings = kind.preflight()

    assert [finding.what for finding in findings] == [
        "Docker",
        "docker",
        "cgroups",
        "kind",
        "port 32089",
        "port 8080",
        "disk",
    ]
    assert all(finding.is_fine for finding in findings)


def test_docker_is_not_installed(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    uninstall(kind, "docker")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{kind.home.root}/no.sock")

    (line,) = refusal(kind)

    assert line.startswith("Docker is not installed. ")


def test_the_engine_does_not_run(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{kind.home.root}/no.sock")

    (line,) = refusal(kind)

    assert line.startswith("Docker is installed, but its engine does not answer at ")


def test_the_socket_may_not_be_used(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by taking rights away: the system lets root use every socket all the same."""
    socket = Path(os.environ["DOCKER_HOST"].removeprefix("unix://"))
    socket.unlink()
    socket.touch()  # nobody can connect to it
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != socket)

    (line,) = refusal(kind)

    assert line.startswith(f"You may not use Docker's socket, {socket}. ")


def test_the_engine_answers_and_the_program_is_missing(kind: Kind) -> None:
    uninstall(kind, "docker")

    (line,) = refusal(kind)

    assert line.startswith("Docker answers, but its program docker is not on PATH. ")


def test_containers_run_under_cgroup_v1(kind: Kind, world: World) -> None:
    world.set(cgroup_version="1")

    (line,) = refusal(kind)

    assert line.startswith("Containers run under cgroup v1. ")


def test_kind_is_missing(kind: Kind) -> None:
    uninstall(kind, "kind")

    (line,) = refusal(kind)

    assert line.startswith("kind is not installed. ")


def test_kind_is_too_old(kind: Kind, world: World) -> None:
    world.set(kind_version="0.30.0")

    (line,) = refusal(kind)

    assert line.startswith("kind 0.30.0 is older than 0.33.0. ")


@pytest.mark.parametrize("number", [8080, 32089])
def test_a_port_is_taken(kind: Kind, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    take(monkeypatch, number)

    (line,) = refusal(kind)

    assert line.startswith(f"Port {number} is in use by nginx (pid 4711). ")


def test_the_playground_has_the_port(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    take(monkeypatch, 32089, holder="python3 (pid 4712)")
    monkeypatch.setattr(lifecycle, "holder_of_lock", lambda _home: 4712)

    (line,) = refusal(kind)

    assert line == "Port 32089 is in use by the playground. End it with `canarylab down`."


def test_the_disk_is_full(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_free", lambda _place: disk.GB)

    (line,) = refusal(kind)

    assert line.startswith("Only 1.0 GB free at ")


def test_the_disk_is_the_one_of_the_engine(
    kind: Kind, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    world.set(docker_root=str(tmp_path / "store"))
    monkeypatch.setattr(disk, "_free", lambda place: 0 if "store" in place.parts else 100 * disk.GB)

    (line,) = refusal(kind)

    assert f"free at {tmp_path / 'store'}" in line


def test_everything_missing_is_named_at_once(
    kind: Kind, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninstall(kind, "docker")
    uninstall(kind, "kind")
    take(monkeypatch, 8080)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{kind.home.root}/no.sock")

    lines = refusal(kind)

    assert [line.split(". ")[0] for line in lines] == [
        "Docker is not installed",
        "kind is not installed",
        "Port 8080 is in use by nginx (pid 4711)",
    ]


def test_with_podman_it_is_podman_that_is_missing(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAMED_PROVIDER, "podman")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{kind.home.root}/no.sock")

    (line,) = refusal(kind)

    assert line.startswith("Podman is not installed. ")


def test_with_podman_its_program_is_needed(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMED_PROVIDER, "podman")

    (line,) = refusal(kind)

    assert line.startswith("Podman answers, but its program podman is not on PATH. ")


def test_nothing_is_made_where_something_is_missing(kind: Kind, world: World) -> None:
    world.set(cgroup_version="1")

    refusal(kind)

    assert world.calls("kind", "create") == []
    assert not kind.is_made()
    assert not kind.stop()


def test_the_ports_of_a_cluster_that_is_made_are_its_own(
    kind: Kind, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind.start(lambda _words: None)
    take(monkeypatch, 8080, 32089, holder="docker-proxy (pid 4713)")
    world.write_cluster(CLUSTER, (world.cluster(CLUSTER) or {}) | {"running": False})

    kind.start(lambda _words: None)

    assert (world.cluster(CLUSTER) or {})["running"] is True


def test_looking_needs_no_folder(kind: Kind) -> None:
    kind.preflight()

    assert not kind.home.root.exists()


@pytest.mark.parametrize("programs", [("kind",), ("docker",), ()])
def test_preflight_never_raises(kind: Kind, programs: tuple[str, ...]) -> None:
    for name in ("kind", "docker"):
        uninstall(kind, name)
    install(kind.home.root.parent / "bin", *programs)

    missing = {finding.what for finding in kind.preflight() if not finding.is_fine}

    assert missing == {"kind", "docker"} - set(programs)
