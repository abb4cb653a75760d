"""In which way are images built with the engine of this machine?

| what is there                       | who builds                                  |
|-------------------------------------|---------------------------------------------|
| docker with the buildx plugin       | docker, with BuildKit                       |
| docker without it                   | docker, with the engine's classic builder   |
| neither program                     | the engine itself, asked through docker-py  |

Where the user has set DOCKER_BUILDKIT, that settles it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from canarylab.external_tools import Tool, find, run

_YES = {"1", "t", "true"}  # as the docker program reads DOCKER_BUILDKIT


class Way(NamedTuple):
    """Who builds, and what to tell it."""

    tool: Tool | None
    """None: nobody but the engine itself."""
    flags: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    has_buildkit: bool = False


ENGINE = Way(None)
# A step that failed leaves its container behind, unless one asks for it to be removed.
CLASSIC = Way("docker", ("--force-rm",), {"DOCKER_BUILDKIT": "0"})
# kind cannot load an image with attestations.
BUILDKIT = Way(
    "docker",
    ("--progress=plain",),
    {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
    has_buildkit=True,
)


def way() -> Way:
    """The best that there is."""
    if find("docker") is None:
        return ENGINE
    settled = os.environ.get("DOCKER_BUILDKIT")
    with_buildkit = settled.lower() in _YES if settled else _has_plugin()
    return BUILDKIT if with_buildkit else CLASSIC


def _has_plugin() -> bool:
    return run("docker", "buildx", "version").returncode == 0
