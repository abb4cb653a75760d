"""What a cell shows: tables, files, and a status line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from canarylab.display import (
    SHOW_AFTER_S,
    FileView,
    StatusLine,
    Table,
    output_with_status_line,
    status_line,
    write_file,
)
from canarylab.errors import SetupError

TABLE = Table("Two.", ("name", "what"), [("<a>", 1), ("b", 22)])


def test_text_and_html_say_the_same() -> None:
    for cell in ("Two.", "name", "what", "b", "22"):
        assert cell in repr(TABLE)
        assert cell in TABLE._repr_html_()


def test_columns_line_up() -> None:
    assert repr(TABLE).splitlines()[1:] == ["name  what", "<a>   1", "b     22"]


def test_html_is_escaped_and_headers_are_headers() -> None:
    assert "&lt;a&gt;" in TABLE._repr_html_()
    assert TABLE._repr_html_().count('<th scope="col"') == 2
    assert TABLE._repr_html_().count('<th scope="row"') == 2


def test_a_file_view_marks_lines_with_a_sign_and_not_by_colour_alone() -> None:
    view = FileView("file", [("same", False), ("other", True)])
    assert repr(view) == "file\n  same\n> other"
    assert "<strong>&gt; other</strong>" in view._repr_html_()


def test_notes_stand_below() -> None:
    noted = Table("Two.", ("name",), [("a",)], notes=["One <more> thing."])
    assert repr(noted).splitlines() == ["Two.", "name", "a", "One <more> thing."]
    assert noted._repr_html_().endswith(">One &lt;more&gt; thing.</p>")


def test_what_is_wider_than_the_page_breaks_or_can_be_moved_by_keyboard() -> None:
    assert Table("/a/long/path")._repr_html_().startswith('<p style="overflow-wrap:anywhere">')
    assert TABLE._repr_html_().startswith('<div tabindex="0" style="overflow-x:auto"><table>')


def test_a_percent_sign_stays_with_its_number() -> None:
    assert "14&nbsp;% to 40&nbsp;%." in Table("Interval 14 % to 40 %.")._repr_html_()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def written(*said: tuple[float, str]) -> str:
    clock, stream = Clock(), io.StringIO()
    line = StatusLine(stream, clock)
    for clock.now, words in said:
        line.show(words)
    return stream.getvalue()


def test_a_short_wait_shows_nothing() -> None:
    assert written((SHOW_AFTER_S / 2, "1 of 3 pods are ready")) == ""


def test_a_long_wait_shows_the_latest_text_in_one_line() -> None:
    assert written((2.0, "1 of 3"), (3.0, "2 of 3")) == "\r1 of 3\r2 of 3"


def test_the_same_text_is_not_written_again() -> None:
    assert written((2.0, "1 of 3"), (3.0, "1 of 3")) == "\r1 of 3"


def test_a_shorter_text_covers_a_longer_one() -> None:
    assert written((2.0, "a long one"), (3.0, "short")) == "\ra long one\rshort     "


def test_redirected_output_has_no_status_line(capsys: pytest.CaptureFixture[str]) -> None:
    with status_line() as say:  # a test has no terminal
        say("words")
    clock = Clock()
    line = StatusLine(None, clock)
    clock.now = 2 * SHOW_AFTER_S
    line.show("words")
    line.clear()
    assert capsys.readouterr() == ("", "")


def test_a_cleared_line_is_overwritten_with_spaces() -> None:
    clock, stream = Clock(), io.StringIO()
    line = StatusLine(stream, clock)
    clock.now = 2.0
    line.show("1 of 3")
    line.clear()
    assert stream.getvalue() == "\r1 of 3\r      \r"


def test_the_last_text_of_a_wait_is_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cell returns says it once more."""
    stream = io.StringIO()
    monkeypatch.setattr("canarylab.display.status_stream", lambda: stream)
    monkeypatch.setattr("canarylab.display.SHOW_AFTER_S", 0.0)
    with status_line() as say:
        say("1 of 3")
    assert stream.getvalue() == "\r1 of 3\r      \r"


def test_lasting_output_stays_above_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    told: list[object] = []
    monkeypatch.setattr("canarylab.display.status_stream", lambda: stream)
    monkeypatch.setattr("canarylab.display.SHOW_AFTER_S", 0.0)
    with output_with_status_line(told.append) as (tell, say):
        say("step 1")
        tell("step 1 is done")
        say("step 2")
    assert told == ["step 1 is done"]
    assert stream.getvalue() == "\rstep 1\r      \r\rstep 2\r      \r"


@pytest.mark.parametrize("place", ["", "missing/a.png"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    with pytest.raises(SetupError, match=r"cannot be written: .*\. Name a file in a folder"):
        write_file(tmp_path / place, b"")
