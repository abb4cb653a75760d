"""Does the kubectl that is installed go with the playground?"""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.machine.kubectl import PLAYGROUND, kubectl
from tests.machine.conftest import install


def says(version: str) -> str:
    return f"""echo '{{"clientVersion": {{"gitVersion": "{version}"}}}}'"""


@pytest.mark.parametrize("version", ["v1.35.0", "v1.36.2+k3s1", "v1.37.1"])
def test_one_minor_version_apart_is_fine(programs: Path, version: str) -> None:
    install(programs, "kubectl", says(version))
    assert kubectl().state == "fine"


def test_an_older_one_that_was_tried_is_a_note(programs: Path) -> None:
    install(programs, "kubectl", says("v1.32.4-dispatcher"))
    found = kubectl()
    assert (found.state, found.words) == ("note", "kubectl 1.32 is installed")
    assert f"The lessons work; Kubernetes {PLAYGROUND}" in found.remedy


def test_a_very_old_one_is_told_what_will_not_work(programs: Path) -> None:
    install(programs, "kubectl", says("v1.27.0"))
    assert kubectl().remedy.startswith("Its exec and port-forward need 1.31")


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "echo {}", "echo []"])
def test_one_that_does_not_say_its_version_stands_in_nobodys_way(
    programs: Path, script: str
) -> None:
    install(programs, "kubectl", script)
    found = kubectl()
    assert (found.state, "does not say its version" in found.words) == ("note", True)


def test_none_at_all_stands_in_nobodys_way(programs: Path) -> None:
    found = kubectl()
    assert (found.state, found.words) == ("note", "kubectl is not installed")
    assert "https://kubernetes.io/docs/tasks/tools/" in found.remedy
