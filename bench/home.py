"""A home with the images built, for playgrounds that are measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canarylab.images.builder import VERSIONS
from canarylab.images.process_build import build_app_image
from canarylab.playground import daemon_control
from canarylab.playground.home import Home


@contextmanager
def built_home() -> Iterator[Home]:
    """Removed afterwards, with any playground that runs in it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.prepare()
        for version in VERSIONS:
            build_app_image(version, home.images)
        try:
            yield home
        finally:
            daemon_control.down(home)
