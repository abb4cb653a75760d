"""The folder of canarylab, and writing files in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.playground.home import write_atomically


def test_a_file_is_replaced_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text("old")
    write_atomically(file, "new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\ud800")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("state.json", "old")]
