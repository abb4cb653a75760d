"""Every lesson, and the tour, on a cluster that somebody else runs.

A guest there may do what a student of a workshop may, and nothing else: no node port, no command
in a pod, no look at nodes or at other namespaces.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lessons.read_lessons import LESSONS, NOTEBOOKS
from tests.lessons.run_lessons import LONGEST, outcomes, run
from tests.needs import needs
from tests.restricted_cluster import CONTEXT, RestrictedCluster, StudentRules

pytestmark = [needs("linux", "kubectl"), pytest.mark.slow, pytest.mark.timeout(LONGEST + 60)]
NAMES = [lesson.stem for lesson in LESSONS]
WITHOUT_GATEWAY_API = replace(
    StudentRules.from_manifest(), missing_group="gateway.networking.k8s.io"
)
ALLOWED_TO_FAIL = [
    "get pods/exec",  # asked for, refused, and done in another way
    "create gateways",  # a Gateway is for whoever runs the cluster
    "list ingressclasses",  # to find the class that is there; a guest may not look, and tries nginx
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("local_ports")  # for the lesson that runs both versions locally
async def test_the_solved_notebook_holds_what_it_promises(
    name: str, tmp_path: Path, restricted_cluster: RestrictedCluster
) -> None:
    home, lesson = tmp_path / "home", NOTEBOOKS / "solved" / f"{name}.ipynb"

    await run(lesson, home, tmp_path, strict=True, environment=restricted_cluster.environment(home))

    assert set(restricted_cluster.rules.refused) <= set(ALLOWED_TO_FAIL)


@pytest.mark.parametrize("solved", ["solved/", ""])
@pytest.mark.parametrize("restricted_cluster", [WITHOUT_GATEWAY_API], indirect=True)
async def test_without_the_gateway_api_its_lesson_says_so_and_goes_on(
    solved: str, tmp_path: Path, restricted_cluster: RestrictedCluster
) -> None:
    home, lesson = tmp_path / "home", NOTEBOOKS / f"{solved}08-gateway-api.ipynb"

    ran = await run(
        lesson, home, tmp_path, strict=True, environment=restricted_cluster.environment(home)
    )

    assert outcomes(ran) == {"cannot be checked here"}


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
    assert told.count(" requests, expected ") >= 4, told
    assert process.returncode == 0, told
    assert set(restricted_cluster.rules.refused) <= set(ALLOWED_TO_FAIL)
