"""What a learner sees of building and running, whoever builds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from canarylab.clusters.base import AdaptedManifest
from canarylab.clusters.choose import ChosenCluster
from canarylab.errors import SetupError
from canarylab.lab import Lab
from tests.images.fake_builder import FakeBuilder

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {}}]
"""


class FakeCluster(SimpleNamespace):
    """A cluster that takes images; nothing answers at its address."""

    def __init__(self, folder: Path) -> None:
        (folder / "config").write_text(KUBECONFIG)
        super().__init__(
            name="fake",
            namespace="default",
            context=None,
            option="",
            addresses=list,
            adapt_manifest=AdaptedManifest,
        )
        self.kubeconfig = str(folder / "config")
        self.note: str | None = None
        self.loaded: list[str] = []

    def start(self, report: Callable[[str], None]) -> None:
        report("nothing to start")

    def load_image(self, reference: str, report: Callable[[str], None]) -> str | None:
        self.loaded.append(reference)
        return self.note


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    cluster: Any = FakeCluster(tmp_path)
    monkeypatch.setattr(
        "canarylab.lab.choose", lambda name: ChosenCluster(cluster, "a cluster of a test")
    )
    return cluster  # type: ignore[no-any-return]


@pytest.fixture
def lab(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """It builds with a builder that stands in for Docker."""
    return with_builder(monkeypatch, FakeBuilder())


def with_builder(monkeypatch: pytest.MonkeyPatch, builder: FakeBuilder) -> Lab:
    lab = Lab()
    monkeypatch.setattr(lab._builders, "_current", builder)
    monkeypatch.setattr(lab._builders, "_used", {builder.name: builder})
    return lab


def test_a_build_says_with_what_and_shows_what_was_reused(lab: Lab) -> None:
    lab.build("1.0")
    assert repr(lab.build("1.0", "2.0")) == (
        "Built from app/Dockerfile with Docker.\n"
        "image         size    steps reused  took\n"
        "node_app:1.0  208 MB  2 of 2        1.5 s\n"
        "node_app:2.0  208 MB  0 of 2        1.5 s"
    )


def test_a_build_without_docker_says_so(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = with_builder(monkeypatch, FakeBuilder("process"))
    assert lab.build().sentence == "Built from app/Dockerfile without Docker."


def test_every_image_is_loaded_into_the_cluster_and_its_note_is_printed_once(
    lab: Lab, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.note = "Pushed to the registry."
    lab.build()
    assert capsys.readouterr().out == "Pushed to the registry.\n"
    assert cluster.loaded == ["node_app:1.0", "node_app:2.0"]


def test_the_images_are_listed_with_short_ids_and_sizes(lab: Lab) -> None:
    lab.build("1.0")
    assert repr(lab.images()) == (
        "1 image of node_app.\nimage         id            size\nnode_app:1.0  000000000000  208 MB"
    )


def test_a_version_that_was_never_built_is_named(lab: Lab) -> None:
    with pytest.raises(SetupError, match=r"no image node_app:4\.0 yet"):
        lab.run_locally("4.0", port=7788)


def test_what_runs_is_known_by_version_until_it_is_stopped(lab: Lab) -> None:
    lab.build()
    lab.run_locally("1.0", port=1)
    assert {version: run.url for version, run in lab.local_runs().items()} == {
        "1.0": "http://127.0.0.1:1"
    }
    assert repr(lab.stop_local()) == "Free again: port 1."
    assert lab.local_runs() == {}


def test_a_source_file_that_is_not_there_is_answered_with_similar_names(lab: Lab) -> None:
    with pytest.raises(ValueError, match=r"Did you mean one of: .*rollout"):
        lab.source("rollou")
