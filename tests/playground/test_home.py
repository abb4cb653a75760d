"""The folder of canarylab, and writing files in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.errors import SetupError
from canarylab.playground.home import Home, write_atomically


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


def test_a_new_home_is_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / "home")
    home.prepare()
    assert mode(home.root) == 0o700


def test_a_folder_that_existed_keeps_its_mode_and_what_is_ours_in_it_is_private(
    tmp_path: Path,
) -> None:
    root = tmp_path / "shared"
    (root / "playground").mkdir(parents=True)
    root.chmod(0o755)
    home = Home(root)
    home.prepare()
    assert [mode(each) for each in (root, home.playground, home.images)] == [0o755, 0o700, 0o700]


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Home(tmp_path).prepare()
    monkeypatch.setattr("os.geteuid", lambda: 65_534)
    with pytest.raises(SetupError, match="playground belongs to another user"):
        Home(tmp_path).prepare()


def mode(folder: Path) -> int:
    return folder.stat().st_mode & 0o777
