"""How do images get into a bundle and out of it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.bundle import images
from canarylab.bundle.load import load
from canarylab.bundle.save import Order, save
from canarylab.clusters.kind_images import traefik_image
from canarylab.errors import EngineError, SetupError
from canarylab.playground.home import Home
from tests.bundle.fake_images import LAYERS, FakeImages
from tests.fake_docker import FakeDocker

NODE, BASE, TRAEFIK, *APP = images.wanted()
TAG, TRAEFIK_TAG = images.tag_of(NODE), images.tag_of(TRAEFIK)
DIGEST = f"kindest/node@{NODE.partition('@')[2]}"
TRAEFIK_DIGEST = f"traefik@{TRAEFIK.partition('@')[2]}"
EVERYTHING = [DIGEST, BASE, TRAEFIK_DIGEST, *APP]
ORDER = Order(["images"])


def saved(home: Home, tmp_path: Path) -> Path:
    return save(tmp_path / "class.tar", home, lambda words: None, ORDER).file


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
    said = str(load(saved(home, tmp_path), other_home, lambda words: None))
    assert here.loaded == LAYERS
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
