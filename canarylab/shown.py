"""How a notebook shows a value: words, or the same words in a table."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass


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

    def __repr__(self) -> str:
        return "\n".join([line for line in (self.sentence, *self._lines()) if line])

    def _repr_html_(self) -> str:
        said = f"<p>{html.escape(self.sentence)}</p>" if self.sentence else ""
        if not self.rows:
            return said
        head = "".join(f'<th scope="col">{_cell(name)}</th>' for name in self.columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in self.rows
        )
        style = "text-align:left"
        return (
            f'{said}<table style="{style}"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )

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
        return f"<p>{html.escape(self.title)}</p><pre>{body}</pre>"


def _cell(value: object) -> str:
    return html.escape(str(value))
