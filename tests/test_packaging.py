"""An installed package carries what a learner needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHERE = "from canarylab import resources; print(resources.folder('notebooks'))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it as pip would put it there."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


@pytest.mark.parametrize(
    "name",
    [
        "app/Dockerfile",
        "app/.dockerignore",
        "app/package-lock.json",
        "manifests/03-canary/canary.yaml",
        "notebooks/01-two-versions.ipynb",
        "notebooks/solved/01-two-versions.ipynb",
    ],
)
def test_what_a_learner_needs_is_there(installed: Path, name: str) -> None:
    assert (installed / "canarylab" / "_content" / name).is_file()


def test_every_file_of_the_package_is_there(installed: Path) -> None:
    ours = {
        path.relative_to(ROOT)
        for path in (ROOT / "canarylab").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert [str(path) for path in ours if not (installed / path).is_file()] == []


@pytest.mark.parametrize("name", ["app/node_modules", "notebooks/source"])
def test_what_only_we_need_is_not(installed: Path, name: str) -> None:
    assert (ROOT / "notebooks" / "source").is_dir()
    assert not (installed / "canarylab" / "_content" / name).exists()


def test_it_finds_its_own_copy(installed: Path, tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", WHERE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(asked.stdout.strip()) == installed / "canarylab" / "_content" / "notebooks"
