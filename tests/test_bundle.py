"""`canarylab bundle`: what goes into an archive, and what is on a machine that has loaded it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from canarylab import bundle as bundling
from canarylab import cli, machine, resources
from canarylab.bundle import (
    LAYERS,
    checkout,
    load,
    load_playground,
    parse_parts,
    save,
    tag_of,
    wanted_images,
    wheelhouse,
)
from canarylab.bundle_archive import (
    MANIFEST,
    PARTS,
    PLAYGROUND,
    ArchiveWriter,
    BundleManifest,
    Platform,
    atomic_write,
    open_bundle,
)
from canarylab.clusters.kind_images import traefik_image
from canarylab.errors import EngineError, SetupError, ToolFailedError
from canarylab.images.process_build import open_layers
from canarylab.playground.home import Home
from canarylab.playground.images import Image, find, folder_of
from canarylab.playground.images import save as tag
from tests.fake_docker import FakeDocker
from tests.no_docker import docker, no_engine

__all__ = ["docker", "no_engine"]

LAYER_BYTES = b"the layers of all these images" * 1000
NODE, BASE, TRAEFIK, *APP = wanted_images()
TAG, TRAEFIK_TAG = tag_of(NODE), tag_of(TRAEFIK)
DIGEST = f"kindest/node@{NODE.partition('@')[2]}"
TRAEFIK_DIGEST = f"traefik@{TRAEFIK.partition('@')[2]}"
EVERYTHING = [DIGEST, BASE, TRAEFIK_DIGEST, *APP]
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
def quick_pip(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip takes seconds; here it copies that wheel."""

    def run_pip(*arguments: str) -> None:
        command, option, folder, *projects = arguments
        assert (command, option, bool(projects)) == ("wheel", "--wheel-dir", True)
        shutil.copy(wheel, folder)

    monkeypatch.setattr(bundling, "_run_pip", run_pip)


@pytest.fixture
def quick_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building the app takes npm and seconds; here it is two files that share a link."""
    monkeypatch.setattr(bundling, "build_app_image", build_quickly)


@pytest.fixture
def bundle(home: Home, tmp_path: Path, quick_build: None, quick_pip: None) -> Path:
    """Wheels and the app for the playground."""
    save(tmp_path / "class.tar", home, lambda words: None, ["wheels", "playground"])
    return tmp_path / "class.tar"


def build_quickly(version: str, images: Path) -> Image:
    """What the builder leaves: a layer, and an image in a folder of its own."""

    def fill(tree: Path) -> None:
        (tree / "main.ts").write_text(f"// version {version}")
        (tree / "again.ts").hardlink_to(tree / "main.ts")

    with open_layers(images) as layers:
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


class FakeImages:
    """Names and what became of them."""

    def __init__(self, here: Collection[str], elsewhere: Collection[str] = ()) -> None:
        self.here, self.elsewhere = set(here), set(elsewhere)
        self.saved: list[str] = []
        self.loaded = b""
        self.load_answer: dict[str, str] = {"stream": "Loaded image: node_app:1.0\n"}

    def in_place(self, docker: FakeDocker) -> FakeImages:
        """Let this engine answer so."""
        docker.answers |= {
            "GET /images/get": self._save,
            "POST /images/load": self._load,
            "POST /images/create": self._pull,
            "GET /images/": self._inspect,
            "POST /images/": self._tag,
        }
        return self

    def _inspect(self, path: str, body: bytes) -> tuple[int, Any]:
        name = unquote(path.removeprefix("/images/").removesuffix("/json"))
        if name not in self.here:
            return 404, {"message": f"No such image: {name}"}
        return 200, {"Id": name, "RepoTags": [name]}

    def _pull(self, path: str, body: bytes) -> tuple[int, Any]:
        asked = {name: said[0] for name, said in parse_qs(urlsplit(path).query).items()}
        separator = "@" if asked["tag"].startswith("sha256:") else ":"
        name = f"{asked['fromImage']}{separator}{asked['tag']}"
        if name not in self.elsewhere:
            return 500, {"message": "dial tcp: lookup registry-1.docker.io: no such host"}
        self.here.add(name)
        return 200, {"status": "done"}

    def _tag(self, path: str, body: bytes) -> tuple[int, Any]:
        asked = parse_qs(urlsplit(path).query)
        self.here.add(f"{asked['repo'][0]}:{asked['tag'][0]}")
        return 201, {}

    def _save(self, path: str, body: bytes) -> tuple[int, Any]:
        self.saved = parse_qs(urlsplit(path).query)["names"]
        missing = [name for name in self.saved if name not in self.here]
        return (404, {"message": f"No such image: {missing}"}) if missing else (200, LAYER_BYTES)

    def _load(self, path: str, body: bytes) -> tuple[int, Any]:
        self.loaded = gzip.decompress(body)
        return 200, self.load_answer


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
    assert "is not a bundle of canarylab. Choose a file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_part_that_there_is_not_is_named(other_home: Home) -> None:
    done = canarylab(other_home, "save", "class.tar", "--parts", "wheels,imges")
    assert (done.returncode, 'no part "imges"' in done.stderr) == (1, True)


def test_no_part_at_all_is_said() -> None:
    with pytest.raises(ValueError, match="No part is named"):
        parse_parts(" , ")


def test_the_command_line_names_all_parts() -> None:
    assert cli.BUNDLE_PARTS.split(",") == list(PARTS)


def test_what_is_saved_is_said_with_its_size(
    home: Home, tmp_path: Path, quick_build: None, quick_pip: None
) -> None:
    said = save(tmp_path / "class.tar", home, lambda words: None, ["wheels", "playground"])
    assert said.startswith(f"{tmp_path / 'class.tar'} is saved: ")
    assert "It holds 1 wheel (1 kB) and the app for the playground (" in said


def test_wheels_can_be_taken_out_with_tar_alone(bundle: Path) -> None:
    with tarfile.open(bundle, "r:") as tar:
        assert tar.getnames() == [
            "wheels/canarylab_songs-1.0-py3-none-any.whl",
            "playground.tar.gz",
            "manifest.json",
        ]


@pytest.mark.slow
def test_a_project_that_pip_cannot_find_is_said_in_its_words(home: Home, tmp_path: Path) -> None:
    missing = ["--no-index", "no-such-project"]
    with pytest.raises(ToolFailedError, match="no-such-project"):
        save(tmp_path / "class.tar", home, lambda words: None, ["wheels"], missing)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=rf"There is no folder {tmp_path}/none\."):
        save(tmp_path / "none" / "class.tar", home, lambda words: None)


def test_without_an_engine_no_minute_is_spent(home: Home, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="Or leave the images out"):
        save(tmp_path / "class.tar", home, pytest.fail, ["images", "wheels"])


def test_a_checkout_is_what_wheels_are_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (Path(checkout()) / "pyproject.toml").is_file()
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "site-packages" / "canarylab")
    with pytest.raises(SetupError, match="without the folder it was installed from"):
        checkout()


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
    with atomic_write(tmp_path / "evil.tar") as opened:
        archive = ArchiveWriter(opened)
        archive.add(PLAYGROUND, lambda sink: sink.write(packed.getvalue()))
        said = BundleManifest(archive.entries, Platform.here()).to_json()
        archive.add(MANIFEST, lambda sink: sink.write(said))
        archive.finish()
    with (
        open_bundle(tmp_path / "evil.tar") as bundle,
        pytest.raises(SetupError, match="The app in this bundle cannot be unpacked"),
    ):
        load_playground(bundle, other_home)
    assert not (tmp_path / "evil").exists()
    assert [path.name for path in other_home.images.rglob("link")] == []


def saved(home: Home, tmp_path: Path) -> Path:
    save(tmp_path / "class.tar", home, lambda words: None, ["images"])
    return tmp_path / "class.tar"


def test_what_the_lessons_need_is_wanted() -> None:
    assert (BASE, APP) == ("node:24-slim", ["node_app:1.0", "node_app:2.0"])
    assert NODE.startswith("kindest/node:v")
    assert traefik_image() == TRAEFIK


def test_what_is_pinned_by_digest_is_saved_under_its_tag(
    docker: FakeDocker, home: Home, tmp_path: Path
) -> None:
    """Because an archive keeps no digests, and the kind provider falls back to these tags."""
    here = FakeImages(EVERYTHING).in_place(docker)
    saved(home, tmp_path)
    assert here.saved == [TAG, BASE, TRAEFIK_TAG, *APP]
    assert {TAG, TRAEFIK_TAG} <= here.here


def test_all_images_come_in_one_stream(docker: FakeDocker, home: Home, tmp_path: Path) -> None:
    FakeImages(EVERYTHING).in_place(docker)
    saved(home, tmp_path)
    assert sum(asked.startswith("GET /images/get?") for asked in docker.asked) == 1


def test_what_is_missing_is_pulled(docker: FakeDocker, home: Home, tmp_path: Path) -> None:
    here = FakeImages(APP, elsewhere=[DIGEST, BASE, TRAEFIK_DIGEST]).in_place(docker)
    saved(home, tmp_path)
    assert {DIGEST, BASE, TRAEFIK_DIGEST} <= here.here


def test_without_network_the_missing_one_is_named(
    docker: FakeDocker, home: Home, tmp_path: Path
) -> None:
    FakeImages([DIGEST, BASE, *APP]).in_place(docker)
    with pytest.raises(SetupError, match=f"{TRAEFIK} is not here and cannot be pulled: .*no such"):
        saved(home, tmp_path)
    assert not list(tmp_path.glob("class.tar*"))


def test_what_an_earlier_bundle_brought_can_be_saved_again(
    docker: FakeDocker, home: Home, tmp_path: Path
) -> None:
    here = FakeImages([TAG, BASE, TRAEFIK_TAG, *APP]).in_place(docker)
    saved(home, tmp_path)
    assert here.saved == [TAG, BASE, TRAEFIK_TAG, *APP]


def test_an_app_that_is_not_built_is_not_looked_for_elsewhere(
    docker: FakeDocker, home: Home, tmp_path: Path
) -> None:
    FakeImages([DIGEST, BASE, TRAEFIK_DIGEST, APP[0]], elsewhere=APP).in_place(docker)
    with pytest.raises(SetupError, match=r"node_app:2\.0 is not built\. Build it with `canarylab"):
        saved(home, tmp_path)


def test_an_engine_that_does_not_save_is_quoted(
    docker: FakeDocker, home: Home, tmp_path: Path
) -> None:
    FakeImages(EVERYTHING).in_place(docker)
    docker.answers["GET /images/get"] = lambda path, body: (500, {"message": "broken layer"})
    with pytest.raises(SetupError, match=r"Docker did not save the images: .*broken layer"):
        saved(home, tmp_path)


def test_what_was_saved_is_loaded(
    docker: FakeDocker, home: Home, other_home: Home, tmp_path: Path
) -> None:
    here = FakeImages(EVERYTHING).in_place(docker)
    said = load(saved(home, tmp_path), other_home, lambda words: None)
    assert here.loaded == LAYER_BYTES
    assert said == f"Docker has {TAG}, {BASE}, {TRAEFIK_TAG}, node_app:1.0, node_app:2.0."


def test_an_engine_that_cannot_load_is_quoted(
    docker: FakeDocker, home: Home, other_home: Home, tmp_path: Path
) -> None:
    here = FakeImages(EVERYTHING).in_place(docker)
    here.load_answer = {"error": "write /layer.tar: no space left on device"}
    with pytest.raises(SetupError, match=r"did not load the images: .* no space left on device"):
        load(saved(home, tmp_path), other_home, lambda words: None)


def test_without_an_engine_nothing_is_loaded_and_the_way_round_is_said(
    docker: FakeDocker,
    home: Home,
    other_home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    FakeImages(EVERYTHING).in_place(docker)
    bundle = saved(home, tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineError, match="--parts wheels,playground"):
        load(bundle, other_home, lambda words: None)


def taken_in(bundle: Path, home: Home) -> str:
    return load(bundle, home, lambda words: None)


@pytest.mark.slow
def test_pip_makes_the_wheels_and_installs_them_with_the_command_that_is_printed(
    wheel: Path, home: Home, other_home: Home, tmp_path: Path
) -> None:
    file, projects = tmp_path / "class.tar", ["--no-index", "--find-links", str(wheel.parent)]
    save(file, home, lambda words: None, ["wheels"], [*projects, PROJECT])
    (line,) = [line for line in taken_in(file, other_home).splitlines() if "pip install" in line]
    program, *words, canarylab = shlex.split(line)
    assert (program, canarylab) == ("python3", "canarylab")
    target = tmp_path / "installed"
    options = ["--target", str(target), "--disable-pip-version-check"]
    subprocess.run([sys.executable, *words, PROJECT, *options], check=True, capture_output=True)
    assert (target / "songs.py").is_file()


def test_the_playground_has_its_images(bundle: Path, other_home: Home) -> None:
    assert "The playground has node_app:1.0 and node_app:2.0." in taken_in(bundle, other_home)
    for version in ("1.0", "2.0"):
        image = find(other_home.images, f"node_app:{version}")
        assert image is not None
        assert (image.root / "main.ts").read_text() == f"// version {version}"


def test_layers_come_too_with_their_links(bundle: Path, home: Home, other_home: Home) -> None:
    taken_in(bundle, other_home)
    names = {layer.name for layer in (home.images / LAYERS).iterdir()}
    assert {layer.name for layer in (other_home.images / LAYERS).iterdir()} == names
    (shared, *_) = (other_home.images / LAYERS).glob("*/tree/again.ts")
    assert shared.read_text() == shared.with_name("main.ts").read_text()


def test_loading_twice_ends_the_same(bundle: Path, other_home: Home) -> None:
    taken_in(bundle, other_home)
    before = contents(other_home.root)
    assert "The playground has its images already." in taken_in(bundle, other_home)
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
    assert len(list(wheelhouse(other_home).iterdir())) == 1
    assert not wheelhouse(other_home).with_suffix(".new").exists()
    assert find(other_home.images, "node_app:2.0") is not None


def test_wheels_of_an_earlier_bundle_go(bundle: Path, other_home: Home) -> None:
    place = wheelhouse(other_home)
    place.mkdir(parents=True)
    (place / "old-0.1-py3-none-any.whl").touch()
    taken_in(bundle, other_home)
    assert [wheel.name for wheel in place.iterdir()] == ["canarylab_songs-1.0-py3-none-any.whl"]


def test_another_python_gets_the_rest_and_is_told(bundle: Path, other_home: Home) -> None:
    older = Platform.here()._replace(python="3.8")
    said = load(bundle, other_home, lambda words: None, here=older)
    assert "The playground has" in said
    assert "Left out: the wheels" in said
    assert not wheelhouse(other_home).exists()


def test_another_processor_can_use_nothing(bundle: Path, other_home: Home) -> None:
    other = Platform.here()._replace(processor="riscv64")
    with pytest.raises(SetupError, match=r"nothing in it works on .* riscv64"):
        load(bundle, other_home, lambda words: None, here=other)


def test_a_part_that_is_not_there_is_said(bundle: Path, other_home: Home) -> None:
    with pytest.raises(SetupError, match="holds wheels and playground, but not images"):
        load(bundle, other_home, lambda words: None, parts=["images"])


def test_only_what_is_wanted_is_loaded(bundle: Path, other_home: Home) -> None:
    load(bundle, other_home, lambda words: None, parts=["wheels"])
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
    assert not wheelhouse(other_home).exists()


def contents(folder: Path) -> dict[str, int]:
    """Every file and its size; locks say nothing."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


def _stop(*arguments: object, filter: str) -> None:
    raise KeyboardInterrupt
