"""Is there room?"""

from __future__ import annotations

from pathlib import Path

from canarylab.machine import disk


def test_room_enough_is_fine(tmp_path: Path) -> None:
    found = disk.disk(tmp_path, 1)
    assert found.state == "fine"
    assert found.words.endswith(f"free at {tmp_path}")


def test_a_folder_that_is_yet_to_be_made_lies_where_its_parents_lie(tmp_path: Path) -> None:
    assert disk.disk(tmp_path / "not" / "yet", 1) == disk.disk(tmp_path, 1)


def test_too_little_says_how_much_is_needed(tmp_path: Path) -> None:
    found = disk.disk(tmp_path, 10**18, "the bundle")
    assert (found.state, found.needed_for) == ("missing", "the bundle")
    assert found.words.startswith("Only ")
    assert found.remedy.startswith("1000000000 GB are needed")
