"""What all panels share: the debouncer, and that one of each name is live."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from canarylab.widgets.panel import Debouncer
from canarylab.widgets.replica_board import ReplicaBoard
from canarylab.widgets.weight_slider import WeightSlider
from tests.waiting import until
from tests.widgets.controls import controls, html
from tests.widgets.fake_ingresses import FakeCanaryIngresses
from tests.widgets.fake_release import FakeRelease


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        (["a1"], ["a1"]),
        (["a1", "a2"], ["a2"]),
        (["a1", "b1"], ["a1", "b1"]),
        (["a1", "b1", "a2"], ["b1", "a2"]),
    ],
)
def test_the_newest_event_of_each_key_is_kept(events: list[str], kept: list[str]) -> None:
    done: list[str] = []
    debouncer = Debouncer(debounce_s=0)
    for event in events:
        debouncer.put(event[0], _recording(done, event))
    for work in debouncer.take() or []:
        work()
    assert done == kept


def test_nothing_is_taken_after_close() -> None:
    debouncer = Debouncer(debounce_s=0)
    debouncer.put("a", lambda: None)
    debouncer.close()
    assert debouncer.take() is None


async def test_a_second_panel_ends_the_first_of_its_name() -> None:
    first = ReplicaBoard(FakeRelease(), debounce_s=0.01)
    second = ReplicaBoard(FakeRelease(), debounce_s=0.01)
    assert not controls(first.view)
    assert "This replica board has ended: a newer one is open." in html(first.view)
    await until(lambda: not first._thread.is_alive())
    second.close()


async def test_a_panel_of_another_name_goes_on() -> None:
    board = ReplicaBoard(FakeRelease(), debounce_s=0.01)
    WeightSlider(FakeCanaryIngresses(), "ingress-canary", debounce_s=0.01).close()
    assert "Apply" in controls(board.view)
    board.close()


def _recording(done: list[str], event: str) -> Callable[[], None]:
    return lambda: done.append(event)
