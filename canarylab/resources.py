"""Where the app, the manifests and the notebooks lie on this machine.

In a checkout they are folders beside the package, and editing them changes what the lab uses. An
installed package carries a copy of its own, so that it works without the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Name = Literal["app", "manifests", "notebooks"]

PACKAGE = Path(__file__).parent


def folder(name: Name, *, package: Path = PACKAGE) -> Path:
    """The folder of that name.

    >>> folder("manifests").name
    'manifests'
    """
    packaged = package / "_content" / name
    return packaged if packaged.is_dir() else package.parent / name
