"""Every lesson runs from its first cell to its last, and leaves nothing behind.

A notebook runs here as it does for a learner: in a kernel of its own, from a folder that is not
the repository, on the playground.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError

from tests.lessons.reading import LESSONS, NOTEBOOKS
from tests.lessons.running import run
from tests.needs import needs

pytestmark = [
    needs("linux"),
    pytest.mark.parametrize("name", [f"{lesson.stem}.ipynb" for lesson in LESSONS]),
]


async def test_the_solved_notebook_holds_what_it_promises(
    name: str, home: Path, tmp_path: Path
) -> None:
    await run(NOTEBOOKS / "solved" / name, home, tmp_path, strict=True)


async def test_the_learners_notebook_runs_through_unsolved(
    name: str, home: Path, tmp_path: Path
) -> None:
    await run(NOTEBOOKS / name, home, tmp_path, strict=False)


async def test_the_checkpoints_notice_that_it_is_unsolved(
    name: str, home: Path, tmp_path: Path
) -> None:
    with pytest.raises(CellExecutionError, match="CheckpointError"):
        await run(NOTEBOOKS / name, home, tmp_path, strict=True)
