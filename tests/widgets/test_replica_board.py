"""The replica board, moved by code instead of by hand."""

from __future__ import annotations

import re
import threading
from html import unescape
from typing import Any

import pytest

from canarylab.errors import TimedOutError
from canarylab.widgets.replica_board import ReplicaBoard
from tests.waiting import until
from tests.widgets.controls import controls, failing, html
from tests.widgets.fake_release import FakeRelease

SLIDERS = ("Production pods", "Canary pods")
FIELDS = ("Production pods, typed", "Canary pods, typed", "Requests to send")
BUTTONS = (
    "Send requests",
    "Promote: grow the canary",
    "Promote: new image in production",
    "Go back",
)


@pytest.fixture
def fake() -> FakeRelease:
    return FakeRelease()


@pytest.fixture
async def board(fake: FakeRelease) -> Any:
    """A board that has drawn its first picture."""
    shown = ReplicaBoard(fake, debounce_s=0.01)
    await until(lambda: at_rest(shown))
    yield shown
    shown.close()


def at_rest(board: ReplicaBoard) -> bool:
    """Whether there is a picture and everything can be moved again."""
    waits = board.status.endswith(("...", "Ready."))
    return not waits and not any(each.disabled for each in controls(board.view).values())


async def moved(board: ReplicaBoard, label: str, value: int) -> None:
    drawn = board.picture
    controls(board.view)[label].value = value
    await until(lambda: board.picture is not drawn and at_rest(board))


async def pressed(board: ReplicaBoard, label: str) -> None:
    drawn = board.picture
    controls(board.view)[label].click()
    await until(lambda: board.picture is not drawn and at_rest(board))


async def test_every_control_has_a_label(board: ReplicaBoard) -> None:
    assert set(controls(board.view)) == {*SLIDERS, *FIELDS, *BUTTONS}


async def test_it_begins_with_the_release_as_it_is(board: ReplicaBoard) -> None:
    assert [controls(board.view)[label].value for label in SLIDERS] == [3, 1]


async def test_it_begins_with_a_picture(board: ReplicaBoard, fake: FakeRelease) -> None:
    assert fake.calls == ["sample 200"]
    assert board.picture is not None


async def test_moving_a_slider_scales_and_then_measures(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    await moved(board, "Canary pods", 2)
    assert fake.calls[1:] == ["scale nodeapp-canary 2", "sample 200"]


async def test_a_number_field_does_what_its_slider_does(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    await moved(board, "Production pods, typed", 2)
    assert fake.calls[1:] == ["scale nodeapp-production 2", "sample 200"]
    assert controls(board.view)["Production pods"].value == 2


async def test_a_slider_changes_only_when_it_is_released(board: ReplicaBoard) -> None:
    assert not any(controls(board.view)[label].continuous_update for label in SLIDERS)


async def test_the_picture_has_the_expected_share_beside_the_observed(board: ReplicaBoard) -> None:
    await moved(board, "Canary pods", 3)
    assert board.picture is not None
    assert "expected 50 %" in board.picture.alt
    assert board.picture.alt in unescape(html(board.view))


async def test_the_status_says_what_was_seen(board: ReplicaBoard) -> None:
    await moved(board, "Canary pods", 2)
    assert re.search(r"version 2\.0 answered \S+ % of 200 requests, expected 40 %\.$", board.status)


async def test_the_status_is_announced_politely(board: ReplicaBoard) -> None:
    assert 'role="status" aria-live="polite"' in html(board.view)


async def test_the_command_can_be_copied(board: ReplicaBoard) -> None:
    await moved(board, "Canary pods", 2)
    assert "kubectl scale deployment nodeapp-canary --replicas=2</textarea>" in html(board.view)


async def test_a_deployment_of_more_pods_than_the_slider_has_is_not_scaled(
    fake: FakeRelease,
) -> None:
    fake.pods["nodeapp-canary"] = 12
    board = ReplicaBoard(fake, debounce_s=0.01)
    await until(lambda: at_rest(board))
    board.close()
    assert fake.calls == ["sample 200"]


@pytest.mark.parametrize(
    ("button", "commands"),
    [
        ("Send requests", ["canarylab sample http://127.0.0.1:32089"]),
        (
            "Promote: grow the canary",
            [
                "kubectl scale deployment nodeapp-canary --replicas=3",
                "kubectl scale deployment nodeapp-production --replicas=0",
            ],
        ),
        (
            "Promote: new image in production",
            [
                "kubectl set image deployment/nodeapp-production "
                "nodeapp=registry.example/node_app:2.0",
                "kubectl delete deployment nodeapp-canary",
            ],
        ),
        ("Go back", ["kubectl apply -f manifests/02-production -f manifests/03-canary"]),
    ],
)
async def test_each_button_has_its_commands(
    board: ReplicaBoard, button: str, commands: list[str]
) -> None:
    await pressed(board, button)
    assert board.commands[1:] == ["\n".join(commands)]


async def test_as_many_requests_are_sent_as_the_field_says(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    controls(board.view)["Requests to send"].value = 40
    await pressed(board, "Send requests")
    assert fake.calls[1:] == ["sample 40"]


@pytest.mark.parametrize(
    ("button", "verb", "pods"),
    [
        ("Promote: grow the canary", "promote replicas", [0, 3]),
        ("Promote: new image in production", "promote image", [3, 0]),
    ],
)
async def test_a_promotion_is_shown_on_the_sliders(
    board: ReplicaBoard, fake: FakeRelease, button: str, verb: str, pods: list[int]
) -> None:
    await pressed(board, button)
    assert fake.calls[1:] == [verb, "sample 200"]
    assert [controls(board.view)[label].value for label in SLIDERS] == pods


async def test_going_back_resets_to_stage_canary(board: ReplicaBoard, fake: FakeRelease) -> None:
    await pressed(board, "Promote: grow the canary")
    await pressed(board, "Go back")
    assert fake.pods == {"nodeapp-production": 3, "nodeapp-canary": 1}


async def test_controls_are_disabled_during_work(board: ReplicaBoard, fake: FakeRelease) -> None:
    resting: list[bool] = []
    fake.before_scaling = lambda: resting.extend(c.disabled for c in controls(board.view).values())
    await moved(board, "Canary pods", 2)
    assert resting == [True] * 9


async def test_a_burst_of_moves_becomes_its_last_one(fake: FakeRelease) -> None:
    board = ReplicaBoard(fake, debounce_s=0.2)
    await until(lambda: at_rest(board))
    for pods in (2, 3, 4, 5):
        controls(board.view)["Canary pods"].value = pods
    await until(lambda: fake.pods["nodeapp-canary"] == 5 and at_rest(board))
    board.close()
    assert fake.calls[1:] == ["scale nodeapp-canary 5", "sample 200"]


async def test_a_move_and_back_again_is_none(board: ReplicaBoard, fake: FakeRelease) -> None:
    controls(board.view)["Canary pods"].value = 5
    await moved(board, "Canary pods", 1)
    assert fake.pods["nodeapp-canary"] == 1


async def test_an_error_is_shown_on_the_board(board: ReplicaBoard, fake: FakeRelease) -> None:
    fake.before_scaling = failing(TimedOutError("The canary is not ready. Look at its events."))
    controls(board.view)["Canary pods"].value = 2
    await until(lambda: "This did not work" in board.status)
    assert board.status.endswith("The canary is not ready. Look at its events.")


async def test_an_unexpected_error_is_shown_too(board: ReplicaBoard, fake: FakeRelease) -> None:
    fake.before_scaling = failing(KeyError("spec"))
    controls(board.view)["Canary pods"].value = 2
    await until(lambda: "KeyError('spec')" in board.status)


async def test_after_an_error_controls_work_again(board: ReplicaBoard, fake: FakeRelease) -> None:
    fake.before_scaling = failing(RuntimeError())
    controls(board.view)["Canary pods"].value = 2
    await until(lambda: "RuntimeError" in board.status and at_rest(board))
    assert controls(board.view)["Canary pods"].value == 1
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


async def test_a_closed_board_leaves_no_thread(fake: FakeRelease) -> None:
    board = ReplicaBoard(fake)
    board.close()
    assert "replica board" not in {thread.name for thread in threading.enumerate()}


async def test_closing_ends_what_is_under_way_without_another_sample(fake: FakeRelease) -> None:
    board = ReplicaBoard(fake, debounce_s=0.01)
    await until(lambda: at_rest(board))
    scaling, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        scaling.set()
        go_on.wait(10)

    fake.before_scaling = slow
    controls(board.view)["Canary pods"].value = 2
    await until(scaling.is_set)
    board._debouncer.close()
    go_on.set()
    board.close()
    assert fake.calls == ["sample 200", "scale nodeapp-canary 2"]
