"""Every state a kind cluster can be found in leads to the one right step."""

from __future__ import annotations

import itertools

import pytest

from canarylab.clusters.kind.plan import Node, Seen, Step, plan

NODES = (None, Node("ours", is_running=True), Node("ours", is_running=False))
THEIRS = (Node("theirs", is_running=True), Node("theirs", is_running=False))


@pytest.mark.parametrize(
    ("made", "node"), list(itertools.product([None, "ours"], [*NODES, *THEIRS]))
)
def test_what_is_half_made_is_made_anew(made: str | None, node: Node | None) -> None:
    assert plan(Seen(is_half_made=True, made=made, node=node)) == "remake"


@pytest.mark.parametrize("made", [None, "ours"])
def test_where_there_is_none_one_is_made(made: str | None) -> None:
    assert plan(Seen(is_half_made=False, made=made, node=None)) == "create"


@pytest.mark.parametrize(("made", "node"), list(itertools.product([None, "ours"], THEIRS)))
def test_somebody_elses_is_refused(made: str | None, node: Node) -> None:
    assert plan(Seen(is_half_made=False, made=made, node=node)) == "refuse"


@pytest.mark.parametrize(("is_running", "step"), [(True, "wait"), (False, "restart")])
def test_ours_is_brought_back(is_running: bool, step: Step) -> None:
    node = Node("ours", is_running=is_running)

    assert plan(Seen(is_half_made=False, made="ours", node=node)) == step
