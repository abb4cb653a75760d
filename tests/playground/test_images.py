"""The playground's image store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from canarylab.errors import ImageNameError, SetupError
from canarylab.playground import images
from canarylab.playground.images import Image


def an_image(folder: Path, reference: str = "node_app:1.0") -> Image:
    root = folder / ".trees" / "abc"
    (root / "usr/src/app").mkdir(parents=True, exist_ok=True)
    return Image(reference, "sha256:abc", root, working_dir="/usr/src/app", env={"A": "b"})


def test_a_saved_image_is_found(tmp_path: Path) -> None:
    saved = images.save(tmp_path, an_image(tmp_path))

    assert images.find(tmp_path, "node_app:1.0") == saved


def test_an_image_that_is_not_built_is_none(tmp_path: Path) -> None:
    assert images.find(tmp_path, "node_app:3.0") is None


def test_a_name_without_a_tag_means_latest(tmp_path: Path) -> None:
    images.save(tmp_path, an_image(tmp_path, "node_app"))

    assert images.find(tmp_path, "node_app:latest") is not None


def test_docker_hub_is_where_short_names_come_from(tmp_path: Path) -> None:
    images.save(tmp_path, an_image(tmp_path, "docker.io/library/node_app:1.0"))

    assert images.find(tmp_path, "node_app:1.0") is not None


@pytest.mark.parametrize(
    "reference",
    ["filipemotta/node_app:1.0", "localhost:5000/team/app:v2", "a-b.c__d:_x", "Host.example/a:1"],
)
def test_a_name_that_docker_takes_is_taken(tmp_path: Path, reference: str) -> None:
    images.save(tmp_path, an_image(tmp_path, reference))

    assert [image.reference for image in images.list_images(tmp_path)] == [reference]


@pytest.mark.parametrize(
    "reference",
    ["", "Node_App:1.0", "node app", "../x", "a:", "a:.b", "a//b", "/a", "a/", "a:b:c", "x" * 256],
)
def test_a_name_that_docker_refuses_is_refused(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ImageNameError, match=r"Write a name in lower case"):
        images.find(tmp_path, reference)


def test_all_images_are_listed_by_name(tmp_path: Path) -> None:
    for reference in ("node_app:2.0", "a/b:1", "node_app:1.0"):
        images.save(tmp_path, an_image(tmp_path, reference))

    assert [image.reference for image in images.list_images(tmp_path)] == [
        "a/b:1",
        "node_app:1.0",
        "node_app:2.0",
    ]


def test_no_folder_means_no_images(tmp_path: Path) -> None:
    assert images.list_images(tmp_path / "missing") == []


def test_the_home_may_move(tmp_path: Path) -> None:
    images.save(tmp_path / "old", an_image(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")

    found = images.find(tmp_path / "new", "node_app:1.0")

    assert found is not None
    assert found.working_folder == (tmp_path / "new/.trees/abc/usr/src/app").resolve()


def test_a_tag_moves_to_the_image_saved_last(tmp_path: Path) -> None:
    first = images.save(tmp_path, an_image(tmp_path))
    images.save(tmp_path, replace(first, id="sha256:def"))

    assert [image.id for image in images.list_images(tmp_path)] == ["sha256:def"]


def test_a_tag_leaves_nothing_but_itself(tmp_path: Path) -> None:
    images.save(tmp_path, an_image(tmp_path))

    assert [file.name for file in (tmp_path / "node_app/1.0").iterdir()] == ["image.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"root": "."}', '{"root": 5}'])
def test_an_incomplete_file_is_no_image(tmp_path: Path, text: str) -> None:
    images.save(tmp_path, an_image(tmp_path))
    (tmp_path / "node_app/1.0/image.json").write_text(text)

    assert images.find(tmp_path, "node_app:1.0") is None


def test_an_image_whose_folder_was_removed_is_none(tmp_path: Path) -> None:
    saved = images.save(tmp_path, an_image(tmp_path))
    saved.root.rename(tmp_path / "elsewhere")

    assert images.find(tmp_path, "node_app:1.0") is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    image = an_image(tmp_path)
    (tmp_path / "node_app").write_text("a file where the folder should be")

    with pytest.raises(SetupError, match=r"node_app.* CANARYLAB_HOME"):
        images.save(tmp_path, image)
