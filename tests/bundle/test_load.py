"""What is on the learner's machine afterwards?"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from canarylab import machine
from canarylab.bundle import app, load, wheels
from canarylab.bundle.manifest import this_machine
from canarylab.errors import SetupError
from canarylab.playground.home import Home
from canarylab.playground.images import find
from tests.bundle.conftest import PROJECT, build_quickly


def taken_in(bundle: Path, home: Home) -> str:
    return str(load.load(bundle, home, lambda words: None))


def test_the_pip_line_that_is_printed_works(bundle: Path, other_home: Home, tmp_path: Path) -> None:
    (line,) = [line for line in taken_in(bundle, other_home).splitlines() if "pip install" in line]
    program, *words, canarylab = shlex.split(line)
    assert (program, canarylab) == ("python3", "canarylab")
    target = tmp_path / "installed"
    asked = [
        sys.executable,
        *words,
        PROJECT,
        "--target",
        str(target),
        "--disable-pip-version-check",
    ]
    subprocess.run(asked, check=True, capture_output=True)
    assert (target / "songs.py").is_file()


def test_the_playground_has_its_images(bundle: Path, other_home: Home) -> None:
    assert "The playground has node_app:1.0 and node_app:2.0." in taken_in(bundle, other_home)
    for version in ("1.0", "2.0"):
        image = find(other_home.images, f"node_app:{version}")
        assert image is not None
        assert (image.root / "main.ts").read_text() == f"// version {version}"


def test_layers_come_too_with_their_links(bundle: Path, home: Home, other_home: Home) -> None:
    taken_in(bundle, other_home)
    names = {layer.name for layer in (home.images / app.LAYERS).iterdir()}
    assert {layer.name for layer in (other_home.images / app.LAYERS).iterdir()} == names
    (shared, *_) = (other_home.images / app.LAYERS).glob("*/tree/again.ts")
    assert shared.read_text() == shared.with_name("main.ts").read_text()


def test_loading_twice_ends_the_same(bundle: Path, other_home: Home) -> None:
    taken_in(bundle, other_home)
    before = contents(other_home.root)
    assert "The playground has its images already, and keeps them." in taken_in(bundle, other_home)
    assert contents(other_home.root) == before


def test_an_image_of_the_learners_own_stays(bundle: Path, other_home: Home) -> None:
    own = build_quickly("1.0", other_home.images)
    (own.root / "main.ts").write_text("// mine")
    assert "The playground has node_app:2.0." in taken_in(bundle, other_home)
    assert (own.root / "main.ts").read_text() == "// mine"


def test_an_interrupted_load_can_be_repeated(
    bundle: Path, other_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    for at in ("shutil.copyfileobj", "pathlib.Path.rename", "tarfile.TarFile.extractall"):
        with monkeypatch.context() as patched:
            patched.setattr(at, interrupted if at != "tarfile.TarFile.extractall" else _stop)
            with pytest.raises(KeyboardInterrupt):
                taken_in(bundle, other_home)
    taken_in(bundle, other_home)
    assert len(list(wheels.wheelhouse(other_home).iterdir())) == 1
    assert not wheels.wheelhouse(other_home).with_suffix(".new").exists()
    assert find(other_home.images, "node_app:2.0") is not None


def test_wheels_of_an_earlier_bundle_go(bundle: Path, other_home: Home) -> None:
    place = wheels.wheelhouse(other_home)
    place.mkdir(parents=True)
    (place / "old-0.1-py3-none-any.whl").touch()
    taken_in(bundle, other_home)
    assert [wheel.name for wheel in place.iterdir()] == ["canarylab_songs-1.0-py3-none-any.whl"]


def test_another_python_gets_the_rest_and_is_told(bundle: Path, other_home: Home) -> None:
    older = this_machine()._replace(python="3.8")
    said = str(load.load(bundle, other_home, lambda words: None, here=older))
    assert "The playground has" in said
    assert "Left out: the wheels" in said
    assert not wheels.wheelhouse(other_home).exists()


def test_another_processor_can_use_nothing(bundle: Path, other_home: Home) -> None:
    other = this_machine()._replace(processor="riscv64")
    with pytest.raises(SetupError, match=r"nothing of it can be used on .* riscv64"):
        load.load(bundle, other_home, lambda words: None, here=other)


def test_a_part_that_is_not_there_is_said(bundle: Path, other_home: Home) -> None:
    with pytest.raises(SetupError, match="holds wheels and playground, and you asked for images"):
        load.load(bundle, other_home, lambda words: None, parts=["images"])


def test_only_what_is_wanted_is_loaded(bundle: Path, other_home: Home) -> None:
    load.load(bundle, other_home, lambda words: None, parts=["wheels"])
    assert find(other_home.images, "node_app:1.0") is None


def test_too_little_room_is_said_before_anything_is_written(
    bundle: Path, other_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda place: 100)
    with pytest.raises(SetupError, match=r"Only 1 kB free at .* too little for"):
        taken_in(bundle, other_home)
    assert not other_home.root.exists()


def test_a_disk_that_fills_up_is_said(
    bundle: Path, other_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(SetupError, match=r"The disk is full: .*wheelhouse could not be written\."):
        taken_in(bundle, other_home)
    assert not wheels.wheelhouse(other_home).exists()


def contents(folder: Path) -> dict[str, int]:
    """Every file and its size; locks say nothing."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


def _stop(*arguments: object, filter: str) -> None:
    raise KeyboardInterrupt
