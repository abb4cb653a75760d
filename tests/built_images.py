"""The real images of the app, built once for all tests of a run.

`built(images)` fills an images folder with `node_app:1.0` and `node_app:2.0`. The first call of a
test run builds them, which takes npm a second or two; every other one, in whatever worker, copies
five megabytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from canarylab.images.builder import VERSIONS, app_reference
from canarylab.images.process_build import build_app_image
from canarylab.playground.images import Image, find
from tests.leftover_processes import run_folder
from tests.waiting import exclusive


def built(images: Path) -> dict[str, Image]:
    """Each version's image, in a folder of the test's own."""
    for name in _shared().glob("[!.]*"):
        shutil.copytree(name, images / name.name, symlinks=True, dirs_exist_ok=True)
    found = {version: find(images, app_reference(version)) for version in VERSIONS}
    return {version: image for version, image in found.items() if image}


def _shared() -> Path:
    """Built by the first worker that needs them, while the others wait."""
    folder = run_folder() / "images"
    with exclusive("images"):
        if not folder.exists():
            draft = run_folder() / "images.draft"
            for version in VERSIONS:
                build_app_image(version, draft)
            draft.rename(folder)
    return folder
