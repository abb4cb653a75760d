"""The replica board, moved by code instead of by hand."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from canarylab.errors import TimedOutError
from canarylab.widgets.replicas import ReplicaBoard
from tests.waiting import until
from tests.widgets.fake_board import FakeBoard

SLIDERS = ("Production pods", "Canary pods")
FIELDS = ("Production pods, typed", "Canary pods, typed", "Requests to send")
BUTTONS = (
    "Send requests",
    "Promote: grow the canary",
    "Promote: new image in production",
    "Go back",
)


@pytest.fixture
def fake() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
async def board(fake: FakeBoard) -> Any:
    """A board that has drawn its first picture."""
    shown = ReplicaBoard(fake, quiet_s=0.01)
    await until(lambda: at_rest(shown))
    yield shown
    shown.close()


def controls(board: ReplicaBoard) -> dict[str, Any]:
    """Everything that can be moved, by its label."""
    return {each.description: each for each in _leaves(board.view) if each.description}


def _leaves(view: Any) -> Iterator[Any]:
    for child in getattr(view, "children", ()):
        yield from _leaves(child)
    if not hasattr(view, "children"):
        yield view


def at_rest(board: ReplicaBoard) -> bool:
    """Whether there is a picture and everything can be moved again."""
    waits = board.status.endswith(("...", "Ready."))
    return not waits and not any(each.disabled for each in controls(board).values())


async def moved(board: ReplicaBoard, label: str, value: int) -> None:
    drawn = board.picture
    controls(board)[label].value = value
    await until(lambda: board.picture is not drawn and at_rest(board))


async def pressed(board: ReplicaBoard, label: str) -> None:
    drawn = board.picture
    controls(board)[label].click()
    await until(lambda: board.picture is not drawn and at_rest(board))


async def test_every_control_has_a_label(board: ReplicaBoard) -> None:
    assert set(controls(board)) == {*SLIDERS, *FIELDS, *BUTTONS}


async def test_it_begins_with_the_release_as_it_is(board: ReplicaBoard) -> None:
    assert [controls(board)[label].value for label in SLIDERS] == [3, 1]


async def test_it_begins_with_a_picture(board: ReplicaBoard, fake: FakeBoard) -> None:
    assert fake.done == ["sample 200"]
    assert board.picture is not None


async def test_moving_a_slider_scales_and_then_measures(
    board: ReplicaBoard, fake: FakeBoard
) -> None:
    await moved(board, "Canary pods", 2)
    assert fake.done[1:] == ["scale canary 2", "sample 200"]


async def test_a_number_field_does_what_its_slider_does(
    board: ReplicaBoard, fake: FakeBoard
) -> None:
    await moved(board, "Production pods, typed", 2)
    assert fake.done[1:] == ["scale production 2", "sample 200"]
    assert controls(board)["Production pods"].value == 2


async def test_a_slider_asks_only_when_it_is_let_go(board: ReplicaBoard) -> None:
    assert not any(controls(board)[label].continuous_update for label in SLIDERS)


async def test_the_picture_has_the_expected_share_beside_the_observed(board: ReplicaBoard) -> None:
    await moved(board, "Canary pods", 3)
    assert board.picture is not None
    assert "expected 50 %" in board.picture.alt
    assert board.picture.alt in unescape(html(board))


async def test_the_status_says_what_was_seen(board: ReplicaBoard) -> None:
    await moved(board, "Canary pods", 2)
    assert re.search(r"Version 2\.0 answered \d+ of 200, \d+ %, expected 40 %\.$", board.status)


async def test_the_status_is_announced_politely(board: ReplicaBoard) -> None:
    assert 'role="status" aria-live="polite"' in html(board)


async def test_the_command_can_be_copied(board: ReplicaBoard) -> None:
    await moved(board, "Canary pods", 2)
    assert "kubectl scale deployment nodeapp-canary --replicas=2</textarea>" in html(board)


async def test_as_many_requests_are_sent_as_the_field_says(
    board: ReplicaBoard, fake: FakeBoard
) -> None:
    controls(board)["Requests to send"].value = 40
    await pressed(board, "Send requests")
    assert fake.done[1:] == ["sample 40"]


@pytest.mark.parametrize(
    ("button", "verb", "pods"),
    [
        ("Promote: grow the canary", "promote by replicas", [0, 3]),
        ("Promote: new image in production", "promote by image", [3, 0]),
    ],
)
async def test_a_promotion_is_shown_on_the_sliders(
    board: ReplicaBoard, fake: FakeBoard, button: str, verb: str, pods: list[int]
) -> None:
    await pressed(board, button)
    assert fake.done[1:] == [verb, "sample 200"]
    assert [controls(board)[label].value for label in SLIDERS] == pods


async def test_going_back_is_going_back(board: ReplicaBoard, fake: FakeBoard) -> None:
    await pressed(board, "Promote: grow the canary")
    await pressed(board, "Go back")
    assert fake.pods == {"production": 3, "canary": 1}


async def test_controls_rest_while_work_is_under_way(board: ReplicaBoard, fake: FakeBoard) -> None:
    resting: list[bool] = []
    fake.before_scaling = lambda: resting.extend(c.disabled for c in controls(board).values())
    await moved(board, "Canary pods", 2)
    assert resting == [True] * 9


async def test_a_burst_of_moves_becomes_its_last_one(fake: FakeBoard) -> None:
    board = ReplicaBoard(fake, quiet_s=0.2)
    await until(lambda: at_rest(board))
    for pods in (2, 3, 4, 5):
        controls(board)["Canary pods"].value = pods
    await until(lambda: fake.pods["canary"] == 5 and at_rest(board))
    board.close()
    assert fake.done[1:] == ["scale canary 5", "sample 200"]


async def test_a_move_and_back_again_is_no_move(board: ReplicaBoard, fake: FakeBoard) -> None:
    controls(board)["Canary pods"].value = 5
    await moved(board, "Canary pods", 1)
    assert fake.pods["canary"] == 1


async def test_an_error_is_said_on_the_board(board: ReplicaBoard, fake: FakeBoard) -> None:
    fake.before_scaling = failing(TimedOutError("The canary is not ready. Look at its events."))
    controls(board)["Canary pods"].value = 2
    await until(lambda: "This did not work" in board.status)
    assert board.status.endswith("The canary is not ready. Look at its events.")


async def test_an_error_of_ours_is_said_too(board: ReplicaBoard, fake: FakeBoard) -> None:
    fake.before_scaling = failing(KeyError("spec"))
    controls(board)["Canary pods"].value = 2
    await until(lambda: "KeyError('spec')" in board.status)


async def test_after_an_error_everything_works_again(board: ReplicaBoard, fake: FakeBoard) -> None:
    fake.before_scaling = failing(RuntimeError())
    controls(board)["Canary pods"].value = 2
    await until(lambda: "RuntimeError" in board.status and at_rest(board))
    assert controls(board)["Canary pods"].value == 1
    fake.before_scaling = lambda: None
    await moved(board, "Canary pods", 2)


async def test_without_a_front_end_it_prints_what_it_shows(board: ReplicaBoard) -> None:
    await moved(board, "Canary pods", 2)
    shown = board._repr_mimebundle_()
    assert shown["text/plain"] == f"Replica board: production 3 pods, canary 2 pods. {board.status}"
    assert all(
        part in shown["text/html"] for part in ("<img alt=", "--replicas=2", "canary 2 pods")
    )


async def test_a_front_end_gets_the_live_board(board: ReplicaBoard) -> None:
    assert "application/vnd.jupyter.widget-view+json" in board._repr_mimebundle_()


async def test_a_closed_board_leaves_no_thread(fake: FakeBoard) -> None:
    board = ReplicaBoard(fake)
    board.close()
    assert "replica board" not in {thread.name for thread in threading.enumerate()}


async def test_closing_ends_what_is_under_way_without_another_sample(fake: FakeBoard) -> None:
    board = ReplicaBoard(fake, quiet_s=0.01)
    await until(lambda: at_rest(board))
    scaling, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        scaling.set()
        go_on.wait(10)

    fake.before_scaling = slow
    controls(board)["Canary pods"].value = 2
    await until(scaling.is_set)
    board._burst.close()
    go_on.set()
    board.close()
    assert fake.done == ["sample 200", "scale canary 2"]


def html(board: ReplicaBoard) -> str:
    values = (getattr(each, "value", None) for each in _leaves(board.view))
    return " ".join(value for value in values if isinstance(value, str))


def failing(exc: Exception) -> Any:
    def fail() -> None:
        raise exc

    return fail
