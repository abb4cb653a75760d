"""The app's own tests pass and its types hold, on the Node that runs it in every image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from canarylab import resources
from canarylab.playground.nodejs import path_with_nodejs


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app with everything that its lock file names."""
    copy = tmp_path_factory.mktemp("app") / "app"
    shutil.copytree(resources.folder("app"), copy, ignore=shutil.ignore_patterns("node_modules"))
    run(copy, "npm", "ci", "--prefer-offline")
    return copy


def run(folder: Path, *command: str) -> str:
    """What the command says; the test fails with it where the command fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path_with_nodejs(os.environ["PATH"])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_app_s_own_tests_pass(app: Path) -> None:
    said = run(app, "npm", "test")

    assert re.search(r"fail 0\b", said), said
    assert re.search(r"skipped 0\b", said), said


def test_the_app_s_types_hold(app: Path) -> None:
    run(app, "npm", "run", "check")


def test_the_lock_file_names_packages_and_checksums_but_no_registry() -> None:
    lock = json.loads((resources.folder("app") / "package-lock.json").read_text())
    packages = [package for path, package in lock["packages"].items() if path]

    assert packages
    assert [package for package in packages if "resolved" in package] == []
    assert [package for package in packages if "integrity" not in package] == []
