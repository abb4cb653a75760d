"""What goes into a bundle, and what if it cannot?"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest

from canarylab import resources
from canarylab.bundle import app, manifest, wheels
from canarylab.bundle.manifest import Manifest, this_machine
from canarylab.bundle.reading import checked
from canarylab.bundle.save import Order, save
from canarylab.bundle.writing import Archive, written_whole
from canarylab.errors import EngineError, SetupError, ToolFailedError
from canarylab.playground.home import Home


def test_what_is_saved_is_said_with_its_size(
    home: Home, order: Order, tmp_path: Path, quick_build: None
) -> None:
    said = str(save(tmp_path / "class.tar", home, lambda words: None, order))
    assert said.startswith(f"{tmp_path / 'class.tar'} is saved: ")
    assert "It holds 1 wheel (1 kB) and the app for the playground (" in said


def test_wheels_can_be_taken_out_with_tar_alone(bundle: Path) -> None:
    with tarfile.open(bundle, "r:") as tar:
        assert tar.getnames() == [
            "wheels/canarylab_songs-1.0-py3-none-any.whl",
            "playground.tar.gz",
            "manifest.json",
        ]


def test_a_project_that_pip_cannot_find_is_said_in_its_words(home: Home, tmp_path: Path) -> None:
    order = Order(["wheels"], ["--no-index", "no-such-project"])
    with pytest.raises(ToolFailedError, match="no-such-project"):
        save(tmp_path / "class.tar", home, lambda words: None, order)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=rf"There is no folder {tmp_path}/none\."):
        save(tmp_path / "none" / "class.tar", home, lambda words: None, Order())


def test_without_an_engine_no_minute_is_spent(
    home: Home, order: Order, tmp_path: Path, no_docker: None
) -> None:
    with pytest.raises(EngineError, match="Or leave the images out"):
        save(tmp_path / "class.tar", home, pytest.fail, order._replace(parts=("images", "wheels")))


def test_a_checkout_is_what_wheels_are_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (Path(wheels.ourselves()[0]) / "pyproject.toml").is_file()
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "site-packages" / "canarylab")
    with pytest.raises(SetupError, match="without the folder it was installed from"):
        wheels.ourselves()


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil"])
def test_an_app_that_unpacks_elsewhere_is_refused(
    name: str, other_home: Home, tmp_path: Path
) -> None:
    """The inner archive is as little trusted as the outer one."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, name
        tar.addfile(link)
    with written_whole(tmp_path / "evil.tar") as opened:
        archive = Archive(opened)
        archive.add(app.NAME, lambda sink: _put(sink, packed.getvalue()))
        said = Manifest(archive.entries, this_machine()).to_json().encode()
        archive.add(manifest.NAME, lambda sink: _put(sink, said))
        archive.finish()
    with (
        checked(tmp_path / "evil.tar") as bundle,
        pytest.raises(SetupError, match="The app in this bundle cannot be unpacked"),
    ):
        app.unpack(bundle, other_home)
    assert not (tmp_path / "evil").exists()
    assert [path.name for path in other_home.images.rglob("link")] == []


def _put(sink: BinaryIO, content: bytes) -> None:
    sink.write(content)
