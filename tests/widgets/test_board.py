from __future__ import annotations

import pytest

from canarylab.widgets.board import (
    Act,
    GoBack,
    Measure,
    PromoteByImage,
    PromoteByReplicas,
    Scale,
    latest,
)
from tests.widgets.fake_board import FakeBoard

ACTS: list[tuple[Act, list[str]]] = [
    (Scale("canary", 2), ["scale canary 2"]),
    (PromoteByReplicas(), ["promote by replicas"]),
    (PromoteByImage(), ["promote by image"]),
    (GoBack(), ["reset"]),
    (Measure(), []),
]


@pytest.mark.parametrize(("act", "done"), ACTS)
def test_an_act_is_one_verb_of_the_board(act: Act, done: list[str]) -> None:
    board = FakeBoard()
    act.perform(board)
    assert board.done == done


def test_every_act_says_something_else() -> None:
    assert len({act.words() for act, _ in ACTS}) == len(ACTS)


@pytest.mark.parametrize(
    ("burst", "left"),
    [
        ([], []),
        ([Scale("canary", 2), Scale("canary", 3)], [Scale("canary", 3)]),
        (
            [Scale("canary", 2), Scale("production", 3)],
            [Scale("canary", 2), Scale("production", 3)],
        ),
        ([GoBack(), GoBack()], [GoBack()]),
        ([Scale("canary", 5), GoBack()], [Scale("canary", 5), GoBack()]),
    ],
)
def test_a_burst_leaves_the_last_of_its_kind(burst: list[Act], left: list[Act]) -> None:
    assert latest(burst) == left
