"""The cells of the lessons, as the tests read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import jupytext

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted((NOTEBOOKS / "source").glob("*.py"))


class Cell(NamedTuple):
    """One cell of a lesson."""

    type: str
    source: str
    tags: frozenset[str]

    @property
    def place(self) -> str:
        """Its first line, to find it by."""
        return self.source.partition("\n")[0]


class Heading(NamedTuple):
    """A heading and how deep it is."""

    level: int
    text: str


def cells(lesson: Path) -> list[Cell]:
    """Every cell of the source, solutions included."""
    return [
        Cell(cell.cell_type, cell.source, frozenset(cell.metadata.get("tags", [])))
        for cell in jupytext.read(lesson).cells
    ]


def prose(lesson: Path) -> list[Cell]:
    """The cells a learner reads."""
    return [cell for cell in cells(lesson) if cell.type == "markdown"]


def code(lesson: Path) -> list[Cell]:
    """The cells a learner runs."""
    return [cell for cell in cells(lesson) if cell.type == "code"]


def without_code_blocks(text: str) -> str:
    r"""Prose alone.

    >>> without_code_blocks("Run this.\n```\n# no heading\n```\nThen read.")
    'Run this.\n\nThen read.'
    """
    return re.sub(r"^```.*?^```[ ]*$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str) -> list[Heading]:
    r"""The headings of a markdown text, in order.

    >>> headings("# One\n\n## Two")
    [Heading(level=1, text='One'), Heading(level=2, text='Two')]
    """
    found = re.findall(r"^(#{1,6}) +(.+)$", without_code_blocks(text), re.MULTILINE)
    return [Heading(len(marks), words.strip()) for marks, words in found]


def words(text: str) -> list[str]:
    """What is read in one go: no code blocks, tables, link targets or HTML tags.

    >>> words("See [the docs](https://example.org) **twice**.")
    ['See', 'the', 'docs', 'twice']
    """
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|^\|.*$", " ", without_code_blocks(text), flags=re.MULTILINE)
    return re.findall(r"[\w'.:/-]*\w", text)
