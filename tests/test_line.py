from __future__ import annotations

import io

import pytest

from canarylab.line import PATIENCE_S, Line, cleared_line, waiting_line


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def written(*said: tuple[float, str]) -> str:
    clock, stream = Clock(), io.StringIO()
    line = Line(stream, clock)
    for clock.now, words in said:
        line.say(words)
    line.finish()
    return stream.getvalue()


def test_a_short_wait_says_nothing() -> None:
    assert written((PATIENCE_S / 2, "1 of 3 pods are ready")) == ""


def test_a_long_wait_shows_the_latest_words_in_one_line() -> None:
    assert written((2.0, "1 of 3"), (3.0, "2 of 3")) == "\r1 of 3\r2 of 3\n"


def test_words_said_again_are_not_written_again() -> None:
    assert written((2.0, "1 of 3"), (3.0, "1 of 3")) == "\r1 of 3\n"


def test_shorter_words_cover_longer_ones() -> None:
    assert written((2.0, "a long one"), (3.0, "short")) == "\ra long one\rshort     \n"


def test_where_nobody_looks_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting_line() as say:  # a test has no terminal
        say("words")
    clock = Clock()
    line = Line(None, clock)
    clock.now = 2 * PATIENCE_S
    line.say("words")
    line.finish()
    assert capsys.readouterr() == ("", "")


def test_a_line_that_is_taken_away_leaves_an_empty_place() -> None:
    clock, stream = Clock(), io.StringIO()
    line = Line(stream, clock)
    clock.now = 2.0
    line.say("1 of 3")
    line.clear()
    line.finish()
    assert stream.getvalue() == "\r1 of 3\r      \r"


def test_what_is_told_stays_above_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    told: list[object] = []
    monkeypatch.setattr("canarylab.line.watched", lambda: stream)
    monkeypatch.setattr("canarylab.line.PATIENCE_S", 0.0)
    with cleared_line(told.append) as (tell, say):
        say("step 1")
        tell("step 1 is done")
        say("step 2")
    assert told == ["step 1 is done"]
    assert stream.getvalue() == "\rstep 1\r      \r\rstep 2\r      \r"
