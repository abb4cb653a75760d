"""`canarylab bundle` as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from canarylab.bundle.command import chosen
from canarylab.playground.home import Home


def canarylab(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "canarylab", "bundle", *words],
        env={**os.environ, "CANARYLAB_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bundle_is_loaded(bundle: Path, other_home: Home) -> None:
    done = canarylab(other_home, "load", str(bundle), "--parts", "wheels")
    assert (done.returncode, "pip install --no-index" in done.stdout) == (0, True)
    assert done.stderr.startswith(f"checking {bundle} ...")


def test_what_is_no_bundle_is_one_message(other_home: Home, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    done = canarylab(other_home, "load", str(tmp_path / "notes.txt"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is no bundle of canarylab. Name one" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_part_that_there_is_not_is_named(other_home: Home) -> None:
    done = canarylab(other_home, "save", "class.tar", "--parts", "wheels,imges")
    assert (done.returncode, 'no part "imges"' in done.stderr) == (1, True)


def test_no_part_at_all_is_said() -> None:
    with pytest.raises(ValueError, match="No part is named"):
        chosen(" , ")
