"""A session runs in a folder and a namespace of its own, and cleans up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance import session
from tests.conformance.session import Case, Step, Target

KUBECTL = """#!/bin/sh
echo "$PWD $*" >> "{journal}"
case "$1" in
    apply) cat "$3" ;;
    slow) sleep 60 & sleep 60 ;;
esac
"""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """What kubectl was asked, and in which folder."""
    return tmp_path / "journal"


@pytest.fixture
def target(tmp_path: Path, journal: Path) -> Target:
    """A cluster that answers with what it was given."""
    (tmp_path / "kubectl").write_text(KUBECTL.format(journal=journal))
    (tmp_path / "kubectl").chmod(0o755)
    (tmp_path / "kubeconfig").write_text("contexts: [{name: here, context: {cluster: here}}]\n")
    return Target(tmp_path / "kubeconfig", kubectl=str(tmp_path / "kubectl"))


def case(*steps: str | dict[str, object]) -> Case:
    return Case("one", {"pod.yaml": "image: node_app:1.0"}, [Step.read(step) for step in steps])


def test_a_step_is_answered(target: Target) -> None:
    (answer,) = session.run(case("kubectl apply -f pod.yaml; exit 3"), target)

    assert answer[1:] == (3, ["image: node_app:1.0"], [])


def test_a_skipped_step_is_run_but_not_counted(target: Target, journal: Path) -> None:
    assert session.run(case({"run": "kubectl version", "as": "skip"}), target) == []
    assert "version" in journal.read_text()


def test_a_tree_is_read_as_an_object(target: Target) -> None:
    (answer,) = session.run(case({"run": "kubectl apply -f pod.yaml", "as": "tree"}), target)

    assert answer.out == {"image": "node_app:1.0"}


def test_the_namespace_is_made_and_removed(target: Target, journal: Path) -> None:
    session.run(case("kubectl get pods"), target)
    asked = [line.split(" ", 1)[1] for line in journal.read_text().splitlines()]

    assert asked == [
        "delete namespace conf-one --ignore-not-found --timeout=90s",
        "create namespace conf-one",
        "get pods",
        "delete namespace conf-one --ignore-not-found --timeout=90s",
    ]


def test_the_folder_is_gone_afterwards(target: Target, journal: Path) -> None:
    session.run(case("kubectl get pods"), target)
    folders = {Path(line.split(" ", 1)[0]) for line in journal.read_text().splitlines()}

    assert [folder for folder in folders if folder.exists()] == []


def test_images_go_by_the_names_the_cluster_knows(target: Target, tmp_path: Path) -> None:
    theirs = Target(target.kubeconfig, target.kubectl, images={"node_app:1.0": "registry/app:1"})
    (answer,) = session.run(
        case("kubectl apply -f pod.yaml | tee seen; cp seen " + str(tmp_path)), theirs
    )

    assert (tmp_path / "seen").read_text() == "image: registry/app:1"
    assert answer.out == ["image: node_app:1.0"]


def test_a_command_without_an_end_is_ended(target: Target) -> None:
    (answer,) = session.run(case({"run": "kubectl slow", "timeout_s": 0.5}), target)

    assert (answer.exit, answer.err) == (124, ["no answer in 0.5 s"])
