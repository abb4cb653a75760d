"""The stand-in for kind says what kind 0.33 says, where canarylab or its user reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import kind
from tests.fakes.program import Refused
from tests.fakes.state import FOLDER, FakeState


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeState:
    """What it knows, without an engine: nothing here asks for one."""
    for name, value in {FOLDER: tmp_path, "HOME": tmp_path, "KUBECONFIG": ""}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    return FakeState(tmp_path)


def refusal(state: FakeState, *arguments: str) -> str:
    with pytest.raises(Refused) as raised:
        kind.main(state, list(arguments))
    return raised.value.words


def test_an_archive_has_to_be_named(state: FakeState) -> None:
    words = refusal(state, "load", "image-archive", "--name", "canarylab")

    assert words == "ERROR: name of image archive is required"


def test_a_kubeconfig_of_no_cluster_is_refused(state: FakeState) -> None:
    assert refusal(state, "export", "kubeconfig", "--name", "canarylab") == (
        "ERROR: could not locate any control plane nodes for cluster named 'canarylab'. "
        "Use the --name option to select a different cluster"
    )


def test_deleting_under_a_lock_deletes_the_nodes_and_fails(
    state: FakeState, capsys: pytest.CaptureFixture[str]
) -> None:
    state.add_cluster("canarylab")
    lock = state.root / "file.lock"
    lock.touch()
    where = ["--name", "canarylab", "--kubeconfig", str(state.root / "file")]

    words = refusal(state, "delete", "cluster", *where)

    problem = f"failed to lock config file: open {lock}: file exists"
    assert words == f'ERROR: failed to delete cluster "canarylab": {problem}'
    assert capsys.readouterr().err.splitlines()[1:] == [
        f"failed to update kubeconfig: {problem}",
        'Deleted nodes: ["canarylab-control-plane"]',
    ]
    assert state.clusters() == []


@pytest.mark.parametrize(
    ("provider", "lines"),
    [
        ("docker", ["using docker due to KIND_EXPERIMENTAL_PROVIDER"]),
        (
            "podman",
            [
                "using podman due to KIND_EXPERIMENTAL_PROVIDER",
                "enabling experimental podman provider",
            ],
        ),
    ],
)
def test_only_podman_is_experimental(
    state: FakeState,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    provider: str,
    lines: list[str],
) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", provider)

    kind.main(state, ["delete", "cluster", "--name", "none"])

    assert capsys.readouterr().err.splitlines() == [*lines, 'Deleting cluster "none" ...']


def test_what_docker_said_is_the_output_of_a_command(
    state: FakeState, capsys: pytest.CaptureFixture[str]
) -> None:
    state.set(cgroup_version="1")
    state.fail("pull", "Error response from daemon: no such host")
    config = state.root / "cluster.yaml"
    config.write_text(
        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: canarylab\n"
        "nodes:\n- image: kindest/node:v1\n"
    )

    words = refusal(state, "create", "cluster", "--config", str(config))

    pull = 'command "docker pull kindest/node:v1" failed with error: exit status 1'
    assert words.splitlines() == [
        f'ERROR: failed to create cluster: failed to pull image "kindest/node:v1": {pull}',
        "Command Output: Error response from daemon: no such host",
    ]
    assert capsys.readouterr().err.startswith("cgroup v1 is deprecated in Kubernetes")
