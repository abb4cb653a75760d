"""How does a table of words look in a notebook?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table with a caption and header cells, as a screen reader wants it.

    >>> table("Fruit", ["what", "how many"], [["pears", "3"]]).count("<th")
    4
    """
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{''.join(_row(*row) for row in rows)}</tbody></table>"
    )


def _row(name: str, *values: str) -> str:
    cells = "".join(f"<td>{escape(value)}</td>" for value in values)
    return f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
