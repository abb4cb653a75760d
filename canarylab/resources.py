"""Paths of the app, the manifests, the notebooks and the source code on this machine.

In a checkout they are folders next to the package, and editing them changes what the lab uses. An
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


def manifest_names() -> list[str]:
    """The manifests, as paths in their folder.

    >>> "03-canary/canary.yaml" in manifest_names()
    True
    """
    root = folder("manifests")
    return sorted(path.relative_to(root).as_posix() for path in root.glob("**/*.yaml"))


def source_file(name: str, *, package: Path = PACKAGE) -> Path:
    """The module of this name, `replicaset` or `release/rollout`, as it runs here.

    Raises ValueError, with similar names, if there is none, and with all names if several match.

    >>> source_file("resources").name
    'resources.py'
    """
    found = sorted(package.glob(f"**/{name}.py"))
    if package / f"{name}.py" in found:
        return package / f"{name}.py"
    if len(found) > 1:
        names = [path.relative_to(package).with_suffix("").as_posix() for path in found]
        raise ValueError(f'"{name}" is one of {len(found)} files. Name one: {", ".join(names)}.')
    if not found:
        close = sorted(path.stem for path in package.glob("**/*.py") if name in path.stem)
        hint = "All are in the folder canarylab/."
        if close:
            hint = f"Did you mean one of: {', '.join(close)}?"
        raise ValueError(f'There is no file "{name}.py" in canarylab. {hint}')
    return found[0]
