"""The docker program for tests, so that npm in a build reaches its registry.

A build gets the network of the machine, because a bridge of its own leads nowhere on a build
machine. That stays here: the product sets no network.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

_WRAPPER = """#!/bin/sh
if [ "$1" = build ]; then
    shift
    exec {real} build --network=host "$@"
fi
exec {real} "$@"
"""


def wrapped(folder: Path, real: Path) -> Path:
    """A folder for PATH whose `docker` adds the network to `docker build`."""
    folder.mkdir(exist_ok=True)
    program = folder / "docker"
    program.write_text(_WRAPPER.format(real=shlex.quote(str(real))))
    program.chmod(0o755)
    return folder


def installed() -> list[Path]:
    """Every docker program on PATH, the one that would be used first."""
    places = [Path(place) / "docker" for place in os.environ["PATH"].split(os.pathsep)]
    return list(dict.fromkeys(place for place in places if os.access(place, os.X_OK)))


def with_buildkit() -> Path | None:
    """One that can build with BuildKit: before version 23 all can, later the plugin is needed."""
    return next((program for program in installed() if _has_buildkit(program)), None)


def _has_buildkit(program: Path) -> bool:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if int(told.stdout.split()[2].partition(".")[0]) < 23:
        return True
    asked = subprocess.run([program, "buildx", "version"], capture_output=True, check=False)
    return asked.returncode == 0
