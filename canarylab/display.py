"""What a notebook cell shows: tables, files, and the status line of a wait."""

from __future__ import annotations

import html
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from canarylab.errors import SetupError

Report = Callable[[str], None]
"""Called with a few words about what is being done now."""

SHOW_AFTER_S = 1.0  # a shorter wait needs no status line
_LEFT = 'style="text-align:left"'  # Jupyter aligns tables to the right, as if all were numbers
_WRAPPED = "overflow-wrap:anywhere"  # a long path does not reach out of the page
_LISTING = f"font-family:monospace;margin:1em 0;word-break:normal;{_WRAPPED}"


@dataclass(frozen=True)
class Table:
    """A sentence, with a table below it if there are rows.

    >>> print(Table("Two pods.", ("pod", "ready"), [("a", "yes"), ("b", "no")]))
    Two pods.
    pod  ready
    a    yes
    b    no
    """

    sentence: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    notes: Sequence[str] = ()
    """Further sentences, one line each, below the table."""

    def __repr__(self) -> str:
        return "\n".join([line for line in (self.sentence, *self._lines(), *self.notes) if line])

    def _repr_html_(self) -> str:
        notes = "".join(_paragraph(note) for note in self.notes)
        if not self.rows:
            return _paragraph(self.sentence) + notes
        return scrolling_html(html_table(self.sentence, self.columns, self.rows)) + notes

    def _lines(self) -> list[str]:
        if not self.rows:
            return []
        cells = [[str(value) for value in row] for row in [self.columns, *self.rows]]
        widths = [max(len(row[index]) for row in cells) for index in range(len(self.columns))]
        return [
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]


class ShownAsTable:
    """Base of results: a sentence as text, and in a notebook a table below it."""

    @property
    def sentence(self) -> str:
        """The result in words."""
        return self._table().sentence

    def _table(self) -> Table:
        """The numbers behind the sentence."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()


@dataclass(frozen=True)
class FileView:
    """A text file, with marks in the margin at lines that differ from another file."""

    title: str
    lines: Sequence[tuple[str, bool]]
    """Each line, and whether it is marked."""

    def __repr__(self) -> str:
        body = "\n".join(f"{'>' if marked else ' '} {text}" for text, marked in self.lines)
        return f"{self.title}\n{body}"

    def _repr_html_(self) -> str:
        body = "\n".join(
            f"<strong>&gt; {html.escape(text)}</strong>" if marked else f"  {html.escape(text)}"
            for text, marked in self.lines
        )
        return f'<p>{html.escape(self.title)}</p><pre style="{_LISTING}">{body}</pre>'


def write_file(place: Path, content: str | bytes) -> Path:
    """Write a file that a learner asked for; raise SetupError where that is not possible."""
    try:
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as exc:
        raise SetupError(
            f"{place} cannot be written: {exc.strerror}. Name a file in a folder that is there, "
            "and that you can write to."
        ) from exc
    return place


def no_report(text: str) -> None:
    """Show no progress: the default of functions that take a `Report`."""


class OutputAndReport(NamedTuple):
    """Two ways to write to a cell: lasting output, and progress below it."""

    write: Callable[[object], None]
    report: Report


class StatusLine:
    """One line of text that each update rewrites; it stays empty for the first second."""

    def __init__(self, stream: TextIO | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._start, self._text = clock(), ""

    def show(self, text: str) -> None:
        """Replace the text of the line."""
        is_early = self._clock() - self._start < SHOW_AFTER_S
        if self._stream is None or is_early or text == self._text:
            return
        self._stream.write(f"\r{text.ljust(len(self._text))}")
        self._stream.flush()
        self._text = text

    def clear(self) -> None:
        """Erase the line."""
        if self._stream is not None and self._text:
            self._stream.write(f"\r{' ' * len(self._text)}\r")
            self._stream.flush()
            self._text = ""


@contextmanager
def status_line() -> Iterator[Report]:
    """Give a function that shows progress, in a line that is erased at the end."""
    line = StatusLine(status_stream())
    try:
        yield line.show
    finally:
        line.clear()


@contextmanager
def output_with_status_line(
    write: Callable[[object], None],
) -> Iterator[OutputAndReport]:
    """Give a function that writes lasting output, and one that shows progress below it."""
    line = StatusLine(status_stream())

    def write_above(output: object) -> None:
        line.clear()
        write(output)

    try:
        yield OutputAndReport(write_above, line.show)
    finally:
        line.clear()


def status_stream() -> TextIO | None:
    """The terminal or notebook that shows a status line; None if the output is redirected."""
    if sys.stderr is not None and sys.stderr.isatty():
        return sys.stderr
    return sys.stdout if type(sys.stdout).__module__.startswith("ipykernel") else None


def html_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table with a caption and header cells, for screen readers.

    >>> html_table("Fruit", ["what", "how many"], [["pears", 3]]).count("<th")
    4
    """
    head = "".join(f'<th scope="col" {_LEFT}>{html.escape(name)}</th>' for name in columns)
    return (
        f"<table><caption {_LEFT}>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(_row(*row) for row in rows)}</tbody></table>"
    )


def scrolling_html(content: str) -> str:
    """HTML that the reader can move sideways where it is wider than the page, also by keyboard.

    >>> scrolling_html("<svg></svg>")
    '<div tabindex="0" style="overflow-x:auto"><svg></svg></div>'
    """
    return f'<div tabindex="0" style="overflow-x:auto">{content}</div>'


def inline_html(text: str) -> str:
    """A text as HTML, with `code` between backticks and a new line for each line.

    No line ends between a number and its percent sign.

    >>> inline_html("Look at `lab.pods()`.")
    'Look at <code>lab.pods()</code>.'
    """
    escaped = re.sub(r"(?<=\d) %", "&nbsp;%", html.escape(text))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped).replace("\n", "<br>")


def _paragraph(text: str) -> str:
    return f'<p style="{_WRAPPED}">{inline_html(text)}</p>'


def _row(name: object, *values: object) -> str:
    cells = "".join(f"<td {_LEFT}>{html.escape(str(value))}</td>" for value in values)
    return f'<tr><th scope="row" {_LEFT}>{html.escape(str(name))}</th>{cells}</tr>'
