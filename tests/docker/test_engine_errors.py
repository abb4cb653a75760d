"""An engine that cannot be used is an error that says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from canarylab.errors import EngineError
from canarylab.images.choose import choose_builder
from tests.docker.conftest import DockerSetup
from tests.docker.engines import private_engine

NOBODY = "65534"


@pytest.fixture(scope="module")
def stopped_address() -> str:
    """The address of an engine that was stopped."""
    with private_engine() as address:
        return address


@pytest.fixture
def stopped(
    docker: DockerSetup, stopped_address: str, monkeypatch: pytest.MonkeyPatch
) -> DockerSetup:
    """The setup, with an engine that was stopped."""
    monkeypatch.setenv("DOCKER_HOST", stopped_address)
    return docker


def test_docker_is_chosen_where_it_answers(docker: DockerSetup) -> None:
    builder, why = choose_builder(home=docker.home)
    assert (builder.name, why) == ("docker", "Docker is running on this machine.")


def test_a_stopped_engine_is_an_error_where_docker_was_named(stopped: DockerSetup) -> None:
    with pytest.raises(EngineError, match="engine does not answer at"):
        choose_builder("docker", home=stopped.home)


def test_every_method_reports_a_stopped_engine(stopped: DockerSetup) -> None:
    builder = stopped.builder
    for method in (
        lambda: builder.build("1.0", lambda step: None),
        lambda: builder.run("node_app:1.0", port=1),
        builder.list_images,
        builder.running,
        builder.stop_all,
    ):
        with pytest.raises(EngineError) as caught:
            method()
        assert caught.value.why == "not running"


def test_a_user_without_permission_gets_a_remedy(engine: str, tmp_path: Path) -> None:
    program = (
        "from canarylab.images.choose import choose_builder\n"
        "print(choose_builder()[1])\n"
        "try: choose_builder('docker')\n"
        "except Exception as exc: print(type(exc).__name__, exc)\n"
    )
    unasked = {name: said for name, said in os.environ.items() if name != "CANARYLAB_BUILDER"}
    done = subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", "--clear-groups", sys.executable, "-c", program],
        env={**unasked, "DOCKER_HOST": engine, "CANARYLAB_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("You may not use Docker's socket"), done.stderr
    assert "EngineError You may not use Docker's socket" in done.stdout
    assert "`sudo usermod -aG docker $USER`" in done.stdout
