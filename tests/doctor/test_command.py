"""`canarylab doctor` as a person types it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from canarylab.cli import app
from canarylab.doctor import questions
from canarylab.machine.loopback import loopback
from tests.machine.conftest import install
from tests.needs import needs

THINGS = "Python Node kubectl loopback Docker cgroups kind memory inotify proxy Binder kubeconfig"


def doctor(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """On a machine where nothing is installed and nothing is set, but what the test says."""
    programs = home / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    bare = {
        "HOME": str(home),
        "PATH": str(programs),
        "CANARYLAB_HOME": str(home / "lab"),
        "DOCKER_HOST": f"unix://{home}/none.sock",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    return subprocess.run(
        [sys.executable, "-m", "canarylab", "doctor", *words],
        env={**bare, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@needs("linux")
def test_a_machine_with_nothing_but_python_can_run_the_playground(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert set(THINGS.split()) <= {found["what"] for found in said["findings"]}
    states = {found["what"]: found["state"] for found in said["findings"]}
    assert (states["Docker"], states["kind"], states["Python"]) == ("missing", "missing", "fine")
    can_run = {cluster["cluster"]: cluster["can_run"] for cluster in said["clusters"]}
    assert (can_run["kind"], can_run["kubeconfig"]) == (False, False)
    assert said["chosen"].startswith("A lesson takes the playground, because")


def test_where_nothing_can_run_the_status_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setattr(questions, "loopback", lambda: loopback("192.0.2.1"))  # nobody's

    done = CliRunner().invoke(app, ["doctor"])

    assert done.exit_code == 1
    assert "no       playground" in done.stdout


def test_it_fits_a_terminal_without_colour(tmp_path: Path) -> None:
    lines = doctor(tmp_path).stdout.splitlines()
    short = [line for line in lines if str(tmp_path) not in line and sys.executable not in line]
    assert max(map(len, short)) < 80
    assert "\x1b" not in "".join(lines)


def test_a_choice_that_nobody_knows_is_said(tmp_path: Path) -> None:
    done = doctor(tmp_path, CANARYLAB_CLUSTER="minikube")
    assert '"minikube"' in done.stdout


def test_programs_and_an_engine_that_hang_are_findings(tmp_path: Path) -> None:
    (tmp_path / "programs").mkdir()
    for name in ("kind", "kubectl"):
        install(tmp_path / "programs", name, "exec /bin/sleep 60")
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(f"{tmp_path}/deaf.sock")
        deaf.listen()
        done = doctor(tmp_path, "--json", DOCKER_HOST=f"unix://{tmp_path}/deaf.sock")
    words = {found["what"]: found["words"] for found in json.loads(done.stdout)["findings"]}
    assert words["kind"] == "kind did not say its version in time"
    assert words["kubectl"].endswith("does not say its version")
    assert "answer" in words["Docker"]


def test_the_context_that_kubectl_would_use_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config"
    file.write_text(
        "current-context: class\ncontexts:\n- {name: class, context: {namespace: seat-7}}\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(file))
    found = questions.kubeconfig()
    assert (found.state, found.words) == (
        "fine",
        "The current context is class, namespace seat-7",
    )


def test_a_kubeconfig_that_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("just words")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    found = questions.kubeconfig()
    assert (found.state, found.words) == ("missing", f"{tmp_path / 'config'} is no kubeconfig")
    assert found.remedy == "Mend it, or name another with KUBECONFIG."
