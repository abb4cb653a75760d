"""JupyterLab with the lessons."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from canarylab import resources
from canarylab.ports import ensure_free

FIRST_LESSON = "notebooks/01-two-versions.ipynb"
COPIES = "canarylab-lessons"
DEFAULT_PORT = 8890  # Jupyter's own, 8888, is where lesson 1 runs version 1.0


def open_lessons(*, port: int | None, browser: bool) -> int:
    """Run JupyterLab to its end, and return its exit status."""
    if port is not None:
        ensure_free(port, remedy="Name another one with --port, or leave it out.")
    folder = lesson_folder(Path.cwd())
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}", "--ip=127.0.0.1"]
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if os.geteuid() == 0 else []  # as in most containers
    command += [f"--port={port or DEFAULT_PORT}"]
    command += [] if port is None else ["--ServerApp.port_retries=0"]
    return subprocess.run(command, check=False).returncode


def lesson_folder(here: Path) -> Path:
    """The repository of a checkout; else a folder with copies, which keep the learner's changes."""
    notebooks = resources.folder("notebooks")
    if notebooks.parent.name != "_content":
        return notebooks.parent
    own = here / COPIES
    for name in ("notebooks", "manifests", "app"):
        if not (own / name).exists():
            shutil.copytree(notebooks.parent / name, own / name)
    return own
