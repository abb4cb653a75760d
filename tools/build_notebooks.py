"""Builds the notebooks a learner opens from the text we edit.

    python tools/build_notebooks.py           write notebooks/ and notebooks/solved/
    python tools/build_notebooks.py --check   fail if that would change anything

A lesson lives in notebooks/source as a Python file in percent format. A cell's answer stands below
a line `# solution`: the solved notebook keeps it, the learner's has a blank there. Cells are named
by a hash of their own text, so two builds are byte-identical and a new paragraph changes one name.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
BLANK = "...  # your code here"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

Cell = dict[str, Any]
"""A cell as it stands in the file."""

_ANSWER = re.compile(
    r"""^(?P<indent>[ \t]*)\#[ ]solution[ \t]*\n?   # the mark,
        (?:(?P=indent).*(?:\n|\Z)|[ \t]*\n)*        # and all below it that is not further left
    """,
    re.MULTILINE | re.VERBOSE,
)
_MARK = re.compile(r"^[ \t]*# solution[ \t]*(?:\n|\Z)", re.MULTILINE)


def main(arguments: list[str], notebooks: Path = NOTEBOOKS) -> int:
    """Build, or check; the exit status is 1 when a check finds something stale."""
    parser = argparse.ArgumentParser(description="Build the notebooks from notebooks/source.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    built = build(notebooks)
    if parser.parse_args(arguments).check:
        return _report_stale(stale(notebooks, built))
    for path, text in built.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in orphaned_notebooks(notebooks, built):
        path.unlink()
    print(f"Built {len(built)} notebooks from {len(built) // 2} lessons.")
    return 0


def build(notebooks: Path) -> dict[Path, str]:
    """What each generated file should hold."""
    built = {}
    for source in sorted(notebooks.glob("source/*.py")):
        lesson = jupytext.read(source)
        built[notebooks / f"{source.stem}.ipynb"] = notebook_json(learner_cells(lesson))
        built[notebooks / "solved" / f"{source.stem}.ipynb"] = notebook_json(solved_cells(lesson))
    return built


def stale(notebooks: Path, built: dict[Path, str]) -> list[Path]:
    """Files that are missing, differ, or have lost their source."""
    different = [
        path
        for path, text in built.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return different + orphaned_notebooks(notebooks, built)


def orphaned_notebooks(notebooks: Path, built: dict[Path, str]) -> list[Path]:
    """Generated notebooks whose source is gone."""
    there = [*notebooks.glob("*.ipynb"), *notebooks.glob("solved/*.ipynb")]
    return sorted(path for path in there if path not in built)


def learner_cells(lesson: Any) -> list[Cell]:
    """Every cell but the solutions, with a blank in place of each answer."""
    return [
        _cell(cell, with_blank)
        for cell in lesson.cells
        if "solution" not in cell.metadata.get("tags", [])
    ]


def solved_cells(lesson: Any) -> list[Cell]:
    """Every cell, with the answers in it."""
    return [_cell(cell, without_mark) for cell in lesson.cells]


def with_blank(code: str) -> str:
    r"""The code with its answer taken out.

    >>> with_blank("def share(canary, stable):\n    # solution\n    return canary\n\nshare(1, 3)")
    'def share(canary, stable):\n    ...  # your code here\n\nshare(1, 3)'
    """

    def blank(found: re.Match[str]) -> str:
        below = found[0][len(found[0].rstrip()) :]
        return f"{found['indent']}{BLANK}{below}"

    return _ANSWER.sub(blank, code)


def without_mark(code: str) -> str:
    r"""The code with its answer in it.

    >>> without_mark("# solution\nlab.scale('nodeapp-canary', 2)")
    "lab.scale('nodeapp-canary', 2)"
    """
    return _MARK.sub("", code)


def notebook_json(cells: list[Cell]) -> str:
    """The notebook as a file: no outputs, and of the metadata only which kernel runs it."""
    seen: Counter[str] = Counter()
    for cell in cells:
        text = f"{cell['cell_type']}\n{''.join(cell['source'])}"
        stem = hashlib.sha256(text.encode()).hexdigest()[:8]
        seen[stem] += 1
        cell["id"] = stem if seen[stem] == 1 else f"{stem}-{seen[stem]}"
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": KERNEL},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cell(cell: Any, change: Callable[[str], str]) -> Cell:
    tags = cell.metadata.get("tags")
    made: Cell = {"cell_type": cell.cell_type, "metadata": {"tags": tags} if tags else {}}
    if cell.cell_type == "code":
        source = change(cell.source)
        return made | {"source": _lines(source), "outputs": [], "execution_count": None}
    return made | {"source": _lines(cell.source)}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _report_stale(files: list[Path]) -> int:
    if not files:
        return 0
    names = ", ".join("/".join(path.parts[-2:]) for path in files)
    print(f"Not what their source makes: {names}. Run `make notebooks`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
