"""Layers are complete or not there, are kept apart, and do not pile up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab.images import layers
from canarylab.images.layers import Layers


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Layers]:
    with layers.opened(tmp_path) as opened:
        yield opened


def write(name: str, text: str) -> layers.Fill:
    return lambda tree: void((tree / name).write_text(text))


def void(value: object) -> None:
    del value


def test_what_was_made_is_found_by_its_key(store: Layers) -> None:
    made = store.make("key", write("a.txt", "text"))

    assert store.find("key") == made
    assert (made.tree / "a.txt").read_text() == "text"


def test_what_nobody_made_is_not_found(store: Layers) -> None:
    assert store.find("key") is None


def test_what_failed_half_way_is_not_found(store: Layers, tmp_path: Path) -> None:
    def fail(tree: Path) -> None:
        (tree / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make("key", fail)

    assert store.find("key") is None
    assert list(tmp_path.glob(".layers/new-*")) == []


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".layers" / "new-left" / "tree").mkdir(parents=True)

    with layers.opened(tmp_path):
        assert not (tmp_path / ".layers" / "new-left").exists()


def test_the_layers_that_nobody_used_for_longest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "KEPT", 3)
    with layers.opened(tmp_path) as store:
        for age, key in enumerate(["a", "b", "c", "d"]):
            store.make(key, write(key, key))
            os.utime(tmp_path / ".layers" / key, (1000 + age, 1000 + age))
        store.find("a")

    with layers.opened(tmp_path) as store:
        assert [key for key in "abcd" if store.find(key)] == ["a", "d"]


def test_a_shared_tree_is_the_same_files(store: Layers, tmp_path: Path) -> None:
    made = store.make("key", write("a.txt", "text"))
    (tmp_path / "target").mkdir()
    layers.shared(made.tree, tmp_path / "target")

    assert (tmp_path / "target" / "a.txt").samefile(made.tree / "a.txt")


def test_a_copied_tree_has_files_of_its_own(store: Layers, tmp_path: Path) -> None:
    made = store.make("key", write("a.txt", "text"))
    layers.copied(made.tree, tmp_path / "target")
    (tmp_path / "target" / "a.txt").write_text("changed")

    assert (made.tree / "a.txt").read_text() == "text"


def test_a_file_system_without_links_gets_copies(
    store: Layers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError

    made = store.make("key", write("a.txt", "text"))
    monkeypatch.setattr(os, "link", refuse)
    layers.shared(made.tree, tmp_path / "target")

    assert (tmp_path / "target" / "a.txt").read_text() == "text"


def test_links_are_kept_as_links(store: Layers, tmp_path: Path) -> None:
    made = store.make("key", lambda tree: (tree / "a").symlink_to("missing"))
    layers.copied(made.tree, tmp_path / "copied")
    layers.shared(made.tree, tmp_path / "shared")

    assert [(tmp_path / name / "a").readlink() for name in ("copied", "shared")] == [
        Path("missing"),
        Path("missing"),
    ]


def test_the_same_files_have_the_same_digest_and_size(store: Layers) -> None:
    one, two = (store.make(key, write("a.txt", "text")) for key in "xy")

    assert (one.digest, one.size) == (two.digest, 4)


@pytest.mark.parametrize(("name", "text"), [("b.txt", "text"), ("a.txt", "other")])
def test_other_files_have_another_digest(store: Layers, name: str, text: str) -> None:
    assert (
        store.make("x", write(name, text)).digest != store.make("y", write("a.txt", "text")).digest
    )
