"""For tests: the real images of the app, built once for all of them.

`built(images)` fills an images folder with `node_app:1.0` and `node_app:2.0`. The first call of a
test run builds them, which takes npm a second or two; every other one copies five megabytes.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from canarylab.images.app import VERSIONS, build_app, reference
from canarylab.playground.images import Image, find

_KEPT_UNTIL_THE_END: list[tempfile.TemporaryDirectory[str]] = []


def built(images: Path) -> dict[str, Image]:
    """Each version's image, in a folder of the test's own."""
    for name in _shared().glob("[!.]*"):
        shutil.copytree(name, images / name.name, symlinks=True, dirs_exist_ok=True)
    found = {version: find(images, reference(version)) for version in VERSIONS}
    return {version: image for version, image in found.items() if image}


@functools.cache
def _shared() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="canarylab-built-")
    _KEPT_UNTIL_THE_END.append(folder)
    for version in VERSIONS:
        build_app(version, Path(folder.name))
    return Path(folder.name)
