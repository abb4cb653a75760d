from __future__ import annotations

import io

from canarylab.display import StatusLine
from canarylab.traffic import Plan
from canarylab.traffic.progress import ProgressLine


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(plan: Plan, *told: tuple[float, int, int]) -> str:
    clock, stream = Clock(), io.StringIO()
    line = StatusLine(stream, clock)
    progress = ProgressLine(plan, line)
    for clock.now, done, failed in told:
        progress(done, failed)
    line.finish()
    return stream.getvalue()


def test_a_short_sample_needs_no_line() -> None:
    assert shown(Plan(count=100), (0.5, 100, 0)) == ""


def test_a_long_sample_says_how_far_it_is() -> None:
    assert shown(Plan(count=1000), (2.0, 500, 1)) == "\r500 of 1,000 requests done, 1 failure\n"


def test_a_sample_bounded_by_time_has_no_number_to_reach() -> None:
    assert "500 requests done in 30 s" in shown(Plan(seconds=30), (2.0, 500, 0))


def test_a_shorter_line_covers_the_longer_one_before_it() -> None:
    written = shown(Plan(count=9), (2.0, 8, 2), (3.0, 8, 1)).rstrip("\n").split("\r")
    assert len(written[2]) == len(written[1])
