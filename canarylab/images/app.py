"""The app of the lessons: one source, one image for each version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from canarylab import resources
from canarylab.images.base import Step
from canarylab.images.process import build
from canarylab.playground.images import Image

NAME = "node_app"
VERSIONS = ("1.0", "2.0")
LOCAL_PORTS = {"1.0": 8888, "2.0": 9999}


def reference(version: str) -> str:
    """The image of a version.

    >>> reference("2.0")
    'node_app:2.0'
    """
    return f"{NAME}:{version}"


def build_app(
    version: str, images: Path, report: Callable[[Step], None] = lambda step: None
) -> Image:
    """Build one version; the one source becomes it by a build argument."""
    return build(
        resources.folder("app"),
        reference(version),
        images=images,
        build_args={"APP_VERSION": version},
        report=report,
    )
