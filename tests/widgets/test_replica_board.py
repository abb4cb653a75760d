"""The replica board, moved by code instead of by hand."""

from __future__ import annotations

import gc
import re
import threading
import weakref
from html import unescape
from typing import Any

import pytest
from matplotlib.figure import Figure

from canarylab.errors import TimedOutError
from canarylab.widgets.replica_board import ReplicaBoard
from tests.waiting import until
from tests.widgets.controls import controls, failing, html
from tests.widgets.fake_release import FakeRelease

SLIDERS = ("Production pods", "Canary pods")
FIELDS = ("Production pods, typed", "Canary pods, typed", "Requests to send")
BY_REPLICAS = "Promote: canary 3 pods, production 0"
BY_IMAGE = "Promote: version 2.0 in production, canary deleted"
START_AGAIN = "Start again: production 3 pods, canary 1"
BUTTONS = ("Apply", "Send requests", BY_REPLICAS, BY_IMAGE, START_AGAIN)
SAMPLED = "canarylab sample http://127.0.0.1:32089 --count 200"


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
    """Whether there is a picture and nothing is under way."""
    return board.status.startswith(("As expected", "An unlucky draw"))


async def applied(board: ReplicaBoard, label: str, value: int) -> None:
    controls(board.view)[label].value = value
    await pressed(board, "Apply")


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


async def test_moving_a_slider_changes_nothing_and_says_so(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    controls(board.view)["Canary pods"].value = 2
    await until(lambda: board.status.startswith("Chosen: production 3 pods, canary 2 pods."))
    assert fake.calls == ["sample 200"]


async def test_moving_it_back_shows_again_what_was_seen(board: ReplicaBoard) -> None:
    seen = board.status
    controls(board.view)["Canary pods"].value = 2
    await until(lambda: board.status.startswith("Chosen:"))
    controls(board.view)["Canary pods"].value = 1
    await until(lambda: board.status == seen)


async def test_applying_scales_and_then_measures(board: ReplicaBoard, fake: FakeRelease) -> None:
    await applied(board, "Canary pods", 2)
    assert fake.calls[1:] == ["scale nodeapp-canary 2", "sample 200"]


async def test_what_grows_is_scaled_first(board: ReplicaBoard, fake: FakeRelease) -> None:
    controls(board.view)["Production pods"].value = 1
    await applied(board, "Canary pods", 3)
    assert fake.calls[1:3] == ["scale nodeapp-canary 3", "scale nodeapp-production 1"]


async def test_a_choice_made_during_the_work_is_kept(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    production = controls(board.view)["Production pods"]
    fake.before_scaling = lambda: setattr(production, "value", 5)
    await applied(board, "Canary pods", 2)
    await until(lambda: board.status.startswith("Chosen: production 5 pods, canary 2 pods."))
    assert fake.pods["nodeapp-production"] == 3


async def test_sliders_follow_what_another_cell_has_changed(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    fake.pods["nodeapp-canary"] = 4
    await pressed(board, "Send requests")
    assert board.chosen == fake.pods


async def test_without_pods_there_is_no_picture_and_nothing_is_sent(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    controls(board.view)["Production pods"].value = 0
    controls(board.view)["Canary pods"].value = 0
    controls(board.view)["Apply"].click()
    await until(lambda: board.status.startswith("No pod is there to answer"))
    assert (board.picture, "<img" in html(board.view)) == (None, False)
    assert fake.calls.count("sample 200") == 1


@pytest.mark.parametrize("button", [BY_REPLICAS, BY_IMAGE])
async def test_without_a_canary_nothing_is_promoted(fake: FakeRelease, button: str) -> None:
    fake.pods["nodeapp-canary"] = 0
    board = ReplicaBoard(fake, debounce_s=0.01)
    await until(lambda: at_rest(board))
    controls(board.view)[button].click()
    await until(lambda: board.status.startswith("There is no canary to promote"))
    board.close()
    assert fake.calls == ["sample 200"]


async def test_a_number_field_does_what_its_slider_does(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    await applied(board, "Production pods, typed", 2)
    assert fake.calls[1:] == ["scale nodeapp-production 2", "sample 200"]
    assert controls(board.view)["Production pods"].value == 2


async def test_a_slider_changes_only_when_it_is_released(board: ReplicaBoard) -> None:
    assert not any(controls(board.view)[label].continuous_update for label in SLIDERS)


async def test_the_picture_has_the_expected_share_beside_the_observed(board: ReplicaBoard) -> None:
    await applied(board, "Canary pods", 3)
    assert board.picture is not None
    assert "expected 50 %" in board.picture.alt
    assert board.picture.alt in unescape(html(board.view))


async def test_the_status_says_what_was_seen(board: ReplicaBoard) -> None:
    await applied(board, "Canary pods", 2)
    assert re.search(r"version 2\.0 answered \S+ % of 200 requests, expected 40 %\.$", board.status)


async def test_commands_are_listed_in_order_with_the_number_of_requests(
    board: ReplicaBoard,
) -> None:
    controls(board.view)["Requests to send"].value = 40
    await applied(board, "Canary pods", 2)
    assert board.commands == [
        SAMPLED,
        "kubectl scale deployment nodeapp-canary --replicas=2",
        "kubectl rollout status deployment nodeapp-canary",
        "canarylab sample http://127.0.0.1:32089 --count 40",
    ]


async def test_a_slider_is_long_enough_for_the_pods_there_are(fake: FakeRelease) -> None:
    fake.pods["nodeapp-canary"] = 12
    board = ReplicaBoard(fake, debounce_s=0.01)
    await until(lambda: at_rest(board))
    board.close()
    assert board.chosen == fake.pods


@pytest.mark.parametrize(
    ("button", "commands"),
    [
        ("Send requests", []),
        (
            BY_REPLICAS,
            [
                "kubectl scale deployment nodeapp-canary --replicas=3",
                "kubectl rollout status deployment nodeapp-canary",
                "kubectl scale deployment nodeapp-production --replicas=0",
                "kubectl rollout status deployment nodeapp-production",
            ],
        ),
        (
            BY_IMAGE,
            [
                "kubectl set image deployment/nodeapp-production "
                "nodeapp=registry.example/node_app:2.0",
                "kubectl rollout status deployment nodeapp-production",
                "kubectl delete deployment nodeapp-canary",
            ],
        ),
        (START_AGAIN, ["kubectl apply -f manifests/02-production -f manifests/03-canary"]),
    ],
)
async def test_each_button_has_its_commands(
    board: ReplicaBoard, button: str, commands: list[str]
) -> None:
    await pressed(board, button)
    assert board.commands[1:] == [*commands, SAMPLED]


async def test_as_many_requests_are_sent_as_the_field_says(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    controls(board.view)["Requests to send"].value = 40
    await pressed(board, "Send requests")
    assert fake.calls[1:] == ["sample 40"]


@pytest.mark.parametrize(
    ("button", "verb", "pods"),
    [
        (BY_REPLICAS, "promote replicas", [0, 3]),
        (BY_IMAGE, "promote image", [3, 0]),
    ],
)
async def test_a_promotion_is_shown_on_the_sliders(
    board: ReplicaBoard, fake: FakeRelease, button: str, verb: str, pods: list[int]
) -> None:
    await pressed(board, button)
    assert fake.calls[1:] == [verb, "sample 200"]
    assert [controls(board.view)[label].value for label in SLIDERS] == pods


async def test_going_back_resets_to_stage_canary(board: ReplicaBoard, fake: FakeRelease) -> None:
    await pressed(board, BY_REPLICAS)
    await pressed(board, START_AGAIN)
    assert fake.pods == {"nodeapp-production": 3, "nodeapp-canary": 1}


async def test_an_error_is_shown_and_the_choice_is_kept(
    board: ReplicaBoard, fake: FakeRelease
) -> None:
    fake.before_scaling = failing(TimedOutError("The canary is not ready. Look at its events."))
    controls(board.view)["Canary pods"].value = 2
    controls(board.view)["Apply"].click()
    await until(lambda: "This did not work" in board.status)
    assert board.status.endswith("The canary is not ready. Look at its events.")
    assert (board.chosen["nodeapp-canary"], board.applied["nodeapp-canary"]) == (2, 1)


async def test_an_unexpected_error_is_shown_too(board: ReplicaBoard, fake: FakeRelease) -> None:
    fake.before_scaling = failing(KeyError("spec"))
    controls(board.view)["Canary pods"].value = 2
    controls(board.view)["Apply"].click()
    await until(lambda: "KeyError('spec')" in board.status)
    assert "<img" not in html(board.view)


async def test_after_an_error_controls_work_again(board: ReplicaBoard, fake: FakeRelease) -> None:
    fake.before_scaling = failing(RuntimeError())
    controls(board.view)["Canary pods"].value = 2
    controls(board.view)["Apply"].click()
    await until(lambda: "RuntimeError" in board.status)
    fake.before_scaling = lambda: None
    await applied(board, "Canary pods", 3)


async def test_an_earlier_picture_is_freed(board: ReplicaBoard) -> None:
    earlier = weakref.ref(board.picture)
    await pressed(board, "Send requests")
    gc.collect()
    assert earlier() is None


async def test_no_figure_is_kept(board: ReplicaBoard) -> None:
    before = [each for each in gc.get_objects() if isinstance(each, Figure)]  # of other tests
    await pressed(board, "Send requests")
    gc.collect()
    kept = [each for each in gc.get_objects() if isinstance(each, Figure)]
    assert [each for each in kept if each not in before] == []


async def test_without_a_front_end_it_prints_what_it_shows(board: ReplicaBoard) -> None:
    await applied(board, "Canary pods", 2)
    shown = board._repr_mimebundle_()
    assert shown["text/plain"] == f"Replica board: production 3 pods, canary 2 pods. {board.status}"
    assert all(
        part in shown["text/html"]
        for part in ("<img alt=", "--replicas=2", "--count 200", "canary 2 pods")
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
    controls(board.view)["Apply"].click()
    await until(scaling.is_set)
    board._debouncer.close()
    go_on.set()
    board.close()
    assert fake.calls == ["sample 200", "scale nodeapp-canary 2"]
