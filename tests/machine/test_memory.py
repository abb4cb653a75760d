"""Which memory counts?"""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.machine.memory import Memory, here, judged

GB = 10**9


@pytest.fixture(autouse=True)
def _no_limit_of_jupyterhub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEM_LIMIT", raising=False)


def system(root: Path, cgroups: str, files: dict[str, str]) -> Path:
    """A system with these control groups."""
    for name, text in {"proc/self/cgroup": cgroups, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    assert here(tmp_path).limit is None
    unlimited = system(tmp_path, "0::/", {"sys/fs/cgroup/memory.max": "max"})
    assert here(unlimited).limit is None


def test_the_limit_of_a_container_counts(tmp_path: Path) -> None:
    container = system(tmp_path, "0::/", {"sys/fs/cgroup/memory.max": "1000000"})
    assert here(container).usable == 1_000_000


def test_the_tightest_limit_around_us_counts(tmp_path: Path) -> None:
    nested = system(
        tmp_path,
        "0::/class/seat7",
        {
            "sys/fs/cgroup/class/memory.max": "2000000",
            "sys/fs/cgroup/class/seat7/memory.max": "max",
        },
    )
    assert here(nested).usable == 2_000_000


def test_cgroup_v1_keeps_its_limit_elsewhere(tmp_path: Path) -> None:
    old = system(
        tmp_path,
        "5:cpu:/box\n4:memory:/box\n0::/",
        {
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "3000000",
        },
    )
    assert here(old).usable == 3_000_000


def test_the_limit_that_binder_names_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEM_LIMIT", "4000000")
    assert here(tmp_path).usable == 4_000_000


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        (Memory(16 * GB, 9 * GB), "fine", "16.0 GB of memory, 9.0 GB of it free"),
        (Memory(16 * GB, 9 * GB, limit=GB), "note", "1.0 GB of memory, the limit set here"),
        (Memory(GB // 4, GB // 8), "missing", "250 MB of memory, 125 MB of it free"),
    ],
)
def test_what_can_run_with_so_much_is_said(found: Memory, state: str, words: str) -> None:
    said = judged(found)
    assert (said.state, said.words) == (state, words)
    assert bool(said.remedy) == (state != "fine")
