"""Notebooks are built from text: no outputs, stable names, answers only in the solved ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tools import build_notebooks

HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

"""
LESSON = """\
# %% [markdown]
# # A lesson

# %% tags=["exercise"]
share = None
# solution
share = 0.25

# %% tags=["solution"]
print("only for teachers")

# %%
share

# %%
share
"""


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """A folder of notebooks with one lesson, not yet built."""
    write(tmp_path, LESSON)
    return tmp_path


def write(notebooks: Path, text: str) -> None:
    (notebooks / "source").mkdir(exist_ok=True)
    (notebooks / "source" / "1-lesson.py").write_text(HEADER + text)


def build(notebooks: Path, *arguments: str) -> int:
    return build_notebooks.main(list(arguments), notebooks)


def cells(path: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return listed


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(path)]


def test_the_learner_has_a_blank_where_the_answer_was(notebooks: Path) -> None:
    build(notebooks)

    assert sources(notebooks / "1-lesson.ipynb") == [
        "# A lesson",
        "share = None\n...  # your code here",
        "share",
        "share",
    ]


def test_the_solved_notebook_has_the_answer_and_the_solution_cells(notebooks: Path) -> None:
    build(notebooks)

    assert sources(notebooks / "solved" / "1-lesson.ipynb")[1:3] == [
        "share = None\nshare = 0.25",
        'print("only for teachers")',
    ]


def test_code_further_left_than_the_answer_stays() -> None:
    code = (
        "def plan(size):\n    # solution\n    if size:\n\n        return 1\n    return 0\n\nplan(3)"
    )

    assert (
        build_notebooks.with_blank(code) == "def plan(size):\n    ...  # your code here\n\nplan(3)"
    )


@pytest.mark.parametrize("name", ["1-lesson.ipynb", "solved/1-lesson.ipynb"])
def test_what_is_built_is_a_notebook_without_outputs(notebooks: Path, name: str) -> None:
    build(notebooks)
    notebook = json.loads((notebooks / name).read_text())

    nbformat.validate(nbformat.from_dict(notebook))  # type: ignore[no-untyped-call]
    assert list(notebook["metadata"]) == ["kernelspec"]
    assert not any(cell.get("outputs") for cell in notebook["cells"])


def test_two_builds_are_the_same_bytes(notebooks: Path) -> None:
    build(notebooks)
    first = (notebooks / "1-lesson.ipynb").read_bytes()
    build(notebooks)

    assert (notebooks / "1-lesson.ipynb").read_bytes() == first


def test_twins_have_names_of_their_own(notebooks: Path) -> None:
    build(notebooks)
    *_, one, two = [cell["id"] for cell in cells(notebooks / "1-lesson.ipynb")]

    assert two == f"{one}-2"


def test_a_new_paragraph_changes_no_other_name(notebooks: Path) -> None:
    build(notebooks)
    before = {cell["id"] for cell in cells(notebooks / "1-lesson.ipynb")}
    write(notebooks, "# %% [markdown]\n# A paragraph.\n\n" + LESSON)
    build(notebooks)
    after = {cell["id"] for cell in cells(notebooks / "1-lesson.ipynb")}

    assert before < after
    assert len(after) == len(before) + 1


def test_a_check_passes_after_a_build_and_fails_after_an_edit(
    notebooks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(notebooks)
    assert build(notebooks, "--check") == 0
    write(notebooks, LESSON.replace("A lesson", "Another"))

    assert build(notebooks, "--check") == 1
    assert "solved/1-lesson.ipynb. Run `make notebooks`." in capsys.readouterr().err


def test_a_check_writes_nothing(notebooks: Path) -> None:
    build(notebooks, "--check")

    assert not list(notebooks.glob("*.ipynb"))


def test_a_notebook_whose_source_is_gone_goes_too(notebooks: Path) -> None:
    build(notebooks)
    (notebooks / "source" / "1-lesson.py").unlink()

    assert build(notebooks, "--check") == 1
    build(notebooks)
    assert not list(notebooks.rglob("*.ipynb"))
