"""Every lesson runs from its first cell to its last, and leaves nothing behind.

A notebook runs here as it does for a learner: in a kernel of its own, from a folder that is not
the repository, on the playground.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lessons.read_lessons import LESSONS, NOTEBOOKS
from tests.lessons.run_lessons import LONGEST, not_yet, outcomes, run
from tests.needs import needs

pytestmark = [needs("linux", "kubectl"), pytest.mark.timeout(LONGEST + 60)]
NAMES = [lesson.stem for lesson in LESSONS]
SOLVED_ELSEWHERE = {"05-promote-or-roll-back", "09-judge"}
"""The longest: test_commands.py runs them, with what a learner types beside them."""
UNSOLVED = {
    "00-welcome": ["both versions have three pods"],
    "01-two-versions": ["version 3.0 answers", "version 4.0 answers"],
    "02-production": [
        "production is ready",
        "the Service finds production",
        "production is ready",
    ],
    "03-canary": ["the two versions are even", "the release is finished"],
    "04-how-sure": ["the sample tells 40 % from 25 %", "the canary gets less than half"],
    "05-promote-or-roll-back": [
        "the release is finished",
        "all pods are replaced at once",
        "production is back at version 1.0",
        "the release is finished",
        "an update loses no request",
    ],
    "06-ingress": ["another spelling reaches the canary", "the preview keeps to its path"],
    "07-weights-and-headers": [
        "a quarter goes to the canary",
        "yellow testers reach the canary",
        "the canary belongs to production",
    ],
    "08-gateway-api": ["half goes to the canary", "the route finds its Services"],
    "09-judge": ["the judge finds slow answers", "the canary is taken back"],
}
"""The checkpoints of each lesson that do not hold when nothing is filled in."""


@pytest.mark.soak(few=1, many=20)
@pytest.mark.parametrize("name", [each for each in NAMES if each not in SOLVED_ELSEWHERE])
async def test_the_solved_notebook_holds_what_it_promises(
    name: str, home: Path, tmp_path: Path, times: int
) -> None:
    for _ in range(times):
        ran = await run(NOTEBOOKS / "solved" / f"{name}.ipynb", home, tmp_path, strict=True)
        assert outcomes(ran) <= {"holds"}  # on the playground, everything can be checked


@pytest.mark.slow  # the solved notebooks run the same cells, and fail for the same faults
@pytest.mark.parametrize("name", NAMES)
async def test_the_unsolved_notebook_runs_through_and_its_checkpoints_say_what_is_missing(
    name: str, home: Path, tmp_path: Path
) -> None:
    ran = await run(NOTEBOOKS / f"{name}.ipynb", home, tmp_path, strict=False)

    assert not_yet(ran) == UNSOLVED[name]
