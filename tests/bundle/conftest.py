"""A small bundle, made as a large one is."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab.bundle import app
from canarylab.bundle.save import Order, save
from canarylab.images.layers import opened
from canarylab.playground.home import Home
from canarylab.playground.images import Image, folder_of
from canarylab.playground.images import save as tag
from tests.fake_docker import FakeDocker, fake_docker

PROJECT = "canarylab-songs"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def other_home(tmp_path: Path) -> Home:
    """Of a learner, in the room without network."""
    return Home(tmp_path / "room")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel of one module, `songs`, that needs nothing."""
    info = "canarylab_songs-1.0.dist-info"
    files = {
        "songs.py": "SONG = 'tweet'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PROJECT}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    folder = tmp_path / "made"
    folder.mkdir()
    made = folder / "canarylab_songs-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made


@pytest.fixture
def order(wheel: Path) -> Order:
    """That wheel, without any network, and the app."""
    projects = ["--no-index", "--find-links", str(wheel.parent), PROJECT]
    return Order(("wheels", "playground"), projects)


@pytest.fixture
def quick_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building the app takes npm and seconds; here it is two files that share a link."""
    monkeypatch.setattr(app, "build_app", build_quickly)


@pytest.fixture
def bundle(home: Home, order: Order, tmp_path: Path, quick_build: None) -> Path:
    """Wheels and the app for the playground."""
    return save(tmp_path / "class.tar", home, lambda words: None, order).file


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeDocker]:
    """An engine that answers, and DOCKER_HOST names it."""
    with fake_docker(tmp_path) as running:
        monkeypatch.setenv("DOCKER_HOST", running.host)
        yield running


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine, whatever this machine has."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def build_quickly(version: str, images: Path) -> Image:
    """What the builder leaves: a layer, and an image in a folder of its own."""

    def fill(tree: Path) -> None:
        (tree / "main.ts").write_text(f"// version {version}")
        (tree / "again.ts").hardlink_to(tree / "main.ts")

    with opened(images) as layers:
        key = hashlib.sha256(version.encode()).hexdigest()
        if layers.find(key) is None:
            layers.make(key, fill)
    name = f"node_app:{version}"
    root = folder_of(images, name) / "abc123"
    root.mkdir(parents=True, exist_ok=True)
    (root / "main.ts").write_text(f"// version {version}")
    return tag(images, Image(name, f"sha256:{version}", root))


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
