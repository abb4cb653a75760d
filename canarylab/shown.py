"""How a notebook shows a value: words, or the same words in a table."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LEFT = 'style="text-align:left"'  # Jupyter sets tables to the right, as if all were numbers
_AS_TYPED = "font-family:monospace"


@dataclass(frozen=True)
class Shown:
    """A sentence, and a table under it where there is one.

    >>> print(Shown("Two pods.", ("pod", "ready"), [("a", "yes"), ("b", "no")]))
    Two pods.
    pod  ready
    a    yes
    b    no
    """

    sentence: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    notes: Sequence[str] = ()
    """What else there is to know, a line each, below."""

    def __repr__(self) -> str:
        return "\n".join([line for line in (self.sentence, *self._lines(), *self.notes) if line])

    def _repr_html_(self) -> str:
        notes = "".join(_paragraph(note) for note in self.notes)
        if not self.rows:
            return _paragraph(self.sentence) + notes
        return table(self.sentence, self.columns, self.rows) + notes

    def _lines(self) -> list[str]:
        if not self.rows:
            return []
        cells = [[str(value) for value in row] for row in [self.columns, *self.rows]]
        widths = [max(len(row[place]) for row in cells) for place in range(len(self.columns))]
        return [
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]


@dataclass(frozen=True)
class Listing:
    """A text file, with marks in the margin at lines that differ from another's."""

    title: str
    lines: Sequence[tuple[str, bool]]

    def __repr__(self) -> str:
        body = "\n".join(f"{'>' if marked else ' '} {text}" for text, marked in self.lines)
        return f"{self.title}\n{body}"

    def _repr_html_(self) -> str:
        body = "\n".join(
            f"<strong>&gt; {html.escape(text)}</strong>" if marked else f"  {html.escape(text)}"
            for text, marked in self.lines
        )
        return f'<p>{html.escape(self.title)}</p><pre style="{_AS_TYPED}">{body}</pre>'


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table with a caption and header cells, as a screen reader wants it.

    >>> table("Fruit", ["what", "how many"], [["pears", 3]]).count("<th")
    4
    """
    head = "".join(f'<th scope="col" {_LEFT}>{html.escape(name)}</th>' for name in columns)
    return (
        f"<table><caption {_LEFT}>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(_row(*row) for row in rows)}</tbody></table>"
    )


def _paragraph(words: str) -> str:
    return f"<p>{html.escape(words)}</p>"


def _row(name: object, *values: object) -> str:
    cells = "".join(f"<td {_LEFT}>{html.escape(str(value))}</td>" for value in values)
    return f'<tr><th scope="row" {_LEFT}>{html.escape(str(name))}</th>{cells}</tr>'
