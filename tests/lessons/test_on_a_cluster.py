"""Every solved lesson on the cluster that `--cluster` names, with the home of whoever runs this.

`pytest tests/lessons/test_on_a_cluster.py --cluster kind` wants the cluster to be there, with the
app's images and the Gateway API. Without `--cluster` one lesson runs on the playground, as its
administrator has it with a kubeconfig.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lessons.read_lessons import LESSONS, NOTEBOOKS
from tests.lessons.run_lessons import LONGEST, outcomes, run_in
from tests.needs import needs

pytestmark = [needs("linux", "kubectl"), pytest.mark.slow, pytest.mark.timeout(LONGEST + 60)]
USERS_ENVIRONMENT = dict(os.environ)  # before a fixture of all tests changes it
NAMES = [lesson.stem for lesson in LESSONS]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All lessons on a cluster that is named, one on the playground."""
    metafunc.parametrize("name", NAMES if metafunc.config.getoption("--cluster") else ["03-canary"])


@pytest.fixture
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """In which the lesson's lab takes that cluster."""
    if named := request.config.getoption("--cluster"):
        return USERS_ENVIRONMENT | {"CANARYLAB_CLUSTER": named}
    playground = request.getfixturevalue("playground")
    request.getfixturevalue("connection")  # which empties it before and after
    ours = {"CANARYLAB_CLUSTER": "kubeconfig", "KUBECONFIG": str(playground.kubeconfig)}
    return {**os.environ, **ours, "CANARYLAB_HOME": str(tmp_path / "home")}


async def test_the_solved_notebook_holds_what_it_promises(
    name: str, environment: dict[str, str], tmp_path: Path
) -> None:
    lesson = NOTEBOOKS / "solved" / f"{name}.ipynb"

    ran = await run_in(environment | {"CANARYLAB_STRICT": "1"}, lesson, tmp_path)

    assert outcomes(ran) <= {"holds"}
