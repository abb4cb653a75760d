"""The workflows call what exists, in the releases that the package and its documents name.

`make check` holds them to the schema. They run where the repository is hosted, and nowhere else.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from canarylab.cli import app
from canarylab.clusters.kind import OLDEST_KIND
from tests.test_docs import targets

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
STEPS: list[dict[str, Any]] = [
    step
    for workflow in WORKFLOWS
    for job in yaml.safe_load(workflow.read_text())["jobs"].values()
    for step in job["steps"]
]
COMMANDS = [line.strip() for step in STEPS for line in step.get("run", "").splitlines()]


@pytest.mark.parametrize("action", sorted({step["uses"] for step in STEPS if "uses" in step}))
def test_each_action_is_pinned_to_a_commit(action: str) -> None:
    assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)


def test_each_command_of_make_and_canarylab_exists() -> None:
    ours = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    words = [re.findall(r"\b(make|canarylab) ([a-z-]+)", line) for line in COMMANDS]
    called = {pair for pairs in words for pair in pairs}

    assert {program for program, _ in called} == {"make", "canarylab"}
    assert {word for program, word in called if program == "make"} <= targets()
    assert {word for program, word in called if program == "canarylab"} <= set(ours)


def test_each_file_that_is_named_exists() -> None:
    named = re.findall(r"(?<!\S)(?:tests/|manifests/|\.ci/)\S+", "\n".join(COMMANDS))

    assert len(named) > 2
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_kind_is_the_release_of_the_pinned_node_image() -> None:
    release = ".".join(map(str, OLDEST_KIND))

    assert re.findall(r"kind\.sigs\.k8s\.io/dl/v([\d.]+)/", "\n".join(COMMANDS)) == [release]


def test_the_cluster_is_prepared_as_the_document_says() -> None:
    said = (ROOT / "docs" / "kind.md").read_text()
    prepared = [line for line in COMMANDS if line.startswith(("kubectl apply", "kubectl --name"))]

    assert len(prepared) > 3
    assert [line for line in prepared if line not in said] == []
