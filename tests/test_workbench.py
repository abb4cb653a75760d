"""What a learner sees of building and running, whoever builds."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from canarylab.clusters.base import Cluster
from canarylab.errors import SetupError
from canarylab.workbench import Workbench
from tests.images.fake_builder import FakeBuilder


class Loading:
    """The one thing of a cluster that a workbench asks for."""

    def __init__(self, note: str | None) -> None:
        self.note = note
        self.loaded: list[str] = []

    def load_image(self, reference: str, report: Callable[[str], None]) -> str | None:
        self.loaded.append(reference)
        return self.note


def workbench(
    monkeypatch: pytest.MonkeyPatch, builder: FakeBuilder, note: str | None = None
) -> tuple[Workbench, Loading]:
    loading = Loading(note)
    bench = Workbench(cast("Cluster", loading))
    monkeypatch.setattr(bench._local, "_current", builder)
    monkeypatch.setattr(bench._local, "_used", {builder.name: builder})
    return bench, loading


def test_a_build_says_with_what_and_shows_what_was_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = workbench(monkeypatch, FakeBuilder())
    bench.build("1.0")
    assert repr(bench.build("1.0", "2.0")) == (
        "Built from app/Dockerfile with Docker.\n"
        "image         size    steps reused  took\n"
        "node_app:1.0  208 MB  2 of 2        1.5 s\n"
        "node_app:2.0  208 MB  0 of 2        1.5 s"
    )


def test_a_build_without_docker_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = workbench(monkeypatch, FakeBuilder("process"))
    assert bench.build().sentence == "Built from app/Dockerfile without Docker."


def test_every_image_is_made_known_to_the_cluster_and_its_note_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, loading = workbench(monkeypatch, FakeBuilder(), "Pushed to the registry.")
    assert bench.build().notes == ("Pushed to the registry.",)
    assert loading.loaded == ["node_app:1.0", "node_app:2.0"]


def test_the_images_are_listed_with_short_ids_and_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = workbench(monkeypatch, FakeBuilder())
    bench.build("1.0")
    assert repr(bench.images()) == (
        "1 image of node_app.\nimage         id            size\nnode_app:1.0  000000000000  208 MB"
    )


def test_a_version_nobody_built_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = workbench(monkeypatch, FakeBuilder())
    with pytest.raises(SetupError, match=r"no image node_app:4\.0 yet"):
        bench.run_locally("4.0", port=7788)


def test_what_runs_is_known_by_version_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = workbench(monkeypatch, FakeBuilder())
    bench.build()
    bench.run_locally("1.0", port=1)
    assert {version: run.url for version, run in bench.local_runs().items()} == {
        "1.0": "http://127.0.0.1:1"
    }
    assert repr(bench.stop_local()) == "Free again: port 1."
    assert bench.local_runs() == {}
