"""The debouncer of the panels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from canarylab.widgets.panel import Debouncer


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        (["a1"], ["a1"]),
        (["a1", "a2"], ["a2"]),
        (["a1", "b1"], ["a1", "b1"]),
        (["a1", "b1", "a2"], ["b1", "a2"]),
    ],
)
def test_the_newest_event_of_each_kind_is_kept(events: list[str], kept: list[str]) -> None:
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


def _recording(done: list[str], event: str) -> Callable[[], None]:
    return lambda: done.append(event)
