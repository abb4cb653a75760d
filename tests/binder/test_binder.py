"""Binder would make what we mean: the right Python, both hooks, the first lesson.

repo2docker reads the repository and prints the Dockerfile it would build. It overlooks mistakes
in the environment and in the hooks, so each is looked at for itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What repo2docker says it would do; of the repository it needs binder/ alone."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(BINDER, folder / "binder")
    return subprocess.run(
        [Path(sys.executable).with_name("jupyter-repo2docker"), "--no-build", "--debug", folder],
        capture_output=True,
        text=True,
        check=False,
    )


def test_repo2docker_can_read_it(plan: subprocess.CompletedProcess[str]) -> None:
    assert plan.returncode == 0, plan.stderr


def test_the_python_is_the_one_we_name(plan: subprocess.CompletedProcess[str]) -> None:
    assert "Building conda environment for python=3.12" in plan.stderr


@pytest.mark.parametrize("hook", ["RUN ./binder/postBuild", "R2D_ENTRYPOINT"])
def test_both_hooks_are_found(hook: str, plan: subprocess.CompletedProcess[str]) -> None:
    assert hook in plan.stdout


def test_the_environment_names_python_node_and_kubectl() -> None:
    environment = yaml.safe_load((BINDER / "environment.yml").read_text())

    assert {"python=3.12", "nodejs=24", "kubernetes-client"} <= set(environment["dependencies"])


@pytest.mark.parametrize("hook", ["postBuild", "start"])
def test_a_hook_is_a_program_that_parses(hook: str) -> None:
    assert os.access(BINDER / hook, os.X_OK)
    assert subprocess.run(["bash", "-n", BINDER / hook], check=False).returncode == 0


def test_the_start_hook_opens_jupyterlab_even_if_the_playground_cannot_start(
    tmp_path: Path,
) -> None:
    (tmp_path / "canarylab").write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    (tmp_path / "canarylab").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    opened = subprocess.run(
        [BINDER / "start", "echo", "jupyter lab"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (opened.returncode, opened.stdout, opened.stderr) == (0, "jupyter lab\n", "")


def test_the_readme_opens_the_first_lesson() -> None:
    links = re.findall(
        r"mybinder\.org/\S*urlpath=lab/tree/canarylab-lessons/([\w./-]+)",
        (ROOT / "README.md").read_text(),
    )

    assert links
    assert [link for link in links if not (ROOT / "notebooks" / link).exists()] == []
