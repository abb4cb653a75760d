"""The app, the manifests and the notebooks are found, in a checkout and when installed."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from canarylab import resources


@pytest.mark.parametrize("name", get_args(resources.Name))
def test_a_checkout_uses_its_own_folders(name: resources.Name) -> None:
    assert resources.folder(name) == resources.PACKAGE.parent / name


def test_a_name_of_two_files_is_an_error_that_names_both() -> None:
    with pytest.raises(ValueError, match="playground/controllers/rollout, release/rollout"):
        resources.source_file("rollout")


def test_a_full_name_is_that_file() -> None:
    found = resources.source_file("release/rollout")
    assert found == resources.PACKAGE / "release" / "rollout.py"


def test_an_installed_package_uses_the_copy_it_carries(tmp_path: Path) -> None:
    copy = tmp_path / "canarylab" / "_content" / "app"
    copy.mkdir(parents=True)

    assert resources.folder("app", package=tmp_path / "canarylab") == copy
