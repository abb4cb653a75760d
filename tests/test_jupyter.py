from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from canarylab import jupyter, resources
from canarylab.images.builder import LOCAL_PORTS


def test_lessons_open_away_from_the_ports_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def note(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", note)
    assert jupyter.open_lessons(port=None, browser=False) == 0
    assert jupyter.DEFAULT_PORT not in LOCAL_PORTS.values()
    assert f"--port={jupyter.DEFAULT_PORT}" in commands[0]
    assert "--no-browser" in commands[0]
    assert f"--LabApp.default_url=/lab/tree/{jupyter.FIRST_LESSON}" in commands[0]


def test_a_checkout_is_its_own_lesson_folder(tmp_path: Path) -> None:
    assert (jupyter.lesson_folder(tmp_path) / jupyter.FIRST_LESSON).is_file()
    assert list(tmp_path.iterdir()) == []


def test_an_installed_package_copies_its_lessons_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = tmp_path / "_content"
    for name in ("notebooks", "manifests", "app"):
        shutil.copytree(
            resources.folder(name), packaged / name, ignore=shutil.ignore_patterns("node_modules")
        )
    monkeypatch.setattr(resources, "folder", lambda name: packaged / name)
    own = jupyter.lesson_folder(tmp_path)
    (own / jupyter.FIRST_LESSON).write_text("the learner's work")
    assert jupyter.lesson_folder(tmp_path) == own
    assert (own / jupyter.FIRST_LESSON).read_text() == "the learner's work"
