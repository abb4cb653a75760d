"""A notebook may change from one builder to the other, and loses nothing by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.images.base import Builder
from canarylab.images.used import UsedBuilders
from canarylab.playground.home import Home
from tests.images.builders import StandInBuilder


@pytest.fixture
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UsedBuilders:
    """With stand-ins for both builders; Docker is the best there is."""

    def choose(name: str | None = None, *, home: Home) -> tuple[Builder, str]:
        return StandInBuilder("process" if name == "process" else "Docker"), "It was asked for."

    monkeypatch.setattr("canarylab.images.used.choose_builder", choose)
    monkeypatch.setattr("canarylab.images.used.stop_left_over", lambda home: [4711])
    return UsedBuilders(Home(tmp_path))


def test_the_best_one_is_chosen_once(used: UsedBuilders) -> None:
    assert used.use() is used.use()
    assert used.use().name == "Docker"


def test_the_one_named_last_is_used_on(used: UsedBuilders) -> None:
    named = used.use("process")
    assert used.use() is named


def test_going_back_finds_what_was_there(used: UsedBuilders) -> None:
    first = used.use("docker")
    used.use("process")
    assert used.use("docker") is first


def test_what_runs_through_either_is_seen_and_stopped(used: UsedBuilders) -> None:
    for name, port in (("docker", 1), ("process", 2)):
        used.use(name).build("1.0", lambda step: None)
        used.run("node_app:1.0", port=port)
    assert [run.port for run in used.running()] == [1, 2]
    assert used.stop_all() == [1, 2]


def test_a_port_changes_hands_between_them(used: UsedBuilders) -> None:
    for name in ("docker", "process"):
        used.use(name).build("1.0", lambda step: None)
        used.run("node_app:1.0", port=1)
    assert used.use("docker").running() == []
    assert [run.port for run in used.use("process").running()] == [1]


def test_a_notebook_that_built_nothing_still_clears_up_after_an_earlier_one(
    used: UsedBuilders,
) -> None:
    assert used.stop_all() == [4711]
