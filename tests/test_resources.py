"""The app, the manifests and the notebooks are found, in a checkout and when installed."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from canarylab import resources


@pytest.mark.parametrize("name", get_args(resources.Name))
def test_a_checkout_uses_its_own_folders(name: resources.Name) -> None:
    assert resources.folder(name) == resources.PACKAGE.parent / name


def test_an_installed_package_uses_the_copy_it_carries(tmp_path: Path) -> None:
    copy = tmp_path / "canarylab" / "_content" / "app"
    copy.mkdir(parents=True)

    assert resources.folder("app", package=tmp_path / "canarylab") == copy
