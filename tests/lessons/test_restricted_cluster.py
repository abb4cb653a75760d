"""A lesson, and the tour, on a cluster that somebody else runs.

A guest there may do what a student of a workshop may, and nothing else: no node port, no command
in a pod, no look at nodes or at other namespaces.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.lessons.read_lessons import NOTEBOOKS
from tests.lessons.run_lessons import run
from tests.needs import needs
from tests.restricted_cluster import CONTEXT, RestrictedCluster

pytestmark = [needs("linux"), pytest.mark.slow]
LESSON = NOTEBOOKS / "solved" / "03-canary.ipynb"
ALLOWED_TO_FAIL = [
    "get pods/exec",  # asked for, refused, and done in another way
    "list ingressclasses",  # to find the class that is there; a guest may not look, and tries nginx
]


async def test_the_solved_notebook_holds_what_it_promises(
    tmp_path: Path, restricted_cluster: RestrictedCluster
) -> None:
    home = tmp_path / "home"

    await run(LESSON, home, tmp_path, strict=True, environment=restricted_cluster.environment(home))

    assert set(restricted_cluster.rules.refused) <= set(ALLOWED_TO_FAIL)


@pytest.mark.usefixtures("local_ports")
async def test_the_tour_plays_to_its_end(
    tmp_path: Path, restricted_cluster: RestrictedCluster
) -> None:
    tour = [sys.executable, "-m", "canarylab", "tour", "--out", str(tmp_path), "--requests", "100"]
    process = await asyncio.create_subprocess_exec(
        *tour,
        env=os.environ | restricted_cluster.environment(tmp_path / "home"),
        stdout=asyncio.subprocess.PIPE,
    )

    told = (await process.communicate())[0].decode()

    assert f"You are on context {CONTEXT}" in told
    assert told.count("; expected ") >= 6
    unlucky = told.count("OUTSIDE")
    assert unlucky <= 1, told  # by honest luck: one in 250 tours, two in 100,000
    assert process.returncode == unlucky, told
    assert set(restricted_cluster.rules.refused) <= set(ALLOWED_TO_FAIL)
