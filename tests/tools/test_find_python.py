"""`make` finds a Python that will do, or says in two sentences what is in the way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "find-python"
PYTHON = """#!/bin/sh
case "$2" in
    *python_version*) echo {version} ;;
    *version_info*) exit {too_old} ;;
    *) exit {incomplete} ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with nothing on it."""
    return tmp_path


def install(
    machine: Path, name: str, version: str, *, too_old: bool = False, incomplete: bool = False
) -> None:
    text = PYTHON.format(version=version, too_old=int(too_old), incomplete=int(incomplete))
    (machine / name).write_text(text)
    (machine / name).chmod(0o755)


def find(machine: Path, **named: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", SCRIPT],
        env={"PATH": str(machine), **named},
        text=True,
        capture_output=True,
        check=False,
    )


def test_the_newest_known_python_is_taken(machine: Path) -> None:
    install(machine, "python3", "3.11.2")
    install(machine, "python3.12", "3.12.1")

    assert find(machine).stdout.strip() == str(machine / "python3.12")


def test_a_name_that_does_not_run_is_passed_over(machine: Path) -> None:
    (machine / "python3.13").write_text("#!/bin/sh\nexit 127\n")
    (machine / "python3.13").chmod(0o755)
    install(machine, "python3", "3.11.2")

    assert find(machine).stdout.strip() == str(machine / "python3")


def test_one_with_venv_is_preferred_to_a_newer_one_without(machine: Path) -> None:
    install(machine, "python3.13", "3.13.0", incomplete=True)
    install(machine, "python3", "3.11.2")

    assert find(machine).stdout.strip() == str(machine / "python3")


def test_too_old_is_said_with_the_version(machine: Path) -> None:
    install(machine, "python3", "3.9.2", too_old=True)
    found = find(machine)

    assert found.returncode == 1
    assert "needs Python 3.11 or later, and python3 is Python 3.9.2. Install" in found.stderr


def test_missing_venv_is_said_with_the_package(machine: Path) -> None:
    install(machine, "python3", "3.11.2", incomplete=True)
    found = find(machine)

    assert found.returncode == 1
    assert "python3 is Python 3.11.2, but its venv module is missing. " in found.stderr
    assert "apt install python3-venv" in found.stderr


def test_no_python_at_all_is_said(machine: Path) -> None:
    found = find(machine)

    assert found.returncode == 1
    assert "there is no python3 here. Install it" in found.stderr


def test_a_named_python_is_the_only_one_asked(machine: Path) -> None:
    install(machine, "python3.13", "3.13.0")
    install(machine, "mine", "3.11.9")

    assert find(machine, PYTHON="mine").stdout.strip() == str(machine / "mine")
