"""Is the kind that is installed one that we can use?"""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.machine import system
from canarylab.machine.kind_tool import OLDEST, kind_tool
from tests.machine.conftest import install


@pytest.mark.parametrize("version", [str(OLDEST), "0.33.1", "0.34.0", "1.0.0"])
def test_this_release_and_later_ones_are_fine(programs: Path, version: str) -> None:
    install(programs, "kind", f"echo kind v{version} go1.26.3 linux/amd64")
    found = kind_tool()
    assert (found.state, str(found)) == ("fine", f"kind {version} is installed.")


@pytest.mark.parametrize("version", ["0.32.9", "0.9.0"])
def test_an_older_one_is_missing_what_the_node_image_needs(programs: Path, version: str) -> None:
    install(programs, "kind", f"echo kind v{version} go1.26.3 linux/amd64")
    found = kind_tool()
    assert (found.state, found.words) == ("missing", f"kind {version} is older than {OLDEST}")


@pytest.mark.parametrize("said", ["kind v0.33.0-alpha+1f2d go1.26.3 linux/amd64", "hello", ""])
def test_what_is_no_release_is_repeated(programs: Path, said: str) -> None:
    install(programs, "kind", f"echo '{said}'")
    found = kind_tool()
    assert found.state == "missing"
    assert f'kind says "{said[:60] or "nothing"}"'.replace('""', '"') in found.words


def test_no_kind_is_missing(programs: Path) -> None:
    found = kind_tool()
    assert (found.state, found.words) == ("missing", "kind is not installed")
    assert found.needed_for == "the kind cluster"


def test_a_kind_that_hangs_is_given_up(programs: Path) -> None:
    install(programs, "kind", "exec /bin/sleep 60")
    assert kind_tool(timeout_s=0.1).words == "kind did not say its version in time"


def test_a_kind_of_another_machine_cannot_be_run(programs: Path) -> None:
    (programs / "kind").write_bytes(b"\x7fELF of another processor")
    (programs / "kind").chmod(0o755)
    found = kind_tool()
    assert (found.state, "cannot be run" in found.words) == ("missing", True)


@pytest.mark.parametrize(
    ("here", "way"), [("Linux", "curl"), ("WSL", "curl"), ("macOS", "brew"), ("Windows", "winget")]
)
def test_how_to_get_it_depends_on_the_system(
    here: system.System, way: str, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "this_system", lambda: here)
    assert f"`{way} " in kind_tool().remedy
