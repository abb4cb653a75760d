"""Images of the app for tests, built once a test run.

`built(images)` fills an images folder with `node_app:1.0` and `node_app:2.0`. The first call of a
test run builds them, which takes npm a second or two; every other one copies five megabytes.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from canarylab.images.builder import VERSIONS, app_reference
from canarylab.images.process_build import build_app
from canarylab.playground.images import Image, find

_KEPT_UNTIL_THE_END: list[tempfile.TemporaryDirectory[str]] = []


def built(images: Path) -> dict[str, Image]:
    """Return each version's image, copied into a folder of the test's own."""
    for name in _shared().glob("[!.]*"):
        shutil.copytree(name, images / name.name, symlinks=True, dirs_exist_ok=True)
    found = {version: find(images, app_reference(version)) for version in VERSIONS}
    return {version: image for version, image in found.items() if image}


@functools.cache
def _shared() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="canarylab-built-")
    _KEPT_UNTIL_THE_END.append(folder)
    for version in VERSIONS:
        build_app(version, Path(folder.name))
    return Path(folder.name)
